"""What a box says: the layer in a few words, sizes, and how wide they are."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hubel.analysis.costs import is_free
from hubel.analysis.flow.structure import Flow
from hubel.analysis.flow.windows import window
from hubel.analysis.layers import Row, common_name
from hubel.analysis.recording.graph import Operator

__all__ = [
    "abridged",
    "cross",
    "is_join",
    "printable",
    "shape_words",
    "shortened",
    "text_width",
    "title_of",
]

_WORDS = {
    "batchnorm": "batch norm",
    "layernorm": "layer norm",
    "groupnorm": "group norm",
    "instancenorm": "instance norm",
    "multiheadattention": "attention",
    "nondynamicallyquantizablelinear": "linear",
    "adaptiveavgpool": "average pool",
    "adaptivemaxpool": "max pool",
    "avgpool": "average pool",
    "maxpool": "max pool",
    "relu": "relu",
    "relu6": "relu6",
    "gelu": "gelu",
    "silu": "silu",
    "conv": "conv",
    "zeropad": "pad",
}
_JOINS = {"add": "+", "mul": "×", "sub": "−", "cat": "concat", "stack": "stack"}
_VERBS = {"add": "add", "mul": "scale", "sub": "subtract", "cat": "concat", "stack": "stack"}


def is_join(row: Row, flow: Flow) -> bool:
    """Whether a row is an operator that brings several results together and does nothing else."""
    joins = [op for op in row.operators if common_name(op) == row.op]
    return row.op in _JOINS and any(len(flow.moving(op)) > 1 for op in joins)


def title_of(row: Row, flow: Flow) -> str:
    """A layer in a few words.

    Example:
        >>> import torch
        >>> from hubel.analysis.layers import rows_of
        >>> from hubel.analysis.recording.trace import Traceable, trace
        >>> module = torch.nn.Conv2d(8, 8, 3, stride=2, groups=8)
        >>> flow = Flow.of(trace(Traceable.of(module), (1, 8, 9, 9))[0])
        >>> title_of(rows_of(flow.graph)[0], flow)
        'depthwise 3×3/2'
    """
    working = [op for op in row.operators if not is_free(op) or op.name in _JOINS]
    if row.op in _JOINS:
        return _join_words(row, flow, next(op for op in working if common_name(op) == row.op))
    if len(working) == 1:
        return _operator_words(working[0]) or _class_words(row.op)
    return _class_words(row.op)


def _join_words(row: Row, flow: Flow, op: Operator) -> str:
    """A sign or a word; with something that does not depend on the input, that thing's name."""
    if len(flow.moving(op)) > 1:
        return _JOINS[row.op]
    fixed = (flow.parameter(value) for value in op.inputs)
    name = next((path.rpartition(".")[2] for path in fixed if path), "")
    return f"{_VERBS[row.op]} {name}".strip()


def _operator_words(op: Operator) -> str:
    if op.name == "convolution":
        return _convolution_words(op)
    if op.name in {"addmm", "mm"}:
        return "linear"
    found = window(op)
    if found is not None:
        kind = "max pool" if op.name.startswith("max") else "average pool"
        return f"{kind} {_window_words(found.kernel, found.stride)}"
    if op.name in {"mean", "_adaptive_avg_pool2d", "_adaptive_avg_pool3d", "adaptive_max_pool2d"}:
        kind = "max pool" if "max" in op.name else "average pool"
        is_global = max(op.outputs[0].shape[2:], default=1) == 1 and len(op.inputs[0].shape) > 2
        return f"global {kind}" if is_global else f"{kind} to {cross(op.outputs[0].shape[2:])}"
    return ""


def _convolution_words(op: Operator) -> str:
    transposed, groups = op.arguments[6], op.arguments[8]
    window_words = _window_words(op.inputs[1].shape[2:], op.arguments[3])
    dilation = max(op.arguments[5])
    spread = f" dilated {dilation}" if dilation > 1 else ""
    if transposed:
        return f"transposed conv {window_words}{spread}"
    if groups > 1 and groups == op.inputs[0].shape[1]:
        return f"depthwise {window_words}{spread}"
    return f"conv {window_words}{spread}" + (f" in {groups} groups" if groups > 1 else "")


def _window_words(kernel: Sequence[int], stride: Sequence[int]) -> str:
    step = "" if max(stride) == 1 else f"/{stride[0] if len(set(stride)) == 1 else cross(stride)}"
    return cross(kernel) + step


def _class_words(name: str) -> str:
    """`BatchNorm2d` as `batch norm`, `CrossAttention` as `cross attention`, `layer_norm` as is."""
    plain = re.sub(r"\d?d$", "", name)
    known = _WORDS.get(plain.lower())
    return known or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", plain).replace("_", " ").lower()


def abridged(title: str) -> str:
    """A title in fewer letters, for a narrow box."""
    for long, short in _SHORTER.items():
        title = title.replace(long, short)
    return title


_SHORTER = {
    "global average": "global",
    "average": "avg",
    "conv 1×1 ": "1×1 ",
    "conv 3×3 ": "3×3 ",
    " dilated ": " dil. ",
    "transposed": "transp.",
}


def cross(sizes: Sequence[int]) -> str:
    """Sizes with a sign between them: `3×224×224`; a kernel of one size alone is kept whole."""
    return "×".join(map(str, sizes))


def shape_words(shapes: Sequence[tuple[int, ...]]) -> str:
    """A shape, or what several shapes span: `64…256×56×56`.

    Example:
        >>> shape_words([(64, 56, 56), (256, 56, 56)]), shape_words([(10,)])
        ('64…256×56×56', '10')
    """
    if len({len(shape) for shape in shapes}) > 1:
        return cross(shapes[0])
    ends = [(min(sizes), max(sizes)) for sizes in zip(*shapes, strict=True)]
    return "×".join(str(low) if low == high else f"{low}…{high}" for low, high in ends) or "scalar"


def printable(text: str) -> str:
    """Characters that XML or a reader can't take shown as escapes."""
    return "".join(
        character if character.isprintable() or character == "\n" else ascii(character)[1:-1]
        for character in text
    )


def text_width(text: str, size: float, bold: bool = False) -> float:
    """About how many pixels a text takes at most, in the widest of the usual system fonts."""
    units = sum(_width_of(character) for character in text)
    return units * size * (1.1 if bold else 1.0)


def _width_of(character: str) -> float:
    for width, characters in _WIDTHS:
        if character in characters:
            return width
    return 0.7 if character.isupper() else 0.62


_WIDTHS = ((0.34, "iljI.,:;|'! ·"), (0.42, "ftr()[]/-"), (0.82, "+×−→–"), (1.0, "mwMW@%…"))


def shortened(text: str, room: float, size: float, bold: bool = False) -> str:
    """A text cut to fit a width, with an ellipsis where something is left out."""
    if text_width(text, size, bold) <= room:
        return text
    while text and text_width(f"{text}…", size, bold) > room:
        text = text[:-1]
    return f"{text.rstrip()}…" if text else ""
