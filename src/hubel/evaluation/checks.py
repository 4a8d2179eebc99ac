"""What must hold of predictions before a number is computed from them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hubel.errors import DataError
from hubel.evaluation.metrics import Floats

__all__ = ["check_classes", "check_rows", "check_text"]

_SUM_TOLERANCE = 1e-3


def check_classes(classes: tuple[str, ...]) -> None:
    """Raises `DataError` unless there is a class, and each name occurs once."""
    if len(classes) == 0 or len(set(classes)) < len(classes):
        raise DataError(f"expected class names, each once; got {list(classes)}")


def check_text(text: str | None) -> None:
    """Raises `DataError` for text that no file in UTF-8 can hold, such as undecoded file names."""
    try:
        (text or "").encode()
    except UnicodeEncodeError:
        raise DataError(
            f"{text!r} is not valid Unicode; show such bytes escaped, for example with "
            "os.fsencode(name).decode(errors='backslashreplace')"
        ) from None


def check_rows(probabilities: Floats, has_error: NDArray[np.bool_]) -> None:
    """Raises `DataError` unless (n, k) rows sum to 1, or are all NaN where there was an error."""
    empty = np.isnan(probabilities).all(axis=1)
    with np.errstate(invalid="ignore"):
        sums_to_1 = np.abs(probabilities.sum(axis=1) - 1) <= _SUM_TOLERANCE
    good = np.where(has_error, empty, sums_to_1 & (probabilities >= 0).all(axis=1))
    if good.all():
        return
    row = int((~good).argmax())
    expected = "only NaN, as it has an error" if has_error[row] else "probabilities that sum to 1"
    raise DataError(f"expected {expected} in row {row}; got {probabilities[row].tolist()}")
