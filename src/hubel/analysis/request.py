"""What is asked on the command line; known without loading torch."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Request"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """Everything that decides the printed answer.

    Attributes:
        networks: names or lines, one or several.
        input: channels and sides; None: as published.
        classes: scores; None: as published, else 1000.
        batch: samples that the totals are for.
        count: name of the convention of multiply-adds.
        view: of the table.
        depth: parts of a layer's path to tell apart; None: what fits, 0: all.
        init: initialisation of a line; None: the default.
        machine: to predict times on.
        measure: whether to run the network.
        fits: memory, such as `16GB`, to find the largest batch for.
        optimizer: whose state a training step holds; None: the default.
        collapse: whether to build the equivalents of linear stacks.
        form: text, markdown or json.
    """

    networks: tuple[str, ...]
    input: tuple[int, ...] | None = None
    classes: int | None = None
    batch: int = 1
    count: str = "products"
    view: str = "cost"
    depth: int | None = None
    init: str | None = None
    machine: str | None = None
    measure: bool = False
    fits: str | None = None
    optimizer: str | None = None
    collapse: bool = False
    form: str = "text"
