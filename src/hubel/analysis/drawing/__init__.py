"""The picture of a network: boxes, what flows between them, and blocks that repeat.

Here belongs what turns a graph and its layers into a drawing: nodes, blocks, positions, and SVG
without scripts that reads in light and dark, narrow and wide.
"""

from __future__ import annotations

from hubel.analysis.drawing.picture import draw

__all__ = ["draw"]
