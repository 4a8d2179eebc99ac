"""The audit of a source as a whole: what `hubel data` finds, writes and shows.

Here belong the steps that need more than a scan's columns: a cheap classifier for likely label
errors, the document, the table and the page.
"""
