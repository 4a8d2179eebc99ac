"""From a network and batches to trained weights: the recipe, the plan, the loop, checkpoints.

Here belongs what changes weights. It takes samples as `data` gives them and knows nothing of
files of pictures, of metrics beyond the epoch's, or of reports.
"""
