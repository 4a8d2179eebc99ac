"""Linear stacks built as the one convolution that they are.

Here belongs what composes kernels, keeps the borders exact, and puts the one in the stack's place.
The interior is one convolution; where a layer within the stack pads, the border is not, and the
stack itself computes it.
"""

from __future__ import annotations

from hubel.analysis.collapse.agreeing import Agreement
from hubel.analysis.collapse.building import collapse_stack
from hubel.analysis.collapse.collapsed import Collapsed
from hubel.analysis.collapse.finding import LinearStack, find_linear_stacks
from hubel.analysis.collapse.replacing import Collapse, collapse

__all__ = [
    "Agreement",
    "Collapse",
    "Collapsed",
    "LinearStack",
    "collapse",
    "collapse_stack",
    "find_linear_stacks",
]
