"""How a decoded picture becomes network input: one description, one function that executes it.

Training, evaluation, prediction, export and the service all call `Preprocess.pixels` and
`Preprocess.tensor`; there is no second way from pixels to input.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hubel.errors import RecipeError
from hubel.storage import canonical_json

if TYPE_CHECKING:
    import torch

__all__ = ["PIXEL_RULE", "Channels", "Preprocess", "Shape"]

Channels = Literal["rgb", "grey"]
Shape = Literal["squash", "crop", "pad"]

PIXEL_RULE = 1
"""Version of the rules in `decode` and here: raised when any pixel would come out differently."""

_SPARE = 2  # sides of a reduced picture over those of the input: less would show in the resize


@dataclass(frozen=True, kw_only=True, slots=True)
class Preprocess:
    """A pure description of the way from a decoded picture to network input.

    Attributes:
        height, width: of the input, in pixels.
        channels: "rgb", or "grey" (luma of ITU-R 601).
        shape: "squash" resizes both sides freely; "crop" keeps the ratio and cuts the middle out;
            "pad" keeps the ratio and fills with `background`.
        background: 0 to 255, what "pad" fills with.
        mean, std: of each channel on the scale of 0 to 1, of the training pixels.
        interpolation: always antialiased "bilinear" (Pillow's), named so that a file states it.
        pixel_rule: version of the decoding rules.
        reduced: JPEGs are decoded at 1/2, 1/4 or 1/8 of their sides where that leaves at least
            twice the input on both; the antialiased resize does the rest.
    """

    height: int
    width: int
    channels: Channels = "rgb"
    shape: Shape = "squash"
    background: int = 255
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    interpolation: Literal["bilinear"] = "bilinear"
    pixel_rule: int = PIXEL_RULE
    reduced: bool = False

    def __post_init__(self) -> None:
        if self.height < 1 or self.width < 1:
            raise RecipeError(f"a picture of {self.height} x {self.width} pixels has no pixels")
        if self.pixel_rule != PIXEL_RULE:
            raise RecipeError(
                f"these pixels follow rule {self.pixel_rule}; this version of hubel has rule "
                f"{PIXEL_RULE}: install the version that made the classifier, or train again"
            )

    @property
    def num_channels(self) -> int:
        """3 for colour, 1 for grey."""
        return 3 if self.channels == "rgb" else 1

    @property
    def enough(self) -> tuple[int, int] | None:
        """Height and width that decoding must leave, for `decode`; None decodes every pixel."""
        return (_SPARE * self.height, _SPARE * self.width) if self.reduced else None

    @property
    def geometry(self) -> str:
        """A key of all that decides the cached pixels: everything but `mean` and `std`."""
        described = asdict(replace(self, mean=(), std=()))
        if not self.reduced:
            del described["reduced"]  # pixels of before there was such a thing are the same
        return hashlib.sha256(canonical_json(described)).hexdigest()[:16]

    def with_statistics(self, mean: tuple[float, ...], std: tuple[float, ...]) -> Preprocess:
        """The same way to pixels, with the statistics of the training pixels."""
        return replace(self, mean=mean, std=std)

    def pixels(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Bring one decoded picture to its working size.

        Args:
            picture: (h, w) or (h, w, 3), as `decode` gives it.

        Returns:
            uint8, (height, width, channels).

        Example:
            >>> way = Preprocess(height=8, width=8)
            >>> way.pixels(np.zeros((30, 40), np.uint8)).shape
            (8, 8, 3)
        """
        grey = picture.ndim == 2
        if picture.shape[:2] != (self.height, self.width) or grey == (self.channels == "rgb"):
            mode = "RGB" if self.channels == "rgb" else "L"
            image = Image.fromarray(np.ascontiguousarray(picture)).convert(mode)
            picture = np.asarray(self._fit(image))
        return picture if picture.ndim == 3 else picture[..., None]

    def tensor(self, pixels: torch.Tensor) -> torch.Tensor:
        """Normalise a batch.

        Args:
            pixels: uint8, (n, height, width, channels), on any device.

        Returns:
            float32, (n, channels, height, width) in channels-last memory.
        """
        import torch

        mean = torch.tensor(self.mean, device=pixels.device).mul_(255)
        scale = torch.tensor(self.std, device=pixels.device).mul_(255).reciprocal_()
        # Along whole rows: three values at a time are ten times as slow on a CPU.
        rows = pixels.to(torch.float32).flatten(2)
        rows.sub_(mean.repeat(self.width)).mul_(scale.repeat(self.width))
        return rows.unflatten(2, (-1, len(mean))).permute(0, 3, 1, 2)

    def to_json(self) -> dict[str, Any]:
        """The description as JSON types."""
        return asdict(self) | {"mean": list(self.mean), "std": list(self.std)}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Preprocess:
        """The inverse of `to_json`."""
        lists: dict[str, Any] = {name: tuple(document[name]) for name in ("mean", "std")}
        return cls(**(document | lists))

    def _fit(self, image: Image.Image) -> Image.Image:
        if image.size == (self.width, self.height):
            return image
        if self.shape == "squash":
            return image.resize((self.width, self.height), Image.Resampling.BILINEAR)
        if self.shape == "crop":
            return image.resize(
                (self.width, self.height), Image.Resampling.BILINEAR, box=self._middle(image.size)
            )
        scale = min(self.width / image.width, self.height / image.height)
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        fill: Any = (self.background,) * 3 if image.mode == "RGB" else self.background
        canvas = Image.new(image.mode, (self.width, self.height), fill)
        corner = ((self.width - size[0]) // 2, (self.height - size[1]) // 2)
        canvas.paste(image.resize(size, Image.Resampling.BILINEAR), corner)
        return canvas

    def _middle(self, size: tuple[int, int]) -> tuple[float, float, float, float]:
        width, height = size
        scale = min(width / self.width, height / self.height)
        across, down = self.width * scale, self.height * scale
        # Rounding must not put a corner outside: Pillow refuses a box that begins at -1e-15.
        left, top = max(0.0, (width - across) / 2), max(0.0, (height - down) / 2)
        return (left, top, min(left + across, width), min(top + down, height))
