"""Hand-designed features: what pictures were described by before descriptions were learnt.

Here belongs what turns a batch of pictures in [0, 1] into one vector each by rules that somebody
wrote down: colour, gradients, texture, visual words, and their composition. No classifier, no loss.
"""
