"""The table of words as people read it."""

from __future__ import annotations

from hubel.models.notation.options import Option
from hubel.models.notation.printer import value_text
from hubel.models.notation.words import WORDS

__all__ = ["word_table"]


def word_table() -> str:
    """Every word with its meaning and its options, as a Markdown table.

    Example:
        >>> print(word_table().splitlines()[2])
        | `conv3x3/2(64, groups=4)` | convolution | **channels**: filters; groups=1: channels fall
        into so many parts; dilation=1: step between the kernel's taps; pad=same: zeros on both
        sides; same gives an output as large as the input over the stride; valid is none;
        bias=yes: whether a number is added a channel; init: how its weights are drawn at the start
        |
    """
    rows = ["| word | what it does | options and their defaults |", "|---|---|---|"]
    for word in WORDS.values():
        options = "; ".join(_option_text(option) for option in word.options)
        example = word.example.replace("|", "\\|")
        rows.append(f"| `{example}` | {word.doc} | {options} |")
    return "\n".join(rows)


def _option_text(option: Option) -> str:
    name = f"**{option.name}**" if option.required else option.name
    default = "" if option.default is None else f"={value_text(option.default)}"
    return f"{name}{default}: {option.doc}"
