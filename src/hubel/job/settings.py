"""Settings as people give them, from Python or the command line, as the recipe takes them."""

from __future__ import annotations

from typing import Any

from hubel.errors import RecipeError
from hubel.models.program import Program
from hubel.training.recipe import as_tuples, expect_setting, parse_setting

__all__ = ["clean", "command_for", "parse_duration"]

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def clean(settings: dict[str, Any]) -> dict[str, Any]:
    """Values by name: texts are parsed, None is left out, a side becomes a square.

    Raises:
        RecipeError: a name is unknown, or a value is of another kind.

    Example:
        >>> clean({"budget": "10m", "size": 64, "lr": None})
        {'budget': 600.0, 'size': (64, 64)}
    """
    for name in settings:
        expect_setting(name)
    return {name: _value(name, value) for name, value in settings.items() if value is not None}


def command_for(data: str, chosen: dict[str, Any]) -> list[str]:
    """The command line that does what a call from Python did.

    Example:
        >>> command_for("photos/", {"seed": 1, "size": (64, 48)})
        ['hubel', 'train', 'photos/', '--set', 'seed=1', '--set', 'size=64x48']
    """
    words = ["hubel", "train", data]
    for name, value in chosen.items():
        words += ["--set", f"{name}={_typed(name, value)}"]
    return words


def _typed(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        parts = [":".join(map(str, p)) if isinstance(p, tuple) else str(p) for p in value]
        return ("x" if name == "size" else ",").join(parts)
    return str(value)


def parse_duration(text: str) -> float:
    """Seconds from `90`, `90s`, `10m`, `1.5h` or `1h30m`.

    Raises:
        RecipeError: the text is no duration.

    Example:
        >>> parse_duration("1h30m")
        5400.0
    """
    seconds, number = 0.0, ""
    for character in text.strip().lower():
        if character in _UNITS and number:
            try:
                seconds += float(number) * _UNITS[character]
            except ValueError:
                raise _no_duration(text) from None
            number = ""
        else:
            number += character
    try:
        total = seconds + (float(number) if number else 0.0)
    except ValueError:
        raise _no_duration(text) from None
    if not 0 < total < float("inf"):
        raise _no_duration(text)
    return total


def _value(name: str, value: Any) -> Any:
    if name == "budget" and isinstance(value, str):
        return parse_duration(value)
    if name == "model" and isinstance(value, str) and Program.is_named(value):
        return Program.parse(value).name  # the run may be resumed from elsewhere
    if isinstance(value, str):
        return parse_setting(name, value)
    if name == "size" and isinstance(value, int):
        return (value, value)
    return as_tuples(value)


def _no_duration(text: str) -> RecipeError:
    return RecipeError(f"budget: expected a duration such as 90s, 10m or 1h30m, got {text!r}")
