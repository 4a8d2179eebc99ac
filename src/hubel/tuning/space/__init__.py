"""A space of settings, written as text: read, drawn from, counted, and written out.

Here belongs the grammar; it knows the names of settings and nothing of training.
"""
