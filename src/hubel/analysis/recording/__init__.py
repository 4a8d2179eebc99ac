"""The operators of a network, recorded without numbers: the graph that every analysis reads.

Here belongs what copies, runs and records a network.
"""
