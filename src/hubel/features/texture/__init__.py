"""Histograms of texture.

Here belongs what compares each pixel with its neighbours, and counts the patterns.
"""
