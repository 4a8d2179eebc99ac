"""The notation: one line names a network.

Here belongs what reads a line, prints it back, checks its sizes and builds it. Reading, printing
and checking need no torch; only `builder`, `layers` and `initialise` import it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from hubel.models.notation.advice import Advice
from hubel.models.notation.checker import Checked, Step, check
from hubel.models.notation.errors import NotationError
from hubel.models.notation.parser import parse
from hubel.models.notation.printer import print_line
from hubel.models.notation.sizes import fixed_size, smallest_side
from hubel.models.notation.states import Grid, State, Tokens, Vector
from hubel.models.notation.tree import Network
from hubel.models.notation.words import INITS, WORDS

if TYPE_CHECKING:
    from hubel.models.notation.builder import build

__all__ = [
    "INITS",
    "WORDS",
    "Advice",
    "Checked",
    "Grid",
    "Network",
    "NotationError",
    "State",
    "Step",
    "Tokens",
    "Vector",
    "build",
    "check",
    "fixed_size",
    "parse",
    "print_line",
    "smallest_side",
]


def __getattr__(name: str) -> Any:
    if name != "build":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module("hubel.models.notation.builder").build
