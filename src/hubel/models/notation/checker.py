"""The checker: walks a tree, knows the state after every word, and names the word that fails."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from hubel.errors import RecipeError
from hubel.models.limits import expect_classes
from hubel.models.notation.advice import Advice, start_advice, word_advice
from hubel.models.notation.errors import NotationError, did_you_mean
from hubel.models.notation.joins import concatenated, summed
from hubel.models.notation.names import body_names, named_words
from hubel.models.notation.parser import parse
from hubel.models.notation.printer import print_line
from hubel.models.notation.rules import RULES, weights_of
from hubel.models.notation.states import Grid, Misfit, State
from hubel.models.notation.tree import Network, Span, Word
from hubel.models.notation.words import INITS

__all__ = ["Checked", "Step", "check", "tree_of"]

MOST_VALUES = 2**40  # of one sample at one word, or of one word's weights


@dataclass(frozen=True, slots=True)
class Step:
    """One word of the network written out.

    Attributes:
        path: of its module, such as `residual2.conv1`.
        word: from the tree.
        input: the state before it.
        output: the state after it.
    """

    path: str
    word: Word
    input: State
    output: State

    @property
    def text(self) -> str:
        """The word as it stands in the line's one spelling."""
        return str(self.word)


@dataclass(frozen=True, slots=True)
class Checked:
    """A network whose sizes fit.

    Attributes:
        network: the tree.
        steps: every word in the order in which the modules run; a container after its inside.
        warnings: what is allowed and yet probably not meant.
    """

    network: Network
    steps: tuple[Step, ...]
    warnings: tuple[Advice, ...]

    @property
    def output(self) -> State:
        """The state at the end."""
        return self.steps[-1].output


def tree_of(network: Network | str) -> Network:
    """A tree that knows its line: parsed, or printed and parsed where it was made in Python."""
    if isinstance(network, str):
        return parse(network)
    return network if network.line else parse(print_line(network))


def check(
    network: Network | str, input: tuple[int, ...], num_classes: int = 1000, init: str = "kaiming"
) -> Checked:
    """Follow one sample through the network, without a tensor.

    Args:
        network: a tree, or a line.
        input: (channels, *sides) of one sample, 1 to 3 sides.
        num_classes: width of an `fc` that gives none.
        init: how weights are drawn where the line doesn't say, one of `INITS`; only advice
            depends on it.

    Raises:
        NotationError: a word doesn't fit what it is given: its place, the arithmetic, the mend.
        RecipeError: `input` is not one to three positive sides after positive channels, there are
            no classes, or there is no such initialisation.

    Example:
        >>> [str(step.output) for step in check("conv3x3/2(8) gap fc", (3, 32, 32), 10).steps]
        ['8x16x16', '8 features', '10 features']
    """
    _expect_input(input)
    expect_classes(num_classes)
    _expect_init(init)
    tree = tree_of(network)
    walk = _Walk(tree.line, num_classes, init)
    walk.network(tree, Grid(input[0], tuple(input[1:])), "")
    return Checked(tree, tuple(walk.steps), tuple(walk.warnings.values()))


def _expect_input(input: tuple[int, ...]) -> None:
    if not 2 <= len(input) <= 4 or min(input) < 1:
        raise RecipeError(
            "input is (channels, *sides) with 1 to 3 sides, all at least 1, such as (3, 32, 32); "
            f"got {tuple(input)}"
        )


def _expect_init(init: str) -> None:
    if init not in INITS:
        near = did_you_mean(init, list(INITS)) or f"there are {', '.join(INITS)}"
        raise RecipeError(f"there is no initialisation {init!r}; {near}")


class _Walk:
    """One pass over a tree: the steps and warnings so far."""

    def __init__(self, line: str, num_classes: int, init: str, *, mending: bool = True) -> None:
        self.line = line
        self.mending = mending
        self.num_classes = num_classes
        self.init = init
        self.steps: list[Step] = []
        self.warnings: dict[tuple[Span, str], Advice] = {}

    def network(self, network: Network, state: State, prefix: str) -> State:
        begins = len(self.steps)
        for name, word in named_words(network):
            state = self.word(word, state, prefix + name)
        own = [s for s in self.steps[begins:] if s.path.count(".") == prefix.count(".")]
        self.warn(start_advice([step.word for step in own], self.init))
        return state

    def word(self, word: Word, state: State, path: str) -> State:
        try:
            after = self.container(word, state, path) if word.bodies else self.plain(word, state)
        except Misfit as misfit:
            mend = self.mend(misfit)
            raise NotationError(misfit.message, self.line, word.span, mend) from None
        self.steps.append(Step(path, word, state, after))
        self.warn(word_advice(word, state))
        return after

    def mend(self, misfit: Misfit) -> str:
        """What would put it right; nothing in a trial, which only asks whether there is one."""
        if isinstance(misfit.mend, str):
            return misfit.mend
        return misfit.mend(self.after) if self.mending else ""

    def after(self, word: Word, state: State) -> State | None:
        """The state after a word that is only tried; None where it doesn't fit."""
        trial = _Walk(self.line, self.num_classes, self.init, mending=False)
        try:
            return trial.word(word, state, "")
        except NotationError:
            return None

    def plain(self, word: Word, state: State) -> State:
        after = RULES[word.name](word, state, self.num_classes)
        weights = weights_of(word, state, after)
        if max(weights, prod(after.shape)) > MOST_VALUES:
            held = f"{weights:,} weights" if weights > MOST_VALUES else f"{after}"
            raise Misfit(f"{word.name} would have {held}: more values than any machine holds")
        return after

    def container(self, word: Word, state: State, path: str) -> State:
        after: list[State] = []
        for body, name in zip(word.bodies, body_names(word), strict=True):
            prefix = f"{path}.{name}." if name else f"{path}."
            after.append(self.network(body, state, prefix))
        if word.name == "branches":
            return concatenated(after)
        return summed(word, after[0], after[1] if len(after) == 2 else state, state)

    def warn(self, advice: list[Advice]) -> None:
        for one in advice:
            self.warnings.setdefault((one.span, one.message), one)
