"""NIfTI through nibabel and DICOM through pydicom, as volumes or pictures in units of the data."""

from __future__ import annotations

import io
import math
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubel.data.arrays import sample_of
from hubel.data.form import Decoded, Limits
from hubel.errors import PictureError

__all__ = ["decode_dicom", "decode_nifti", "is_dicom", "is_nifti"]

_GZIP = b"\x1f\x8b"
_HEAD = 544  # of NIfTI-2, the longer one
_WAY_OUT = "need {}: pip install 'hubel[medical]'"


def is_dicom(content: bytes) -> bool:
    """Whether the bytes have the mark of DICOM."""
    return content[128:132] == b"DICM"


def is_nifti(content: bytes) -> bool:
    """Whether the bytes begin as NIfTI does, as they are or inside of gzip."""
    if content[:2] == _GZIP:
        try:
            content = zlib.decompressobj(31).decompress(content, _HEAD)
        except zlib.error:
            return False
    return content[344:348] == b"n+1\x00" or content[4:8] == b"n+2\x00"


def decode_nifti(content: bytes, limits: Limits) -> Decoded:
    """A volume (z, y, x), or with a fourth axis as channels (z, y, x, c); scaled by its header.

    Raises:
        PictureError: it is broken or too large, or nibabel is not installed.
    """
    try:
        import nibabel
    except ImportError as error:
        raise PictureError("NIfTI files " + _WAY_OUT.format("nibabel"), str(error)) from error
    if content[:2] == _GZIP:
        unpacking = zlib.decompressobj(31)
        content = unpacking.decompress(content, limits.bytes)
        if unpacking.unconsumed_tail:
            raise PictureError("file too large", f"more than {limits.bytes:,} bytes unpacked")
    two = content[4:8] == b"n+2\x00"
    image: Any = (nibabel.Nifti2Image if two else nibabel.Nifti1Image).from_bytes(content)  # pyright: ignore
    shape: tuple[int, ...] = tuple(image.shape)
    if math.prod(shape) > limits.pixels or math.prod(shape) * 4 > limits.bytes:
        raise PictureError("too many pixels", f"{shape}, at most {limits.pixels:,}")
    values: NDArray[Any] = np.asarray(image.dataobj, dtype=np.float32)
    while values.ndim > 3 and values.shape[-1] == 1:
        values = values[..., 0]
    axes = (2, 1, 0, *range(3, values.ndim))
    return sample_of(values.transpose(axes) if values.ndim > 2 else values.T,
                     "volume" if values.ndim > 2 else "picture", "NIFTI")  # fmt: skip


def decode_dicom(content: bytes, limits: Limits) -> Decoded:
    """A picture, or of several frames a volume; rescaled by slope and intercept where given.

    Raises:
        PictureError: it is broken, has no pixels or too many, or pydicom is not installed.
    """
    try:
        import pydicom
        from pydicom.pixels.processing import apply_rescale
    except ImportError as error:
        raise PictureError("DICOM files " + _WAY_OUT.format("pydicom"), str(error)) from error
    dataset: Any = pydicom.dcmread(io.BytesIO(content))
    if "Rows" not in dataset:
        raise PictureError("a DICOM file without pixels")
    frames = int(dataset.get("NumberOfFrames", 1) or 1)
    samples = int(dataset.get("SamplesPerPixel", 1))
    count = int(dataset.Rows) * int(dataset.Columns) * frames * samples
    if count > limits.pixels or count * 4 > limits.bytes:
        raise PictureError("too many pixels", f"{count:,}, at most {limits.pixels:,}")
    values: NDArray[Any] = dataset.pixel_array
    if "RescaleSlope" in dataset and samples == 1:
        values = np.asarray(apply_rescale(values, dataset), np.float32)
    if dataset.get("PhotometricInterpretation") == "MONOCHROME1":
        values = values.max() - values  # its lowest values are white
    return sample_of(values, "volume" if frames > 1 else "picture", "DICOM")
