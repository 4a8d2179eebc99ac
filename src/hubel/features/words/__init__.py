"""Bags of visual words.

Here belongs what learns a dictionary of patches or of gradients from training pictures, and counts
how often each of its words occurs in a picture.
"""
