"""What a network can be called: which kind of name a text is, and whether there is such a one."""

from __future__ import annotations

import re
from difflib import get_close_matches
from enum import StrEnum

from hubel.errors import RecipeError
from hubel.models.catalogue import CATALOGUE, named
from hubel.models.program import Program
from hubel.models.registered import NETWORKS

__all__ = ["Kind", "expect_network", "kind_of", "own_names", "short_name"]

_LONGEST = 60  # characters of a line of notation that stand for it
_VERY = 0.8  # share of the letters that two names have in common
_BARE = re.compile(r"[\w.-]+")


class Kind(StrEnum):
    """Kinds of names."""

    REGISTERED = "registered"
    NAMED = "named"
    ZOO = "zoo"
    PROGRAM = "program"
    LINE = "line"


def kind_of(name: str) -> Kind:
    """Which kind of name it is, by its form alone: it may be misspelled.

    Example:
        >>> [kind_of(name).value for name in ("convnet", "lenet5", "timm:resnet18", "net.py:make")]
        ['registered', 'named', 'zoo', 'program']
    """
    if name in NETWORKS:
        return Kind.REGISTERED
    if named(name) is not None:
        return Kind.NAMED
    if Program.is_named(name):
        return Kind.PROGRAM
    return Kind.ZOO if re.match(r"\w*:", name) else Kind.LINE


def own_names() -> list[str]:
    """The names that stand alone, without those of the zoos."""
    aliases = [alias for entry in CATALOGUE.values() for alias in entry.aliases]
    return [*NETWORKS, *CATALOGUE, *aliases]


def short_name(name: str) -> str:
    """A name that fits into a table: a file without its folder, the beginning of a line.

    Example:
        >>> short_name("/home/me/net.py:make"), short_name("timm:resnet18")
        ('net.py:make', 'timm:resnet18')
    """
    if kind_of(name) is Kind.PROGRAM:
        return Program.parse(name).short
    return name if len(name) <= _LONGEST else name[: _LONGEST - 3] + "..."


def expect_network(name: str) -> None:
    """Make sure that a name is a network's, without building it.

    Raises:
        RecipeError: there is none of that name, with the nearest ones; or the line of notation
            can't be read.
    """
    kind = kind_of(name)
    if kind is Kind.ZOO:
        _expect_in_zoo(name)
    elif kind is Kind.PROGRAM:
        Program.parse(name).expect()
    elif kind is Kind.LINE:
        _expect_line(name)


def _expect_line(name: str) -> None:
    from hubel.models.notation import parse

    if _BARE.fullmatch(name) or not name.strip():
        raise RecipeError(_unknown(name.strip()))
    parse(name)


def _unknown(word: str) -> str:
    """The error for a single word that is no name: it may be misspelled, or half a line."""
    from hubel.models.notation.words import WORDS

    found = [f"{zoo}:{word}" for zoo, names in _zoo_names().items() if word in names]
    near = found or _near(word)
    hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
    if re.match(r"[a-z_]+", word) and word.rstrip("0123456789x") in WORDS:
        hint += f" {word!r} is a word of the notation, but alone it gives no class scores."
    return (
        f"there is no network {word!r}.{hint} There are: {', '.join([*NETWORKS, *CATALOGUE])}; "
        "timm:NAME; torchvision:NAME; FILE.py:FUNCTION; and lines of notation such as "
        "'conv3x3(32) bn relu gap fc'"
    )


def _expect_in_zoo(name: str) -> None:
    from hubel.models.zoo.building import ZOOS

    zoo, _, model = name.partition(":")
    if zoo not in ZOOS:
        near = get_close_matches(zoo, ZOOS, n=1)
        hint = f" Did you mean {near[0]}:{model}?" if near else ""
        raise RecipeError(
            f"{name}: there is no zoo {zoo!r}.{hint} There are: {', '.join(ZOOS)}; a Python file's "
            "function is named as net.py:make"
        )
    stem = model.partition(".")[0] if zoo == "timm" else model  # a tag of its weights
    names = ZOOS[zoo].names()
    if stem not in names:
        near = get_close_matches(stem, names, n=3)
        hint = f" Did you mean {', '.join(f'{zoo}:{one}' for one in near)}?" if near else ""
        raise RecipeError(
            f"{zoo} has no network {model!r}.{hint} List them with: hubel models '{zoo}:*'"
        )


def _near(word: str) -> list[str]:
    """A name of ours that is very near, else those of the zoos, else one of ours that is near."""
    in_zoos = [
        f"{zoo}:{near[0]}"
        for zoo, names in _zoo_names().items()
        if (near := get_close_matches(word, names, n=1, cutoff=_VERY))
    ]
    very = get_close_matches(word, own_names(), n=1, cutoff=_VERY)
    return very or in_zoos or get_close_matches(word, own_names(), n=1)


def _zoo_names() -> dict[str, tuple[str, ...]]:
    from hubel.models.zoo.building import ZOOS

    return {zoo: module.names() for zoo, module in ZOOS.items()}
