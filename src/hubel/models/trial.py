"""What a network takes and gives, found by running it without numbers."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from hubel.errors import RecipeError
from hubel.models.blank import blank
from hubel.models.making import Order, make
from hubel.models.naming import Kind, kind_of, short_name

if TYPE_CHECKING:
    from hubel.models.architecture import Architecture

__all__ = ["Trial"]

_ATTENTION = (nn.LayerNorm, nn.MultiheadAttention)
_WORDS = ("attention", "attn", "layernorm")
_BATCH_NORM = nn.modules.batchnorm._BatchNorm  # pyright: ignore[reportPrivateUsage]


@dataclass(frozen=True, slots=True)
class Trial:
    """A network that can be run at any size, cheaply.

    Attributes:
        architecture: of it.
        network: on the meta device; on the CPU where its code needs numbers.
        device: that it is on.
        notes: what was adapted in it.
    """

    architecture: Architecture
    network: nn.Module
    device: str
    notes: tuple[str, ...]

    @classmethod
    def of(cls, architecture: Architecture) -> Trial:
        """Build the network without weights, and run it once at its own size.

        Raises:
            RecipeError: it can't be built, doesn't take pictures of that size, or gives something
                else than class scores.
        """
        try:
            return cls.plain(architecture)
        except RecipeError as error:
            if kind_of(architecture.name) is not Kind.ZOO:
                raise
            raise RecipeError(f"{error}{_sizes_taken(architecture)}") from error

    @classmethod
    def plain(cls, architecture: Architecture) -> Trial:
        """As `of`, without the search for sizes that would do."""
        order = Order(architecture)
        trial = cls(architecture, blank(lambda: make(order)).eval(), "meta", tuple(order.notes))
        needs_numbers = not trial.takes(architecture.image_size)
        if needs_numbers and kind_of(architecture.name) is not Kind.ZOO:
            with torch.device("cpu"):
                trial = replace(trial, network=make(order).eval(), device="cpu")
        trial.expect_scores()
        return trial

    def run(self, size: tuple[int, ...]) -> Any:
        """What the network gives for two samples of that size."""
        pictures = torch.zeros((2, self.architecture.in_channels, *size), device=self.device)
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            return self.network(pictures)

    def takes(self, size: tuple[int, ...]) -> bool:
        """Whether it gives class scores for samples of that size."""
        try:
            return self._fits(self.run(size))
        except Exception:  # whatever the code does with a size that it wasn't made for
            return False

    def expect_scores(self) -> None:
        """Make sure that pictures of its own size come out as class scores.

        Raises:
            RecipeError: they don't.
        """
        it = self.architecture
        name, size = short_name(it.name), " x ".join(map(str, it.image_size))
        try:
            found = self.run(it.image_size)
            if self._fits(found) and kind_of(it.name) is Kind.PROGRAM:
                name, found = f"{name}, in training,", self._run_in_training()
        except Exception as error:
            said = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
            raise RecipeError(f"{name} doesn't take pictures of {size} px: {said}") from error
        if not self._fits(found):
            shape = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
            raise RecipeError(
                f"{name} gives {shape} for 2 pictures; expected class scores, (2, {it.num_classes})"
            )

    def _run_in_training(self) -> Any:
        """What it gives then: some code returns more, for losses of its own."""
        try:
            self.network.train()
            return self.run(self.architecture.image_size)
        finally:
            self.network.eval()

    def any_size(self) -> bool:
        """Whether the same weights take pictures of other sizes."""
        size = self.architecture.image_size
        more = [(4, 8, 12), (1, 3, 5), size]
        others = [tuple(a + b for a, b in zip(size, each, strict=False)) for each in more]
        return all(self.takes(size) for size in others)

    def smallest_side(self) -> int:
        """Fewest pixels on a side of a square picture; the larger ones are taken to fit too."""
        low, high = 0, min(self.architecture.image_size)
        while high - low > 1:
            middle = (low + high) // 2
            square = (middle,) * len(self.architecture.image_size)
            low, high = (low, middle) if self.takes(square) else (middle, high)
        return high

    def has_batch_norm(self) -> bool:
        """Whether any layer is a batch normalisation."""
        return any(isinstance(layer, _BATCH_NORM) for layer in self.network.modules())

    def has_attention(self) -> bool:
        """Whether any layer is an attention, or a normalisation that comes with it."""
        return any(_is_attention(layer) for layer in self.network.modules())

    def has_norm_bias(self) -> bool:
        """Whether any layer normalises and then adds a number that learns."""
        norms = (_BATCH_NORM, nn.LayerNorm, nn.GroupNorm)
        found = (layer for layer in self.network.modules() if isinstance(layer, norms))
        return any(getattr(layer, "bias", None) is not None for layer in found)

    def _fits(self, found: Any) -> bool:
        return isinstance(found, Tensor) and found.shape == (2, self.architecture.num_classes)


def _sizes_taken(architecture: Architecture) -> str:
    """What to do about a size that a zoo's network doesn't take."""
    from hubel.models.zoo.building import default_input

    try:
        own = default_input(architecture.name)[1:]
    except RecipeError:  # there is no such network
        return ""
    height, width = (max(32, 32 * round(side / 32)) for side in architecture.image_size)
    squares = [(max(height, width) + more,) * 2 for more in (0, 32, 64)]
    for size in dict.fromkeys([(height, width), *squares, own]):
        other = replace(architecture, image_size=size)
        with suppress(Exception):  # the zoo's own code, at a size that it may not be made for
            Trial.plain(other)
            shown = str(size[0]) if size[0] == size[1] else f"{size[0]}x{size[1]}"
            return f"; it takes {size[0]} x {size[1]} px: give --size {shown}"
    return ""


def _is_attention(layer: nn.Module) -> bool:
    name = type(layer).__name__.lower()
    return isinstance(layer, _ATTENTION) or any(word in name for word in _WORDS)
