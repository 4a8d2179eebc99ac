"""What a user adds to the name of a source, as in `labels.csv?delimiter=|&classes=names.txt`."""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass, field
from pathlib import Path

from hubel.data.classmap import ClassMap, find_class_map, read_class_map
from hubel.errors import DataError

__all__ = ["Options", "split_options"]


@dataclass(slots=True)
class Options:
    """Options by name; a kind of source takes those that it knows, and refuses the rest.

    Example:
        >>> name, options = split_options("t.csv?delimiter=|&classes=a b.txt")
        >>> name, options.take("delimiter"), options.take("label")
        ('t.csv', '|', None)
    """

    given: dict[str, str] = field(default_factory=dict[str, str])
    known: list[str] = field(default_factory=list[str])

    def take(self, name: str) -> str | None:
        """The value of an option, where it was given."""
        self.known.append(name)
        return self.given.get(name)

    def class_map(self, folder: Path | None) -> ClassMap | None:
        """The class map that was named, or that stands in the data's folder; `none` is none.

        What is named is relative to the folder; where the data stand in none, to the current one.
        """
        named = self.take("classes")
        if named is None:
            return None if folder is None else find_class_map(folder)
        path = Path(named).expanduser()
        return None if named == "none" else read_class_map(folder / path if folder else path)

    def finish(self, where: str) -> None:
        """Refuse what no one has taken.

        Raises:
            DataError: an option has no meaning for this kind of source.
        """
        for name in self.given.keys() - set(self.known):
            near = difflib.get_close_matches(name, self.known, 1)
            meant = f"did you mean {near[0]!r}?" if near else "it would have no effect"
            there = f"there are: {', '.join(self.known)}" if self.known else "there are none here"
            raise DataError(f"{where}: there is no option {name!r}; {meant} ({there})")

    def __bool__(self) -> bool:
        return bool(self.given)


def split_options(text: str) -> tuple[str, Options]:
    """A name and its options; a name that is that of a file keeps its question mark.

    Raises:
        DataError: an option is not of the form `name=value`, or stands twice.
    """
    name, mark, query = text.rpartition("?")
    if not mark or _is_there(text):
        return text, Options()
    given: dict[str, str] = {}
    for part in query.split("&"):
        key, equals, value = part.partition("=")
        if not equals or not key or not value:
            raise DataError(
                f"{text}: expected options as name?option=value&option=value, got {part!r}"
            )
        if key in given:
            raise DataError(f"{text}: the option {key!r} stands twice")
        given[key] = value
    return name, Options(given)


def _is_there(text: str) -> bool:
    try:
        return os.path.lexists(Path(text).expanduser())
    except (ValueError, RuntimeError):
        return False
