"""A network as data: a name, what it takes and gives, and its own options."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from hubel.errors import RecipeError
from hubel.models.naming import Kind, kind_of, short_name
from hubel.models.program import Program
from hubel.models.registered import NETWORKS

if TYPE_CHECKING:
    import torch
    from torch import nn

    from hubel.models.traits import Traits

__all__ = ["NETWORKS", "Architecture"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Architecture:
    """What is needed to build a network again, and nothing else.

    Attributes:
        name: one of `NETWORKS` or of the catalogue, `timm:NAME`, `torchvision:NAME`, a line of
            notation, or `path/to/net.py:make` (a function of the user's own file).
        in_channels: of the input.
        num_classes: how many scores come out.
        image_size: that the network is made for: height and width in pixels, or the length of
            signals, or planes, height and width of volumes.
        options: keyword arguments of the network's own; those of a zoo have `pretrained` (begin
            with the zoo's weights), `small_stem` (take strides out of the stem) and
            `several_sizes` (fit positions to each picture's size).
        sha256: of the file that `name` speaks of, when it was recorded; such code runs only when
            `code` says where it is.
        code: `path/to/net.py:make`, given by the user; never written down.

    Example:
        >>> Architecture(name="linear", in_channels=3, num_classes=2, image_size=(8, 8)).build()
        Linear(
          (flatten): Flatten(start_dim=1, end_dim=-1)
          (fc): Linear(in_features=192, out_features=2, bias=True)
        )
    """

    name: str
    in_channels: int
    num_classes: int
    image_size: tuple[int, ...]
    options: dict[str, Any] = field(default_factory=dict[str, Any])
    sha256: str | None = None
    code: str | None = field(default=None, compare=False)

    def build(self, seed: int = 0, *, fetch: bool = True) -> nn.Module:
        """A plain module with freshly drawn weights, the same for the same seed.

        Args:
            seed: of the weights.
            fetch: take a zoo's trained weights where the options ask for them; off where other
                weights will be put in.

        Raises:
            RecipeError: the name is unknown, or the picture is too small for the network.
            ArtifactError: it is made by code that is not given, or that has changed.
        """
        from hubel.models.making import Order, make

        return make(Order(self, seed, fetch))

    def check(self) -> Architecture:
        """Make sure, without weights, that it can be built and gives class scores.

        Raises:
            RecipeError: it can't, or doesn't, with sizes that it takes where size is the matter.
        """
        _ = self.traits
        return self

    @property
    def traits(self) -> Traits:
        """What was found by running it without numbers, once a process."""
        from hubel.models.traits import traits_of

        return traits_of(self)

    @property
    def any_size(self) -> bool:
        """Whether the same weights take pictures of other sizes."""
        from hubel.models.traits import any_size

        return any_size(self)

    @property
    def smallest_side(self) -> int:
        """Fewest pixels on a side that the network takes."""
        from hubel.models.traits import smallest_side

        return smallest_side(self)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was adapted in a zoo's network, a sentence each."""
        return self.traits.notes

    @property
    def short_name(self) -> str:
        """A name that fits into a table."""
        return short_name(self.name)

    @property
    def memory_format(self) -> torch.memory_format:
        """How its weights and pictures lie in memory: channels side by side, which is quicker.

        A user's own file gets the plain layout, which `view` needs; so do signals and volumes.
        """
        import torch

        plain = kind_of(self.name) is Kind.PROGRAM or len(self.image_size) != 2
        return torch.contiguous_format if plain else torch.channels_last

    def to_json(self) -> dict[str, Any]:
        """The description as JSON types; of a user's own file its name without the folder."""
        document: dict[str, Any] = {
            "name": self.name,
            "in_channels": self.in_channels,
            "num_classes": self.num_classes,
            "image_size": list(self.image_size),
            "options": self.options,
        }
        if kind_of(self.name) is not Kind.PROGRAM:
            return document
        program = Program.parse(self.name)
        return document | {"name": program.short, "sha256": self.sha256 or program.sha256}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Architecture:
        """The inverse of `to_json`; what it speaks of runs only after `with_code`.

        Args:
            document: as it was written; it may come from anywhere.

        Raises:
            RecipeError: it speaks of a Python file without the file's SHA-256, or says where that
                file is.
        """
        size: Any = tuple(document["image_size"])
        if "code" in document:
            raise RecipeError("where a network's code is can't come from a file")
        found = cls(**{**document, "image_size": size})
        if kind_of(found.name) is Kind.PROGRAM and not isinstance(found.sha256, str):
            raise RecipeError(f"{found.name}: the SHA-256 of that file is not recorded")
        return found

    def with_code(self, code: str) -> Architecture:
        """The same network, and where the user's own file is that makes it.

        Args:
            code: `path/to/net.py:make`; the function may be left out.

        Raises:
            RecipeError: the network is made by no such file, or by another function.
        """
        if kind_of(self.name) is not Kind.PROGRAM:
            raise RecipeError(
                f"code {code!r} has no effect: the network is {self.short_name}, which needs "
                "none; leave it out"
            )
        function = Program.parse(self.name).function
        given = Program.parse(code if Program.has_function(code) else f"{code}:{function}")
        if given.function != function:
            raise RecipeError(
                f"the network was made by {self.short_name}, and {code} is another function; "
                f"give {given.path}:{function}"
            )
        return replace(self, code=given.expect().name)
