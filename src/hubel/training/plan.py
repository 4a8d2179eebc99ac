"""How many steps there will be, and where in the training each step stands.

Everything that changes during training (learning rate, resolution, averaging) is a function of
progress, from 0 to 1. When the machine turns out slower than it was measured, the plan is cut: the
steps that are left then run through the progress that is left, so the rate still falls to its end.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

__all__ = ["Plan", "learning_rate", "resolution"]


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps and progress.

    Attributes:
        anchors: (step, progress) pairs between which progress is linear; the first is (0, 0), the
            last (steps, 1).
    """

    anchors: tuple[tuple[int, float], ...]

    @classmethod
    def of(cls, steps: int) -> Plan:
        """The plan of a run that goes as foreseen."""
        return cls(((0, 0.0), (steps, 1.0)))

    @property
    def steps(self) -> int:
        """How many steps there are in all."""
        return self.anchors[-1][0]

    def progress(self, step: int) -> float:
        """Where a step begins, from 0 to 1.

        Example:
            >>> Plan.of(10).cut(5, 7).progress(6)
            0.75
        """
        for (start, low), (end, high) in zip(self.anchors, self.anchors[1:], strict=False):
            if step < end:
                return low + (high - low) * (step - start) / (end - start)
        return 1.0

    def cut(self, step: int, steps: int) -> Plan:
        """A plan that from `step` on reaches its end after `steps` steps in all."""
        assert step < steps
        past = tuple(anchor for anchor in self.anchors if anchor[0] < step)
        return replace(self, anchors=(*past, (step, self.progress(step)), (steps, 1.0)))

    def to_json(self) -> list[list[Any]]:
        """The anchors as JSON types."""
        return [list(anchor) for anchor in self.anchors]

    @classmethod
    def from_json(cls, document: list[list[Any]]) -> Plan:
        """The inverse of `to_json`."""
        return cls(tuple((int(step), float(progress)) for step, progress in document))


def learning_rate(progress: float, warmup: float, final: float) -> float:
    """The rate as a share of the largest: up in a line, then down in a line.

    Args:
        progress: from 0 to 1.
        warmup: share of the training in which it rises, from a fifth.
        final: what is left at the end.

    Example:
        >>> [round(learning_rate(p, 0.2, 0.0), 2) for p in (0, 0.1, 0.2, 0.6, 1)]
        [0.2, 0.6, 1.0, 0.5, 0.0]
    """
    if progress < warmup:
        return 0.2 + 0.8 * progress / warmup
    return 1 - (1 - final) * (progress - warmup) / (1 - warmup)


def resolution(
    progress: float,
    pairs: tuple[tuple[float, float], ...],
    size: tuple[int, ...],
    smallest: int = 4,
) -> tuple[int, ...]:
    """The size of the samples at a point of the training, of pictures height and width.

    Args:
        progress: from 0 to 1.
        pairs: (until, share): up to that progress, that share of the full size, to the nearest
            multiple of 4 pixels.
        size: the full one.
        smallest: no side is shorter than this, or than the full one.

    Example:
        >>> resolution(0.4, ((0.5, 0.75), (1.0, 1.0)), (32, 32))
        (24, 24)
    """
    share = next((share for until, share in pairs if progress < until), pairs[-1][1])
    if share == 1:
        return size
    return tuple(min(side, max(smallest, 4 * round(share * side / 4))) for side in size)
