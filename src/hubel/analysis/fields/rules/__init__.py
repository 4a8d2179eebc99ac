"""Receptive fields: what each operator of PyTorch does to the reach of its inputs.

Here belongs one rule an operator, by its name; what changes elements one by one needs none.
"""
