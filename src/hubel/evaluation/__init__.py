"""What a classifier's predictions on a split are worth, from arrays alone: metrics, the interval
of each, calibration, paired comparison, and `Evaluation`, which holds the predictions themselves.
Nothing here reads pictures, runs a network or writes a file, and nothing here imports torch."""
