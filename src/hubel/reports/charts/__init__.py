"""Small pure functions from numbers to inline SVG or HTML.

Here belong shapes only. Colours are classes that style.css defines for light and dark; every
mark that stands for a number carries a <title>, and all is readable without a script.
"""
