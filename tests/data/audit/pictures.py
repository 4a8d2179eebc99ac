"""Pictures with things on them, and copies of them as they go round."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance

from hubel.data.audit.measures import shrink, thumbnail
from hubel.data.decode import decode
from hubel.data.pixels import Pixels

COPIES = ("reencoded", "resized", "cropped", "brightened")


def scene(seed: int, width: int = 320, height: int = 240) -> Image.Image:
    """Shapes on a table with a slope of light; no two seeds have the same."""
    draws = np.random.default_rng(seed)
    down, across = np.mgrid[:height, :width]
    slope = 150 + 40 * across / width + 30 * down / height
    image = Image.fromarray(np.repeat(slope[..., None], 3, 2).astype(np.uint8))
    pen = ImageDraw.Draw(image)
    for _ in range(12):
        x, y = draws.integers(0, width), draws.integers(0, height)
        w, h = draws.integers(10, 90, 2)
        fill = tuple(int(c) for c in draws.integers(0, 230, 3))
        (pen.ellipse if draws.random() < 0.5 else pen.rectangle)((x, y, x + w, y + h), fill=fill)
    return image


def copy(image: Image.Image, kind: str, seed: int) -> Image.Image:
    """A picture as it comes back from elsewhere."""
    draws = np.random.default_rng(seed)
    width, height = image.size
    if kind == "resized":
        scale = draws.uniform(0.5, 1.5)
        return image.resize((round(width * scale), round(height * scale)))
    if kind == "cropped":
        across, down = round(width * 0.95), round(height * 0.95)
        left, top = draws.integers(0, width - across + 1), draws.integers(0, height - down + 1)
        return image.crop((left, top, left + across, top + down))
    if kind == "brightened":
        return ImageEnhance.Brightness(image).enhance(draws.uniform(1.05, 1.25))
    return image


def encoded(image: Image.Image, quality: int = 80) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return stream.getvalue()


def pixels(images: list[Image.Image]) -> Pixels:
    """Thumbnails as a scan keeps them, through JPEG."""
    small = [thumbnail(shrink(decode(encoded(image)).pixels)) for image in images]
    return plain(np.array(small))


def plain(small: np.ndarray) -> Pixels:
    places = np.stack([np.zeros(len(small), np.int64), np.arange(len(small))], 1)
    return Pixels((small[..., None],), places)
