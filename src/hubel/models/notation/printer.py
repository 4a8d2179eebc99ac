"""A tree back as a line: one spelling for each tree, which parses to the same tree."""

from __future__ import annotations

from hubel.models.notation.options import Kind, Option
from hubel.models.notation.tree import Argument, Group, Item, Network, Value, Word
from hubel.models.notation.words import WORDS

__all__ = ["number_text", "print_line", "sides_text", "value_text", "word_text"]


def print_line(network: Network) -> str:
    """The tree's one spelling: single spaces, options in the table's order.

    Example:
        >>> from hubel.models.notation import parse
        >>> print_line(parse("conv3x3( 64,bias=no,groups=2 )  relu"))
        'conv3x3(64, groups=2, bias=no) relu'
    """
    return " ".join(_item_text(item) for item in network.items)


def word_text(word: Word) -> str:
    """One word with its stride and arguments, without its repetition."""
    stride = f"/{sides_text(word.stride)}" if word.stride else ""
    inside = " | ".join(print_line(body) for body in word.bodies) or _arguments_text(word)
    return word.name + sides_text(word.kernel) + stride + (f"({inside})" if inside else "")


def sides_text(sides: tuple[int, ...]) -> str:
    """(3, 3) as `3x3`."""
    return "x".join(str(side) for side in sides)


def number_text(value: float) -> str:
    """A number that reads back as itself, without needless zeros: 1e-06 as `1e-6`."""
    text = repr(value).removesuffix(".0")
    for sign in "-+":
        text = text.replace(f"e{sign}0", f"e{sign}")
    return text


def value_text(value: Value) -> str:
    """A value as an argument writes it: yes, 1x0, 0.5, same."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return sides_text(value)
    return number_text(value) if isinstance(value, float) else str(value)


def _item_text(item: Item) -> str:
    text = f"[{print_line(item.body)}]" if isinstance(item, Group) else word_text(item)
    return f"{text}*{item.times}" if item.times != 1 else text


def _arguments_text(word: Word) -> str:
    positional = [option.name for option in WORDS[word.name].positional]
    texts: list[str] = []
    for place, argument in enumerate(word.arguments):
        option = next(o for o in WORDS[word.name].options if o.name == argument.name)
        by_place = place < len(positional) and positional[place] == argument.name
        texts.append(_argument_text(option, argument, by_place=by_place))
    return ", ".join(texts)


def _argument_text(option: Option, argument: Argument, *, by_place: bool) -> str:
    value = value_text(argument.value)
    is_flag = option.kind is Kind.PAD and value in option.choices
    return value if by_place or is_flag else f"{argument.name}={value}"
