"""The rungs of the ladder: ways to classify the same pictures, from the simplest up.

Each gives probabilities for the validation and the test pictures, and what it costs. What can be
shipped comes with its classifier. `climb` takes them in order; nothing here compares them.
"""
