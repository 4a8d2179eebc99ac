"""What every rule reads, and what it gives."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from hubel.analysis.fields import Field
from hubel.analysis.flow.structure import Flow
from hubel.analysis.recording.graph import Graph, Operator

__all__ = ["Advice", "Facts", "counted", "joined", "merged", "share"]


@dataclass(frozen=True, slots=True)
class Advice:
    """One fact about a design.

    Attributes:
        layer: that it is about; empty for the network as a whole.
        kind: which rule found it, such as `linear_stack`.
        message: the fact, with its arithmetic.
        mend: what would change it.
        alike: further layers of which the same is true, with the same numbers.

    Example:
        >>> print(Advice("pool", "dropped", "reads 6 of 7 rows", "pad by 1", ("pool2",)))
        pool (and pool2): reads 6 of 7 rows; pad by 1
    """

    layer: str
    kind: str
    message: str
    mend: str
    alike: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self._where}{self.message}; {self.mend}"

    @property
    def _where(self) -> str:
        if not self.layer:
            return ""
        more = self.alike if len(self.alike) < 3 else (f"{len(self.alike)} more like it",)
        return f"{self.layer} (and {', '.join(more)}): " if more else f"{self.layer}: "

    def to_json(self) -> dict[str, Any]:
        """The advice as JSON types."""
        return asdict(self) | {"alike": list(self.alike)}


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a network.

    Attributes:
        flow: its graph with its edges.
        fields: receptive field by value id; empty where they were not found.
        parameters: how many numbers each parameter has, by path, unused ones too.
    """

    flow: Flow
    fields: Mapping[int, Field]
    parameters: Mapping[str, int]

    @property
    def graph(self) -> Graph:
        """The graph."""
        return self.flow.graph

    @property
    def live(self) -> Iterator[Operator]:
        """The operators whose results reach an output."""
        return (op for op in self.graph.operators if op.index in self.flow.live)

    def name(self, op: Operator) -> str:
        """The layer that an operator belongs to."""
        return self.flow.names[op.index]


def merged(found: Iterable[Advice]) -> tuple[Advice, ...]:
    """The same fact about several layers as one, where the first of them stands."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for each in found:
        groups.setdefault((each.kind, each.message, each.mend), []).append(each.layer)
    return tuple(
        replace(Advice(layers[0], *key), alike=tuple(layers[1:]))
        for key, layers in groups.items()
    )  # fmt: skip


def counted(number: int, noun: str) -> str:
    """A count with its noun in the right number.

    Example:
        >>> counted(1, "row"), counted(1200, "parameter")
        ('1 row', '1,200 parameters')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def share(part: float, whole: float) -> str:
    """A part as a percentage that never rounds to none or to all.

    Example:
        >>> share(1, 4), share(1, 100_000), share(99_999, 100_000)
        ('25%', '<1%', '>99%')
    """
    percent = 100 * part / whole
    if 0 < percent < 1:
        return "<1%"
    return ">99%" if 99 < percent < 100 else f"{percent:.0f}%"


def joined(texts: Sequence[str]) -> str:
    """Texts as a sentence joins them.

    Example:
        >>> joined(["a"]), joined(["a", "b", "c"])
        ('a', 'a, b and c')
    """
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)
