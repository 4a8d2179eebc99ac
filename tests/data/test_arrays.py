"""Arrays as samples: the rule of axes, the depth that is kept, bounds before values are read."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.lib import format as npy

from hubel.data.arrays import MAGIC, array_header, sample_of
from hubel.data.decode import decode
from hubel.data.form import Form, Limits
from hubel.errors import PictureError


def saved(values: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, values, allow_pickle=True)
    return stream.getvalue()


RULE = [
    ((50,), None, "signal", 1),
    ((50, 2), None, "signal", 2),
    ((50, 40), None, "picture", 1),
    ((50, 40, 3), None, "picture", 3),
    ((50, 40, 4), None, "picture", 4),
    ((50, 40, 5), None, "volume", 1),
    ((8, 9, 10, 7), None, "volume", 7),
    ((50, 12), "signal", "signal", 12),
    ((50, 40, 13), "picture", "picture", 13),
    ((50, 40, 3), "volume", "volume", 1),
    ((50, 3), "picture", "picture", 1),
]


@pytest.mark.parametrize(("shape", "asked", "kind", "channels"), RULE)
def test_the_axes_tell_the_kind_and_the_user_may_say_otherwise(
    shape: tuple[int, ...], asked: Any, kind: str, channels: int
) -> None:
    content = saved(np.ones(shape, np.uint8))
    found = decode(content, kind=asked)
    assert (found.kind, found.form.channels, found.format) == (kind, channels, "NPY")
    header = array_header(content, asked)
    assert (header.width, header.height) == (found.width, found.height)
    assert (header.mode, header.frames) == (found.mode, found.frames)


DEPTHS = [
    ("?", "uint8"), ("u1", "uint8"), ("<u2", "uint16"), (">u2", "uint16"), ("i1", "float32"),
    ("<i2", "float32"), ("<u4", "float32"), ("<i8", "float32"), ("<f2", "float32"),
    (">f4", "float32"), ("<f8", "float32"),
]  # fmt: skip


@pytest.mark.parametrize(("dtype", "depth"), DEPTHS)
@pytest.mark.parametrize("order", ["C", "F"])
def test_values_keep_their_units(dtype: str, depth: str, order: Any) -> None:
    values = np.array(np.arange(30).reshape(5, 6) % 2, dtype, order=order)
    found = decode(saved(values))
    assert found.values.dtype == found.form.depth == depth
    scale = 255 if dtype == "?" else 1
    np.testing.assert_array_equal(found.values, values.astype(np.float64) * scale)


@given(st.binary(max_size=80))
def test_any_bytes_after_the_mark_are_a_sample_or_a_picture_error(noise: bytes) -> None:
    for content in (MAGIC + noise, saved(np.ones((9, 9)))[: len(noise)] + noise):
        try:
            found = decode(content)
        except PictureError:
            continue
        assert found.values.size > 0


def announced(shape: tuple[int, ...]) -> bytes:
    stream = io.BytesIO()
    npy.write_array_header_1_0(stream, {"descr": "<f4", "fortran_order": False, "shape": shape})
    return stream.getvalue()


REFUSED = [
    (saved(np.array([{}, 1], object)), "an array of no plain numbers"),
    (saved(np.ones(4, np.complex64)), "an array of no plain numbers"),
    (saved(np.array(["a", "b"])), "an array of no plain numbers"),
    (saved(np.ones((2, 2, 2, 2, 2))), "an array of 5 axes is no sample"),
    (saved(np.float32(1)), "an array without values"),
    (saved(np.ones((0, 9))), "an array without values"),
    (saved(np.full((9, 9), np.nan)), "no value is a finite number"),
    (saved(np.ones((90, 90)))[:-1], "broken or truncated"),
    (announced((1 << 40,)), "too many pixels"),
    (MAGIC + b"\x01\x00", "broken or truncated"),
]


@pytest.mark.parametrize(("content", "reason"), REFUSED)
def test_what_is_no_sample_is_named(content: bytes, reason: str) -> None:
    with pytest.raises(PictureError, match=reason):
        decode(content)


def test_a_kind_needs_its_axes() -> None:
    with pytest.raises(PictureError, match="an array of 2 axes is no volume"):
        decode(saved(np.ones((9, 9))), kind="volume")
    with pytest.raises(PictureError, match="too many pixels"):
        decode(saved(np.ones((9, 9))), Limits(pixels=20))


@pytest.mark.parametrize("mode", ["L", "I;16", "F", "RGB", "RGBA", "LA", "RGBA;16"])
def test_a_mode_gives_its_form_back(mode: str) -> None:
    form = Form.of_mode(mode)
    assert form.kind == "picture"
    counted = Form(form.kind, form.depth, form.channels)
    assert Form.of_mode(counted.mode) == counted


def test_a_truth_value_is_black_or_white() -> None:
    assert sample_of(np.array([[True] * 9] * 9), None, "NPY").values.tolist() == [[255] * 9] * 9
