"""Classifiers that give a sample several labels at once, or none: how good they are.

Here belong the metrics of such answers with their intervals, the thresholds, the calibration and
the comparison of two. One label a sample is the business of the modules beside this folder.
"""
