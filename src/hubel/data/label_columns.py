"""What the label columns of a table say: one class a row, or several.

| the table has | read as |
|---|---|
| a label column of text or numbers | one class a row |
| a label column of lists (JSON lines, Parquet) | several; an empty list is none of them |
| `a\\|b` or `a;b` in a label column | several, where only one of the two signs stands in it |
| `a,b` or `a b` in a column `labels` or `tags` | several, where every cell that has the sign shares a part with another cell; blanks only where there are no commas |
| no label column, but two or more columns of zeros and ones | one class, where every row has a single one; several otherwise |

Each reading but the first is said in a note. `?delimiter=;` names the sign, `?delimiter=none` says that
there is none. An empty cell is a row without a label.
"""  # noqa: E501

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any

from hubel.data.classmap import ClassMap
from hubel.errors import DataError

__all__ = ["Label", "label_texts", "named", "one_hot", "time_of", "times_of"]

Label = str | tuple[str, ...] | None
"""One class, several (possibly none of them), or unknown."""

_NAMES = {"|": "|", ";": ";", ",": ",", "space": " ", " ": " ", "tab": "\t"}
_TRUTH = {"0": False, "0.0": False, "1": True, "1.0": True, "true": True, "false": False}
_SHOWN = 8


def label_texts(
    column: Sequence[Any], name: str, delimiter: str | None, where: str
) -> tuple[list[Label], list[str]]:
    """The labels in a column.

    Args:
        column: a value a row.
        name: of the column.
        delimiter: what stands between labels; None leaves it to the rules above.
        where: the table, for messages.

    Returns:
        A label a row, and notes for the user.

    Raises:
        DataError: lists and single values are mixed, or the delimiter has no effect.

    Example:
        >>> label_texts(["cat|dog", "dog", ""], "label", None, "t.csv")[0]
        [('cat', 'dog'), ('dog',), None]
    """
    if any(isinstance(value, list) for value in column):
        if delimiter is not None:
            raise DataError(f"{where}: the column {name!r} holds lists; a delimiter has no effect")
        return _from_lists(column, name, where)
    texts = [None if text_of(value) is None else text_of(value) for value in column]
    filled = [text for text in texts if text is not None]
    sign, note = (_asked(filled, name, delimiter, where) if delimiter is not None
                  else _recognised(filled, name))  # fmt: skip
    notes = [note] if note else []
    if sign is None:
        return list(texts), notes
    return [None if text is None else _parts(text, sign) for text in texts], notes


def text_of(value: Any) -> str | None:
    """A cell as text without blanks around it; None where it is empty.

    JSON can hold half a surrogate pair, which no other format takes: written as `\\uNNNN`.
    """
    text = "" if value is None or (isinstance(value, float) and math.isnan(value)) else str(value)
    return text.strip().encode("utf-8", "backslashreplace").decode() or None


def _from_lists(column: Sequence[Any], name: str, where: str) -> tuple[list[Label], list[str]]:
    found: list[Label] = []
    for number, value in enumerate(column, 1):
        if value is not None and not isinstance(value, list):
            raise DataError(f"{where}, row {number}: the column {name!r} holds lists; got "
                            f"{str(value)[:40]!r}")  # fmt: skip
        texts = None if value is None else [text_of(item) for item in value]
        found.append(None if texts is None else _unique(text for text in texts if text is not None))
    return found, [f"the column {name!r} holds lists: each picture may have several labels"]


def _asked(
    texts: list[str], name: str, delimiter: str, where: str
) -> tuple[str | None, str | None]:
    if delimiter == "none":
        return None, None
    sign = _NAMES.get(delimiter, delimiter)
    if not any(sign in text for text in texts):
        raise DataError(
            f"{where}: no cell of the column {name!r} holds the delimiter {delimiter!r}, so it "
            "would have no effect"
        )
    return sign, f"the column {name!r} is split at {sign!r}, as set"


def _recognised(texts: list[str], name: str) -> tuple[str | None, str | None]:
    strong = [sign for sign in "|;" if any(sign in text for text in texts)]
    plural = name.strip().lower() in ("labels", "tags")
    weak = next((sign for sign in ", " if any(sign in text for text in texts)), None)
    sign = strong[0] if len(strong) == 1 else None
    if not strong and plural and weak is not None and _recombines(texts, weak):
        sign = weak
    if sign is not None:
        example = next(text for text in texts if sign in text)
        return sign, (f"the column {name!r} is split at {sign!r}: {example!r} is several labels "
                      "(?delimiter=none reads it as one)")  # fmt: skip
    if len(strong) > 1 or (plural and weak is not None):
        signs = " and ".join(map(repr, strong or [weak]))
        return None, (f"the column {name!r} holds {signs}, and is read as one label a row; "
                      "?delimiter=… says what stands between labels")  # fmt: skip
    return None, None


def _recombines(texts: list[str], sign: str) -> bool:
    cells = {text: _parts(text, sign) for text in set(texts)}
    counts = Counter(part for parts in cells.values() for part in parts)
    return all(
        any(counts[part] > 1 for part in parts) for text, parts in cells.items() if sign in text
    )


def _parts(text: str, sign: str) -> tuple[str, ...]:
    return _unique(part.strip() for part in text.split(sign) if part.strip())


def _unique(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))


def one_hot(
    columns: Mapping[str, Sequence[Any]], others: set[str]
) -> tuple[list[Label], list[str]] | None:
    """Labels from columns of zeros and ones, one a class.

    Args:
        columns: of the table.
        others: names of columns that say something else.

    Returns:
        A label a row, and notes; None where there are fewer than two such columns.

    Example:
        >>> one_hot({"file": ["1", "2"], "cat": [1, 0], "dog": ["0", "1.0"]}, {"file"})[0]
        ['cat', 'dog']
    """
    truths = {
        name: marks
        for name, column in columns.items()
        if name not in others and (marks := _marks(column)) is not None
    }
    if len(truths) < 2:
        return None
    names = list(truths)
    rows = [tuple(n for n, mark in zip(names, row, strict=True) if mark)
            for row in zip(*truths.values(), strict=True)]  # fmt: skip
    single = all(len(row) == 1 for row in rows)
    shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" * (len(names) > _SHOWN))
    what = "each picture has one" if single else "each picture may have several"
    notes = [f"{len(names)} columns of zeros and ones are the classes, and {what}: {shown}"]
    unread = [name for name in columns if name not in others and name not in truths]
    if unread:
        notes.append(f"columns that are not read: {', '.join(map(str, unread))}")
    return [row[0] if single else row for row in rows], notes


def _marks(column: Sequence[Any]) -> list[bool] | None:
    marks = [_TRUTH.get(str(value).strip().lower()) for value in column]
    found = [mark for mark in marks if mark is not None]
    return found if len(found) == len(marks) else None


def named(labels: list[Label], names: ClassMap | None) -> list[Label]:
    """Labels under the names that a class map gives them."""
    if names is None:
        return labels
    table = {text: names.name(text) for label in labels
             for text in ((label,) if isinstance(label, str) else label or ())}  # fmt: skip
    return [
        table[label] if isinstance(label, str)
        else None if label is None else tuple(table[text] for text in label)
        for label in labels
    ]  # fmt: skip


def times_of(column: Sequence[Any], name: str) -> tuple[list[float | None], list[str]]:
    """Numbers that order rows; none of them, and a note, where one can't be read."""
    found: list[float | None] = []
    for number, value in enumerate(column, 1):
        try:
            found.append(time_of(value))
        except ValueError:
            came = f"row {number} has {str(value)[:40]!r}"
            wanted = "a number or an ISO date such as 2026-03-31 or 2026-03-31T12:00:00"
            note = f"the column {name!r} is not read as time: {came}, expected {wanted}"
            return [None] * len(column), [note]
    return found, []


def time_of(value: Any) -> float | None:
    """A number as it is, a date as seconds since 1970; without a time zone it is taken as UTC.

    Raises:
        ValueError: it is neither.

    Example:
        >>> time_of("1970-01-02"), time_of("7"), time_of("")
        (86400.0, 7.0, None)
    """
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if not isinstance(value, datetime):
        text = text_of(value)
        if text is None:
            return None
        try:
            number = float(text)
        except ValueError:
            value = datetime.fromisoformat(text)
        else:
            if not math.isfinite(number):
                raise ValueError(text)
            return number
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
