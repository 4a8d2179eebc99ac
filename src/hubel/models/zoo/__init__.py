"""Networks of timm and torchvision: their names, how they are built, and what is adapted in them.

Here belongs what knows how those two libraries are called. What is adapted is told in notes.
"""
