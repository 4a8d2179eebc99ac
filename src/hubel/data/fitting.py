"""Samples that are no plain 8-bit pictures, brought to working size, channels and depth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hubel.data import buckets
from hubel.data.eight_bit import stretch, to_eight_bits
from hubel.data.form import FULL_SCALE, Decoded, Depth, Form
from hubel.data.resize import Box, resized
from hubel.errors import PictureError

if TYPE_CHECKING:
    from hubel.data.preprocess import Preprocess

__all__ = ["fitted"]

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def fitted(sample: Decoded, way: Preprocess) -> NDArray[Any]:
    """A sample as `way` wants it: (*size, channels) of its depth.

    Raises:
        PictureError: it is of another kind, or has channels that can't become those.
    """
    form = sample.form
    if form.kind != way.kind:
        raise PictureError(f"a {form.kind}, where a {way.kind} is expected")
    values = sample.values
    if values.ndim == len(way.size):
        values = values[..., None]
    values = _with_channels(_finite(values), form, way)
    values = _with_depth(values, way.depth)
    if values.shape[:-1] != way.size:
        return _sized(values, way)
    return np.ascontiguousarray(values)


def _finite(values: NDArray[Any]) -> NDArray[Any]:
    """Not a number, and infinity, are the sample's lowest finite value."""
    if values.dtype != np.float32:
        return values
    finite = np.isfinite(values)
    if finite.all():
        return values
    low = values[finite].min() if finite.any() else np.float32(0)
    return np.where(finite, values, low)


def _with_channels(values: NDArray[Any], form: Form, way: Preprocess) -> NDArray[Any]:
    found, wanted = values.shape[-1], way.num_channels
    if way.channels == "rgba":
        return _with_alpha(values, form)
    if form.alpha and way.channels in ("rgb", "grey"):
        values = _opaque(values)
        found = values.shape[-1]
    if found == wanted:
        return values
    if form.kind == "picture" and way.channels == "rgb" and found == 1:
        return np.repeat(values, 3, axis=-1)
    if form.kind == "picture" and way.channels == "grey" and found == 3:
        return _like(values @ _LUMA, values.dtype)[..., None]
    raise PictureError(f"{found} channels, where {wanted} are expected")


def _with_alpha(values: NDArray[Any], form: Form) -> NDArray[Any]:
    """Colour and alpha; what has none is opaque."""
    opaque = FULL_SCALE[_depth(values)]
    alpha = values[..., -1:] if form.alpha else np.full_like(values[..., :1], opaque)
    colour = values[..., :-1] if form.alpha else values
    if colour.shape[-1] not in (1, 3):
        raise PictureError(f"{colour.shape[-1]} channels, where colour and alpha are expected")
    colour = np.repeat(colour, 3, axis=-1) if colour.shape[-1] == 1 else colour
    return np.concatenate([colour, alpha], axis=-1)


def _opaque(values: NDArray[Any]) -> NDArray[Any]:
    """Laid on white."""
    white = np.float32(FULL_SCALE[_depth(values)])
    share = values[..., -1:].astype(np.float32) / white
    return _like(values[..., :-1] * share + white * (1 - share), values.dtype)


def _with_depth(values: NDArray[Any], depth: Depth) -> NDArray[Any]:
    """Deeper values than wanted follow the rules of 8-bit pictures; others keep their units."""
    if depth in (values.dtype, "float32"):
        return values.astype(depth)
    if depth == "uint8":
        return to_eight_bits(values) if values.dtype == np.uint16 else stretch(values)
    raise PictureError(f"{values.dtype} values, where {depth} is expected")


def _sized(values: NDArray[Any], way: Preprocess) -> NDArray[Any]:
    sides = values.shape[:-1]
    if way.shape == "squash":
        return _like(resized(values, way.size), values.dtype)
    if way.shape == "crop":
        return _like(resized(values, way.size, _middle(sides, way.size)), values.dtype)
    inner, box = _inside(sides, way)
    canvas = np.full((*way.size, values.shape[-1]), way.fill, values.dtype)
    corner = [(new - old) // 2 for new, old in zip(way.size, inner, strict=True)]
    place = tuple(slice(at, at + side) for at, side in zip(corner, inner, strict=True))
    canvas[place] = _like(resized(values, inner, box), values.dtype)
    return canvas


def _inside(sides: tuple[int, ...], way: Preprocess) -> tuple[tuple[int, ...], Box | None]:
    """The size that a sample takes on its background, and what is kept of it."""
    if way.shape == "bucket":
        fit = buckets.place((sides[0], sides[1]), (way.height, way.width))
        left, top, right, bottom = fit.box
        return fit.inner, ((top, bottom), (left, right))
    scale = min(new / old for new, old in zip(way.size, sides, strict=True))
    return tuple(max(1, round(side * scale)) for side in sides), None


def _middle(sides: tuple[int, ...], size: tuple[int, ...]) -> Box:
    scale = min(old / new for new, old in zip(size, sides, strict=True))
    spans: list[tuple[float, float]] = []
    for new, old in zip(size, sides, strict=True):
        start = max(0.0, (old - new * scale) / 2)
        spans.append((start, min(start + new * scale, old)))
    return tuple(spans)


def _like(values: NDArray[Any], dtype: Any) -> NDArray[Any]:
    """Float values as a depth: whole numbers are rounded and clipped."""
    if dtype == np.float32:
        return values.astype(np.float32)
    return np.clip(np.rint(values), 0, np.iinfo(dtype).max).astype(dtype)


def _depth(values: NDArray[Any]) -> Depth:
    return str(values.dtype)  # pyright: ignore[reportReturnType]
