"""The computed sentences: each section's answer, from its numbers.

Here belong pure functions from numbers and names to English. No layout, no reading of files.
"""
