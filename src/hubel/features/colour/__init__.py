"""Histograms of colours.

Here belongs how pixels are counted by colour, and the spaces in which colours have coordinates.
"""
