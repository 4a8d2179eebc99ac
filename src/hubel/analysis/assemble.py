"""Put a design together from what the analyses find."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING, Any

from hubel.analysis.advice import Advice, advise, advise_weights
from hubel.analysis.conventions import Convention, convention
from hubel.analysis.costs import bytes_moved, total_work
from hubel.analysis.design import Design, Layer, Total
from hubel.analysis.fields import Field, receptive_fields
from hubel.analysis.layers import Row, rows_of
from hubel.analysis.recording.trace import Step, Traceable, trace, trace_step
from hubel.analysis.shapes.formulas import Formulas, shape_formulas
from hubel.analysis.shapes.probes import Probes
from hubel.analysis.shapes.sizes import Sizes, legal_sizes
from hubel.analysis.subject import Subject, subject_of
from hubel.errors import DesignError

if TYPE_CHECKING:
    from torch import nn

    from hubel.analysis.recording.graph import Graph
    from hubel.models.architecture import Architecture

__all__ = ["Question", "design", "design_of"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """What is asked of a network.

    Attributes:
        batch: samples that the totals are for.
        convention: of the multiply-adds, or its name.
        num_classes: scores of a network that is named, not given; None: as it was published, or
            1000.
        init: named initialisation of a line of notation; None: the default.
        formulas: whether to find the output shapes as formulas.
        sizes: whether to find which input sizes are taken.
    """

    batch: int = 1
    convention: str | Convention = "products"
    num_classes: int | None = None
    init: str | None = None
    formulas: bool = True
    sizes: bool = True

    def __post_init__(self) -> None:
        if type(self.batch) is not int or self.batch < 1:
            raise DesignError(f"batch: expected a whole number of at least 1, got {self.batch!r}")

    @classmethod
    def of(cls, asked: Mapping[str, Any]) -> Question:
        """From keywords.

        Raises:
            DesignError: there is no such keyword; the nearest is suggested.
        """
        known = [field.name for field in fields(cls)]
        for name in asked:
            if name not in known:
                near = get_close_matches(name, known, n=1)
                hint = f"; did you mean {near[0]}?" if near else ""
                raise DesignError(f"design takes no {name!r}{hint} It takes {', '.join(known)}")
        return cls(**asked)


def design(
    network: nn.Module | str | Architecture,
    input: Sequence[int] | None = None,
    *,
    question: Question | None = None,
    **asked: Any,
) -> Design:
    """The arithmetic of a network, layer by layer and in all; no weight is allocated or changed.

    Args:
        network: a module, a line of notation, or a name, as `hubel models` lists them.
        input: shape of one sample: channels, then one to three sides; default (3, 224, 224), or
            what the named network was published with.
        question: what is asked; or its fields as keywords: `batch=8, convention="thop"`.

    Returns:
        The design; printing it gives the table.

    Raises:
        DesignError: the network fails at that input: the layer, the arithmetic, and the mend; or
            an operator has no rule.

    Example:
        >>> found = design("[conv3x3(32) relu]*2 maxpool2 flatten fc", (3, 32, 32), num_classes=10)
        >>> found.total.parameters, found.total.multiply_adds
        (92074, 10403840)
        >>> found.layers[2].receptive_field.size
        (5, 5)
    """
    asking = Question.of(asked) if question is None else question
    return design_of(subject_of(network, input, asking.num_classes, asking.init), asking)


def design_of(subject: Subject, question: Question) -> Design:
    """The design of what is ready to be measured."""
    return _Assembly(subject, question).design()


class _Assembly:
    """One design as it is put together."""

    def __init__(self, subject: Subject, question: Question) -> None:
        self.subject = subject
        self.question = question
        self.convention = convention(question.convention)
        self.graph, self.peak = trace(self.network, (1, *subject.input))
        self.rows = rows_of(self.graph)
        self.notes = list(self.graph.notes + subject.notes)
        self.saved, self.backward = self._training()

    @property
    def network(self) -> Traceable:
        return self.subject.network

    def design(self) -> Design:
        layers = self._layers()
        return Design(
            network=self.subject.name,
            input=self.subject.input,
            batch=self.question.batch,
            convention=self.convention,
            layers=layers,
            total=self._total(layers),
            graph=self.graph,
            sizes=self._sizes(),
            advice=self._advice(),
            notes=(*self.notes, *(self.formulas.notes if self.formulas else ())),
        )

    @cached_property
    def fields(self) -> Mapping[int, Field]:
        return receptive_fields(self.graph)

    @cached_property
    def probes(self) -> Probes:
        return Probes(self.network, self.graph)

    @cached_property
    def formulas(self) -> Formulas | None:
        asked = self.question.formulas or self.question.sizes
        return shape_formulas(self.network, self.graph, self.probes) if asked else None

    def _sizes(self) -> Sizes | None:
        if not self.question.sizes:
            return None
        return legal_sizes(
            self.network, self.subject.input, probes=self.probes, formulas=self.formulas
        )

    def _advice(self) -> tuple[Advice, ...]:
        sizes = {name: x.numel() for name, x in self.network.module.named_parameters()}
        weighted = self.subject.weighted
        of_weights = () if weighted is None else advise_weights(weighted, self.graph)
        return (*self.subject.advice, *advise(self.graph, self.fields, sizes), *of_weights)

    def _layers(self) -> tuple[Layer, ...]:
        return tuple(self._layer(row) for row in self.rows)

    def _layer(self, row: Row) -> Layer:
        done = total_work(row.operators)
        shapes = _parameter_shapes(row)
        return Layer(
            name=row.name,
            op=row.op,
            description=row.description,
            output=row.output.shape[1:],
            output_formula=self.formulas.text(row.output) if self.formulas else "",
            parameters=sum(math.prod(shape) for shape in shapes),
            parameters_formula=_sum_of_products(shapes),
            multiply_adds=done.count(self.convention),
            flops=done.flops,
            bytes_moved=sum(bytes_moved(op) for op in row.operators),
            saved_bytes=self.saved.get(row.name, 0),
            backward_multiply_adds=self.backward.get(row.name, 0),
            receptive_field=self.fields.get(row.output.id),
        )

    def _training(self) -> tuple[dict[str, int], dict[str, int]]:
        """Saved bytes and backward products of each layer, for one sample."""
        self.step = _step(self.network, self.question.batch, self.subject.input, self.notes)
        if self.step is None:
            return {}, {}
        count = self.step.graph.inputs[0].shape[0]
        more = trace_step(self.network, (count + 1, *self.subject.input), backward=False)
        before, after = _saved_by_row(self.step), _saved_by_row(more)
        saved = {name: after[name] - before.get(name, 0) for name in after}
        self.saved_bytes = self.step.saved_bytes
        if count != self.question.batch:
            self.saved_bytes -= more.saved_bytes - self.step.saved_bytes
        products = _backward_by_row(self.step)
        return saved, {name: done // count for name, done in products.items()}

    def _total(self, layers: Sequence[Layer]) -> Total:
        module, batch = self.network.module, self.question.batch
        operators, peak = self.graph.operators, self.peak
        if batch > 1:
            graph, peak = trace(self.network, (batch, *self.subject.input))
            operators = graph.operators
        done = total_work(operators)
        parameters, buffers = list(module.parameters()), list(module.buffers())
        trained = self.step is not None
        whole = self.step is not None and self.step.graph.inputs[0].shape[0] == batch
        return Total(
            parameters=sum(x.numel() for x in parameters),
            trainable_parameters=sum(x.numel() for x in parameters if x.requires_grad),
            buffers=sum(x.numel() for x in buffers),
            parameter_bytes=sum(x.numel() * x.element_size() for x in (*parameters, *buffers)),
            multiply_adds=done.count(self.convention),
            flops=done.flops,
            bytes_moved=sum(bytes_moved(op) for op in operators),
            activation_peak_bytes=peak,
            saved_bytes=self.saved_bytes if trained else None,
            training_peak_bytes=self.step.peak if whole and self.step else None,
            backward_multiply_adds=(
                sum(layer.backward_multiply_adds for layer in layers) * batch if trained else None
            ),
        )


def _step(network: Traceable, batch: int, sample: tuple[int, ...], notes: list[str]) -> Step | None:
    """A training step; batch normalisation may need two samples; some networks can't train."""
    try:
        return trace_step(network, (batch, *sample))
    except DesignError as error:
        if batch > 1:
            notes.append(f"no training step: {error}")
            return None
    step = _step(network, 2, sample, notes)
    if step is not None:
        notes.append("a batch of 1 can't be trained (batch normalisation of one value)")
    return step


def _row_of_operator(graph: Graph) -> dict[int, str]:
    return {op.index: row.name for row in rows_of(graph) for op in row.operators}


def _saved_by_row(step: Step) -> dict[str, int]:
    """Bytes kept for backward by the layer that made them."""
    rows, found, seen = _row_of_operator(step.graph), {}, set[int]()
    for op in step.graph.operators:
        for value in op.outputs:
            if value.storage in step.saved and value.storage not in seen:
                seen.add(value.storage)
                name = rows[op.index]
                found[name] = found.get(name, 0) + step.saved[value.storage]
    return found


def _backward_by_row(step: Step) -> dict[str, int]:
    rows, found = _row_of_operator(step.graph), {}
    for op, owner in zip(step.backward, step.owners, strict=True):
        name = rows.get(owner, "")
        found[name] = found.get(name, 0) + total_work([op]).products
    return found


def _parameter_shapes(row: Row) -> list[tuple[int, ...]]:
    shapes = {value.id: value.shape for op in row.operators for value in op.inputs}
    return [shapes[key] for key in row.parameters]


def _sum_of_products(shapes: Sequence[tuple[int, ...]]) -> str:
    """How the parameters come about: `64·(3·7·7) + 64`.

    >>> _sum_of_products([(64, 3, 7, 7), (64,)])
    '64·(3·7·7) + 64'
    """
    return " + ".join(map(_product, shapes))


def _product(shape: tuple[int, ...]) -> str:
    if len(shape) > 2:
        return f"{shape[0]}·({'·'.join(map(str, shape[1:]))})"
    return "·".join(map(str, shape)) or "1"
