"""The command line: one thin file a verb, which parses, calls, and prints.

Here belongs nothing that a Python user would miss.
"""
