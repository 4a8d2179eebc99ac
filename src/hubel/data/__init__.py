"""From files to batches: sources, scanning, decoding, splits, the pixel cache, augmentation.

Here belongs whatever happens to samples before a network sees them, and nothing that knows
about networks or losses.
"""
