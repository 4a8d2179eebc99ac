"""Checks of settings, each with a message that says the way out."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from hubel.errors import FeatureError

__all__ = ["expect_at_least", "expect_one_of", "expect_room", "near"]


def near(word: str, names: Iterable[str]) -> str:
    """A question that names the nearest one, or nothing.

    Example:
        >>> near("hogg", ["hog", "lbp"])
        " Did you mean 'hog'?"
    """
    found = get_close_matches(word, list(names), n=1)
    return f" Did you mean {found[0]!r}?" if found else ""


def expect_one_of(what: str, value: object, choices: Iterable[str]) -> None:
    """Make sure that a setting is one of those that there are."""
    names = list(choices)
    if value not in names:
        raise FeatureError(
            f"{what} = {value!r} is not known.{near(str(value), names)} There are: "
            f"{', '.join(names)}"
        )


def expect_at_least(what: str, value: object, least: int) -> None:
    """Make sure that a setting is a whole number that is large enough."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise FeatureError(f"{what} must be a whole number of at least {least}, not {value!r}")


def expect_room(what: str, need: int, height: int, width: int, mend: str) -> None:
    """Make sure that a picture has as many pixels a side as something needs."""
    if min(height, width) < need:
        raise FeatureError(
            f"{what} needs pictures of at least {need} x {need} pixels, and these are "
            f"{height} x {width}: {mend}"
        )
