"""Comparing and looking up Arrow columns, as NumPy arrays and without a loop in Python."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

__all__ = ["begins_with", "equal", "places_of", "sorted_places"]

_compute: Any = import_module("pyarrow.compute")  # it publishes no types


def places_of(wanted: Any, among: Any) -> NDArray[np.int64]:
    """Where each value stands among others, the first time; -1 where it doesn't.

    Example:
        >>> places_of(pa.array(["b", "x"]), pa.array(["a", "b"])).tolist()
        [1, -1]
    """
    if isinstance(among, pa.ChunkedArray):
        among = among.combine_chunks()
    return _compute.index_in(wanted, value_set=among).fill_null(-1).to_numpy().astype(np.int64)


def equal(left: Any, right: Any) -> NDArray[np.bool_]:
    """Where two columns, or a column and a value, agree; nothing agrees with null."""
    return np.asarray(_compute.equal(left, right).fill_null(False), np.bool_)


def begins_with(column: Any, text: str) -> NDArray[np.bool_]:
    """Where a text begins with another; null doesn't."""
    return np.asarray(_compute.starts_with(column, text).fill_null(False), np.bool_)


def sorted_places(values: Any) -> NDArray[np.int64]:
    """The places of the values in rising order."""
    return np.asarray(_compute.array_sort_indices(values), np.int64)
