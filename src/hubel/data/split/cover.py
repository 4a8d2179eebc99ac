"""Groups to folds so that every fold has every class, where that is hard: a search with return."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

__all__ = ["cover"]

_STEPS = 20_000  # the problem is set splitting: no search of it is short in the worst case

_Choice = tuple[int, int]  # a group, and the fold that it goes to


def cover(has: dict[int, frozenset[str]], count: int) -> dict[int, int] | None:
    """The folds of some groups, such that each class is in each fold; the rest may go anywhere.

    Args:
        has: classes of each group, by its number; the first are taken first.
        count: of the folds.

    Returns:
        The fold by group; None where there is no way, or none was found in 20,000 steps.

    Example:
        >>> cover({0: frozenset("ab"), 1: frozenset("a"), 2: frozenset("b")}, 2)
        {0: 0, 1: 1, 2: 1}
    """
    classes = sorted(set[str]().union(*has.values()))
    path: list[_Choice] = []
    branches = [_choices(has, classes, path, count)]
    for _ in range(_STEPS):
        if not branches:
            return None
        choice = next(branches[-1], None)
        if choice is None:
            branches.pop()
            if path:
                path.pop()
            continue
        path.append(choice)
        if not _needs(has, classes, path, count):
            return dict(path)
        branches.append(_choices(has, classes, path, count))
    return None


def _needs(
    has: dict[int, frozenset[str]], classes: list[str], path: list[_Choice], count: int
) -> dict[str, list[int]]:
    """Folds that lack a class, for each class that one lacks."""
    held: list[set[str]] = [set() for _ in range(count)]
    for unit, fold in path:
        held[fold] |= has[unit]
    found = {name: [fold for fold in range(count) if name not in held[fold]] for name in classes}
    return {name: folds for name, folds in found.items() if folds}


def _choices(
    has: dict[int, frozenset[str]], classes: list[str], path: list[_Choice], count: int
) -> Iterator[_Choice]:
    """Every way to fill one lack, of the class with the fewest groups to spare."""
    taken = {unit for unit, _ in path}
    free = {unit: names for unit, names in has.items() if unit not in taken}
    supply = Counter(name for names in free.values() for name in names)
    needs = _needs(has, classes, path, count)
    if any(supply[name] < len(folds) for name, folds in needs.items()):
        return
    name = min(needs, key=lambda name: (supply[name] - len(needs[name]), supply[name]))
    seen: set[frozenset[str]] = set()
    for unit, names in free.items():
        if name in names and names not in seen:  # groups of the same classes are as good
            seen.add(names)
            yield unit, needs[name][0]
