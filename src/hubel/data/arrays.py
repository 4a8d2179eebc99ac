"""Arrays of NumPy as samples: which kind of sample an array is, and what becomes of its values.

| axes | becomes |
|---|---|
| (t,) | a signal |
| (a, b) | a signal of b channels where b is at most 4 and a at least 32, a grey picture otherwise |
| (a, b, c) | a picture of c channels where c is at most 4, a volume otherwise |
| (d, h, w, c) | a volume of c channels |

`kind` settles the others: (t, c) as a signal, (h, w, c) as a picture, (d, h, w) as a volume.
Truth values, uint8 and uint16 stay whole numbers; everything else becomes float32, in its units.
"""

from __future__ import annotations

import io
import math
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from hubel.data.form import Decoded, Depth, Form, Kind, Limits, Seen
from hubel.errors import PictureError

__all__ = ["MAGIC", "array_header", "decode_array", "sample_of"]

MAGIC = b"\x93NUMPY"

_FEW, _SHORTEST = 4, 32
_AXES: dict[Kind, tuple[int, int]] = {"signal": (1, 2), "picture": (2, 3), "volume": (3, 4)}


def decode_array(content: bytes, limits: Limits, kind: Kind | None = None) -> Decoded:
    """The sample in the bytes of a `.npy` file.

    Args:
        content: the bytes.
        limits: values and bytes that are allowed; the header is held against them first.
        kind: what it is; the rule above decides where it is None.

    Raises:
        PictureError: it is no array of numbers, has other axes, or is cut off.
    """
    shape, fortran, dtype, start = _header(content, limits)
    count = math.prod(shape)
    if len(content) - start < count * dtype.itemsize:
        raise PictureError("broken or truncated", f"{count:,} values of {dtype} are announced")
    flat = np.frombuffer(content, dtype, count, start)
    values = flat.reshape(shape[::-1]).T if fortran else flat.reshape(shape)
    return sample_of(values, kind, "NPY")


def sample_of(values: NDArray[Any], kind: Kind | None, form: str) -> Decoded:
    """An array of numbers as a sample, by the rule above.

    Raises:
        PictureError: it has other axes, is empty, or has no finite value.

    Example:
        >>> sample_of(np.zeros((500, 2)), None, "NPY").kind
        'signal'
        >>> sample_of(np.zeros((32, 32, 5)), "picture", "NPY").form
        Form(kind='picture', depth='float32', channels=5, alpha=False)
    """
    found = _form(values.shape, values.dtype, kind)
    values = _values(values)
    if values.dtype == np.float32 and not np.isfinite(values).any():
        raise PictureError("no value is a finite number")
    if values.ndim == _AXES[found.kind][0] and found.kind != "picture":
        values = values[..., None]
    if found.kind == "picture" and values.shape[2:] == (1,):
        values = values[..., 0]
    planes = values.shape[0] if found.kind == "volume" else 1
    return Decoded(np.ascontiguousarray(values), found.mode, form, planes)


def array_header(content: bytes, kind: Kind | None = None) -> Seen:
    """What the header of a `.npy` file says.

    Raises:
        PictureError: as `decode_array`.
    """
    shape, _, dtype, _ = _header(content, Limits())
    form = _form(shape, dtype, kind)
    sides = shape[: _AXES[form.kind][0]]
    if form.kind == "signal":
        return Seen(sides[0], 1, form.mode, 1, "NPY")
    planes = sides[0] if form.kind == "volume" else 1
    return Seen(sides[-1], sides[-2], form.mode, planes, "NPY")


def _header(content: bytes, limits: Limits) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
    stream = io.BytesIO(content)
    try:
        version = npy.read_magic(stream)
        read = {(1, 0): npy.read_array_header_1_0}.get(version, npy.read_array_header_2_0)
        shape, fortran, dtype = read(stream)
    except Exception as error:  # foreign bytes
        raise PictureError("broken or truncated", f"{type(error).__name__}: {error}") from error
    if dtype.hasobject or dtype.kind not in "buif":
        raise PictureError("an array of no plain numbers", str(dtype))
    count = math.prod(shape)
    if count > limits.pixels * 4 or count * dtype.itemsize > limits.bytes:
        raise PictureError("too many pixels", f"{shape}, at most {limits.pixels:,}")
    return shape, fortran, dtype, stream.tell()


def _form(shape: tuple[int, ...], dtype: np.dtype[Any], kind: Kind | None) -> Form:
    if math.prod(shape) == 0 or not shape:
        raise PictureError("an array without values", f"shape {shape}")
    kind = kind or _kind(shape)
    fewest, most = _AXES[kind]
    if not fewest <= len(shape) <= most:
        raise PictureError(f"an array of {len(shape)} axes is no {kind}", f"shape {shape}")
    channels = shape[-1] if len(shape) == most else 1
    depth: Depth = "float32"
    if dtype.kind == "b" or dtype == np.uint8:
        depth = "uint8"
    elif dtype.kind == "u" and dtype.itemsize == 2:
        depth = "uint16"
    return Form(kind, depth, channels)


def _kind(shape: tuple[int, ...]) -> Kind:
    few = shape[-1] <= _FEW
    rules: dict[int, Kind] = {
        1: "signal",
        2: "signal" if few and shape[0] >= _SHORTEST else "picture",
        3: "picture" if few else "volume",
        4: "volume",
    }
    if len(shape) not in rules:
        raise PictureError(f"an array of {len(shape)} axes is no sample", f"shape {shape}")
    return rules[len(shape)]


def _values(values: NDArray[Any]) -> NDArray[Any]:
    if values.dtype.kind == "b":
        return values.astype(np.uint8) * 255
    if values.dtype.kind == "u" and values.dtype.itemsize <= 2:
        return values.astype(f"uint{8 * values.dtype.itemsize}")
    with np.errstate(over="ignore"):
        return values.astype(np.float32)
