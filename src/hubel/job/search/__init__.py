"""The job of a search: trials over folds, shared and resumed, and the figure at the end.

Here belongs the order of its stages and what its folder holds; spaces, folds and studies are
`hubel.tuning`'s.
"""
