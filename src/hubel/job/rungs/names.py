"""The names of the rungs, in order of cost."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from hubel.errors import RecipeError

__all__ = ["RUNGS", "expect_rungs"]

RUNGS = (
    *("largest", "neighbours", "pixels", "pixels-svm", "features"),
    *("mlp", "lenet", "convnet", "hybrid", "frozen"),
)
_NOT_SHIPPED = ("neighbours",)


def expect_rungs(given: str | Sequence[str] | None) -> tuple[str, ...]:
    """The rungs that were asked for, in order of cost.

    Args:
        given: names, as a sequence or with commas between them; all where it is None.

    Raises:
        RecipeError: a name is unknown, stands twice, or none of them can be shipped.

    Example:
        >>> expect_rungs("lenet, pixels")
        ('pixels', 'lenet')
    """
    if given is None:
        return RUNGS
    names = [name.strip() for name in (given.split(",") if isinstance(given, str) else given)]
    for name in names:
        if name not in RUNGS:
            near = get_close_matches(name, RUNGS, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise RecipeError(f"there is no rung {name!r}.{hint} There are: {', '.join(RUNGS)}")
        if names.count(name) > 1:
            raise RecipeError(f"the rung {name!r} stands twice in {', '.join(names)}")
    if set(names) <= set(_NOT_SHIPPED):
        raise RecipeError(
            f"nothing among {', '.join(names) or 'no rungs'} can be shipped; add one of "
            f"{', '.join(name for name in RUNGS if name not in _NOT_SHIPPED)}"
        )
    return tuple(name for name in RUNGS if name in names)
