"""Histograms of oriented gradients.

Here belongs what becomes of the gradient of a picture: its strongest channel, votes for
orientations, cells, blocks and their norms, under the conventions of two libraries.
"""
