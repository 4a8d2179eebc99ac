"""From arrays of targets to labels: numbers, texts, one column, one-hot or multi-label rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubel.data.classmap import ClassMap
from hubel.errors import DataError

__all__ = ["Labels", "labels_of"]

Labels = list[str] | list[tuple[str, ...]]


def labels_of(
    targets: Sequence[NDArray[Any]], places: Sequence[str], names: ClassMap | None
) -> tuple[list[Labels], list[str]]:
    """The labels of several arrays that belong together (the splits of one data set).

    One rule for all: an array of (n,) or (n, 1) holds one label a sample. One of (n, k) holds
    zeros and ones: where every row of every array has a single one, it is one-hot, and otherwise
    it says which of k classes each sample has.

    Args:
        targets: (n,), (n, 1) or (n, k); integers, whole floats, or text.
        places: what each array is called, for messages.
        names: of the classes, where they are known.

    Returns:
        The labels of each array, and notes for the user.

    Raises:
        DataError: they are of another shape or type, or an id has no name.

    Example:
        >>> labels_of([np.array([[0, 1], [1, 0]])], ["y"], None)
        ([['1', '0']], ['y: one-hot rows of 2 classes'])
    """
    flat = [t.reshape(-1) if t.ndim == 2 and t.shape[1] == 1 else t for t in targets]
    if all(one.ndim == 1 for one in flat):
        found = [_texts(one, place) for one, place in zip(flat, places, strict=True)]
        if names is None:
            return list(found), []
        table = {text: names.name(text) for text in {t for one in found for t in one}}
        return [[table[text] for text in one] for one in found], []
    return _from_columns(flat, places, names)


def _from_columns(
    flat: list[NDArray[Any]], places: Sequence[str], names: ClassMap | None
) -> tuple[list[Labels], list[str]]:
    for one, place in zip(flat, places, strict=True):
        if one.ndim != 2 or one.shape[1] != flat[0].shape[-1] or one.dtype.kind not in "biuf":
            raise DataError(
                f"{place}: expected one label a sample, (n,), or zeros and ones, (n, classes); "
                f"got {one.dtype} of shape {one.shape}"
            )
        if not np.isin(one, (0, 1)).all():
            raise DataError(
                f"{place}: an array of shape {one.shape} has to hold zeros and ones, one column a "
                "class; keep the column that is the label"
            )
    count = flat[0].shape[1]
    columns = [str(place) for place in range(count)]
    if names is not None:
        columns = [names.name(column) for column in columns]
    if all((one.sum(axis=1) == 1).all() for one in flat):
        labels: list[Labels] = [[columns[i] for i in one.argmax(axis=1)] for one in flat]
        return labels, [f"{', '.join(places)}: one-hot rows of {count} classes"]
    several: list[Labels] = [[tuple(columns[i] for i in np.flatnonzero(r)) for r in one]
                             for one in flat]  # fmt: skip
    return several, [f"{', '.join(places)}: each sample may have any of {count} classes"]


def _texts(values: NDArray[Any], place: str) -> list[str]:
    kind = values.dtype.kind
    if kind in "SU" or (kind == "O" and all(isinstance(v, bytes | str) for v in values)):  # HDF5
        return [_text(value) for value in values]
    if kind == "f" and np.isfinite(values).all() and (values == np.rint(values)).all():
        kind = "i"
    if kind not in "biu":
        raise DataError(
            f"{place}: expected labels that are whole numbers or text, got {values.dtype}; a "
            "classifier can't learn amounts"
        )
    numbers = values.astype(np.int64)
    unique, inverse = np.unique(numbers, return_inverse=True)
    shown = [str(number) for number in unique]
    return [shown[index] for index in inverse]


def _text(value: bytes | str) -> str:
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
