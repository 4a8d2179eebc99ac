"""Choosing settings by the pictures themselves: folds, spaces of settings, studies, importance.

Here belongs what a search asks and how it remembers; the training that answers is the job's.
"""
