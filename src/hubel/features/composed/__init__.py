"""Features made of features.

Here belongs what takes other features apart by place, scales them, or sets them side by side.
"""
