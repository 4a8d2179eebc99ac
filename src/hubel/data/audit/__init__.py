"""What is wrong with data: measures of pixels, near-duplicates, findings.

Here belong functions over the columns of a scan that say what a picture is like and which pictures
are the same. Nothing here opens a file: the pixels were seen once, at scan time.
"""
