"""How a decoded sample becomes network input: one description, one function that executes it.

Training, evaluation, prediction, export and the service all call `Preprocess.pixels` and
`Preprocess.tensor`; there is no second way from pixels to input.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hubel.data.buckets import Size, bucket_of, place
from hubel.data.fitting import fitted
from hubel.data.form import FULL_SCALE, Decoded, Depth, Form, Kind
from hubel.errors import RecipeError
from hubel.storage import canonical_json

if TYPE_CHECKING:
    import torch

__all__ = ["PIXEL_RULE", "Channels", "Preprocess", "Shape"]

Channels = Literal["rgb", "grey", "rgba"] | int
Shape = Literal["squash", "crop", "pad", "bucket"]

PIXEL_RULE = 1
"""Version of the rules in `decode` and here: raised when any pixel would come out differently."""

_SPARE = 2  # sides of a reduced picture over those of the input: less would show in the resize


@dataclass(frozen=True, kw_only=True, slots=True)
class Preprocess:
    """A pure description of the way from a decoded sample to network input.

    Attributes:
        height, width: of the input, in pixels; a signal has height 1, and its length as width.
        channels: "rgb", "grey" (luma of ITU-R 601), "rgba" (the alpha is a channel), or how many.
        shape: "squash" resizes all sides freely; "crop" keeps the ratio and cuts the middle out;
            "pad" keeps the ratio and fills with `background`; "bucket" keeps the ratio and brings
            each picture to the one of `buckets` that suits it, as `hubel.data.buckets` says.
        background: 0 to 255, what "pad" fills whole numbers of pictures with; all else gets 0.
        mean, std: of each channel of the training samples, on a scale where the largest whole
            number of the depth (255, 65,535) is 1; of float32 in units of the data.
        interpolation: always antialiased "bilinear" (Pillow's), named so that a file states it.
        pixel_rule: version of the decoding rules.
        kind: "picture", "signal" or "volume".
        depth: of the values: "uint8", "uint16" or "float32".
        planes: of a volume; 1 for the others.
        reduced: JPEGs are decoded at 1/2, 1/4 or 1/8 of their sides where that leaves at least
            twice the input on both; the antialiased resize does the rest. Without effect on
            "bucket", which needs the true ratio.
        buckets: (height, width) pairs, of pictures; `height` and `width` are then those of the
            network's nominal input, of about the same area.
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
    kind: Kind = "picture"
    depth: Depth = "uint8"
    planes: int = 1
    reduced: bool = False
    buckets: tuple[Size, ...] = ()

    def __post_init__(self) -> None:
        if self.height < 1 or self.width < 1:
            raise RecipeError(f"a picture of {self.height} x {self.width} pixels has no pixels")
        if self.shape == "bucket" and self.kind != "picture":
            raise RecipeError(
                f"shape bucket keeps the ratio of pictures; for {self.kind}s give squash, crop or "
                "pad"
            )
        if self.planes < 1 or self.num_channels < 1:
            raise RecipeError(
                f"a {self.kind} of {self.planes} planes and {self.num_channels} channels is empty"
            )
        if self.pixel_rule != PIXEL_RULE:
            raise RecipeError(
                f"these pixels follow rule {self.pixel_rule}; this version of hubel has rule "
                f"{PIXEL_RULE}: install the version that made the classifier, or train again"
            )

    @property
    def num_channels(self) -> int:
        """3 for colour, 1 for grey, 4 with an alpha."""
        if isinstance(self.channels, int):
            return self.channels
        return {"rgb": 3, "grey": 1, "rgba": 4}[self.channels]

    @property
    def size(self) -> tuple[int, ...]:
        """The axes of the input: (length,), (height, width), or (planes, height, width).

        Example:
            >>> Preprocess(height=1, width=900, kind="signal", channels=2).size
            (900,)
        """
        sides = {"signal": (self.width,), "volume": (self.planes, self.height, self.width)}
        return sides.get(self.kind, (self.height, self.width))

    @property
    def plain(self) -> bool:
        """Whether it makes 8-bit pictures in grey or colour, which Pillow does itself."""
        return (self.kind, self.depth) == ("picture", "uint8") and self.channels in ("rgb", "grey")

    @property
    def fill(self) -> float:
        """What "pad" fills with."""
        if self.kind != "picture" or self.depth == "float32":
            return 0.0
        return round(self.background / 255 * FULL_SCALE[self.depth])

    @property
    def in_words(self) -> str:
        """The pixels that it makes, for people.

        Example:
            >>> Preprocess(height=96, width=128, shape="crop").in_words
            '96x128 rgb, crop'
        """
        size = "x".join(map(str, self.size))
        deep = "" if self.depth == "uint8" else f" {self.depth}"
        channels = f"{self.channels} channels" if isinstance(self.channels, int) else self.channels
        return f"{size} {channels}{deep}, {self.shape}{', reduced' if self.reduced else ''}"

    @property
    def enough(self) -> tuple[int, int] | None:
        """Height and width that decoding must leave, for `decode`; None decodes every pixel."""
        reduced = self.reduced and self.plain and self.shape != "bucket"
        return (_SPARE * self.height, _SPARE * self.width) if reduced else None

    @property
    def geometry(self) -> str:
        """A key of all that decides the cached pixels: everything but `mean` and `std`."""
        described = asdict(replace(self, mean=(), std=()))
        if not self.buckets:  # as it was before there were any, so that caches stay
            del described["buckets"]
        return hashlib.sha256(canonical_json(described)).hexdigest()[:16]

    @property
    def parts(self) -> tuple[Preprocess, ...]:
        """The ways to pixels of one size each that it is made of: one a bucket, or itself."""
        return tuple(map(self._at, self.buckets)) or (self,)

    def with_buckets(self, buckets: Sequence[Size]) -> Preprocess:
        """The same way, to these sizes."""
        return replace(self, shape="bucket", buckets=tuple(buckets))

    def squashed(self) -> Preprocess:
        """A way to one size for all, without statistics."""
        return replace(self, shape="squash", buckets=(), mean=(), std=())

    def with_statistics(self, mean: tuple[float, ...], std: tuple[float, ...]) -> Preprocess:
        """The same way to pixels, with the statistics of the training pixels."""
        return replace(self, mean=mean, std=std)

    def pixels(self, sample: Decoded | NDArray[Any]) -> NDArray[Any]:
        """Bring one decoded sample to its working size.

        Args:
            sample: as `decode` gives it, or its values alone: of a picture (h, w) or (h, w, c).

        Returns:
            (*size, channels), of its depth; the size is that of its bucket, where there are some.

        Raises:
            PictureError: it is of another kind, or has channels that can't become those.

        Example:
            >>> way = Preprocess(height=8, width=8)
            >>> way.pixels(np.zeros((30, 40), np.uint8)).shape
            (8, 8, 3)
        """
        if self.buckets and self.buckets != ((self.height, self.width),):
            values = sample.values if isinstance(sample, Decoded) else sample
            own = bucket_of(self.buckets, (values.shape[0], values.shape[1]))
            return self._at(own).pixels(sample)
        if not self.plain or (isinstance(sample, Decoded) and sample.kind != "picture"):
            return fitted(sample if isinstance(sample, Decoded) else self.sample(sample), self)
        picture = sample.pixels if isinstance(sample, Decoded) else sample
        grey = picture.ndim == 2
        if picture.shape[:2] != (self.height, self.width) or grey == (self.channels == "rgb"):
            mode = "RGB" if self.channels == "rgb" else "L"
            image = Image.fromarray(np.ascontiguousarray(picture)).convert(mode)
            picture = np.asarray(self._fit(image))
        return picture if picture.ndim == 3 else picture[..., None]

    def tensor(self, pixels: torch.Tensor) -> torch.Tensor:
        """Normalise a batch.

        Args:
            pixels: of its depth, (n, *size, channels), on any device.

        Returns:
            float32, (n, channels, *size), channels last in memory.
        """
        import torch

        full = FULL_SCALE[self.depth]
        mean = torch.tensor(self.mean, device=pixels.device).mul_(full)
        scale = torch.tensor(self.std, device=pixels.device).mul_(full).reciprocal_()
        # Along whole rows: three values at a time are ten times as slow on a CPU.
        along, count = pixels.shape[-2], len(self.mean)
        rows = pixels.to(torch.float32, copy=True).flatten(-2)
        rows.sub_(mean.repeat(along)).mul_(scale.repeat(along))
        return rows.unflatten(-1, (along, count)).movedim(-1, 1)

    def to_json(self) -> dict[str, Any]:
        """The description as JSON types."""
        lists = {"mean": list(self.mean), "std": list(self.std)}
        return asdict(self) | lists | {"buckets": [list(size) for size in self.buckets]}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Preprocess:
        """The inverse of `to_json`."""
        lists: dict[str, Any] = {name: tuple(document[name]) for name in ("mean", "std")}
        lists["buckets"] = tuple(tuple(size) for size in document.get("buckets", ()))
        return cls(**(document | lists))

    def sample(self, values: NDArray[Any]) -> Decoded:
        """Values at working size, or not yet there, as the sample that they are."""
        if self.channels == "rgba":
            mode = {"uint8": "RGBA", "uint16": "RGBA;16"}.get(self.depth, "RGBA")
            return Decoded(values, mode, "array", 1)
        channels = values.shape[-1] if values.ndim > len(self.size) else 1
        depth: Any = str(values.dtype)
        return Decoded(values, Form(self.kind, depth, channels).mode, "array", self.planes)

    def _at(self, size: Size) -> Preprocess:
        return replace(self, height=size[0], width=size[1], buckets=(size,))

    def _fit(self, image: Image.Image) -> Image.Image:
        if image.size == (self.width, self.height):
            return image
        if self.shape == "squash":
            return image.resize((self.width, self.height), Image.Resampling.BILINEAR)
        if self.shape == "crop":
            return image.resize(
                (self.width, self.height), Image.Resampling.BILINEAR, box=self._middle(image.size)
            )
        if self.shape == "bucket":
            fit = place((image.height, image.width), (self.height, self.width))
            size, box = (fit.inner[1], fit.inner[0]), fit.box
        else:
            scale = min(self.width / image.width, self.height / image.height)
            size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
            box = None
        resized = image.resize(size, Image.Resampling.BILINEAR, box=box)
        if size == (self.width, self.height):
            return resized
        fill: Any = (self.background,) * 3 if image.mode == "RGB" else self.background
        canvas = Image.new(image.mode, (self.width, self.height), fill)
        corner = ((self.width - size[0]) // 2, (self.height - size[1]) // 2)
        canvas.paste(resized, corner)
        return canvas

    def _middle(self, size: tuple[int, int]) -> tuple[float, float, float, float]:
        width, height = size
        scale = min(width / self.width, height / self.height)
        across, down = self.width * scale, self.height * scale
        # Rounding must not put a corner outside: Pillow refuses a box that begins at -1e-15.
        left, top = max(0.0, (width - across) / 2), max(0.0, (height - down) / 2)
        return (left, top, min(left + across, width), min(top + down, height))
