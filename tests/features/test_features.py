"""What holds for every feature that there is."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from hubel.errors import FeatureError
from hubel.features.colour.histogram import histogram
from hubel.features.composed.scaling import unit
from hubel.features.feature import FeatureModule
from hubel.features.gradients.hog import hog
from hubel.features.notation import FEATURES, parse
from hubel.features.pixels import Pixels, pixels
from hubel.features.texture.lbp import lbp

EVERY = [
    "pixels(side=8)",
    "hog(cell=4)",
    "hog(cell=5, block=3, stride=2, signed=yes, convention=skimage)",
    "hog(cell=4, gamma=yes, norm=L1-sqrt)",
    "histogram",
    "histogram(space=hue, bins=12)",
    "histogram(space=lab, bins=3x4x5, soft=yes)",
    "histogram(space=opponent, bins=4)",
    "histogram(space=grey)",
    "histogram(space=channels, bins=5, soft=yes)",
    "lbp",
    "lbp(points=6, radius=1.5, method=ror, cell=7)",
    "words(words=7)",
    "words(words=7, side=8, of=hog, count=hard)",
    "pyramid(histogram(space=hue), levels=2)",
    "pyramid(words(words=5), levels=2)",
    "standard(hog(cell=8))",
    "unit(lbp)",
    "unit(histogram) + standard(hog(cell=6)) + lbp",
]
every = pytest.mark.parametrize("text", EVERY)


def pictures(n: int = 6, seed: int = 0, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    draws = torch.Generator().manual_seed(seed)
    return torch.rand(n, 3, 24, 27, generator=draws, dtype=dtype)


def fitted(text: str, seed: int = 3, dtype: torch.dtype = torch.float32) -> FeatureModule:
    train = pictures(12, seed=1, dtype=dtype)
    return parse(text).build((3, 24, 27)).to(dtype).fit(train, seed)


# Divided by a deviation, the rounding of float32 grows; in float64 it can't hide anything.
DEVIATED = [text for text in EVERY if "standard" in text]
CLOSE = [
    *((text, torch.float32, 1e-6) for text in EVERY if text not in DEVIATED),
    *((text, torch.float64, 1e-9) for text in EVERY),
]
close = pytest.mark.parametrize(("text", "dtype", "within"), CLOSE)


@every
def test_sizes_are_known_before_anything_is_computed(text: str) -> None:
    found = fitted(text)(pictures())
    assert found.shape == (6, parse(text).size((3, 24, 27)))
    assert found.isfinite().all()


@close
def test_each_picture_is_described_by_itself(text: str, dtype: torch.dtype, within: float) -> None:
    module, images = fitted(text, dtype=dtype), pictures(dtype=dtype)
    alone = torch.cat([module(one) for one in images.split(1)])
    torch.testing.assert_close(module(images), alone, atol=within, rtol=within)


def test_standard_magnifies_the_rounding_of_its_feature_by_its_scale_alone() -> None:
    module, images = fitted("standard(hog(cell=8))"), pictures()
    apart = module(images) - torch.cat([module(one) for one in images.split(1)])
    assert (apart / module.get_buffer("scale")).abs().max() < 1e-6


@every
def test_what_is_learnt_is_saved_and_has_no_parameters(text: str, tmp_path: Path) -> None:
    module = fitted(text)
    assert list(module.parameters()) == []
    save_file(dict(module.state_dict()), tmp_path / "it.safetensors")
    again = parse(text).build((3, 24, 27))
    again.load_state_dict(load_file(tmp_path / "it.safetensors"))
    assert torch.equal(again(pictures()), module(pictures()))


@every
def test_the_same_seed_learns_the_same(text: str) -> None:
    assert torch.equal(fitted(text)(pictures()), fitted(text)(pictures()))


@every
def test_pictures_are_left_as_they_were(text: str) -> None:
    images = pictures()
    fitted(text)(images)
    assert torch.equal(images, pictures())


@close
def test_pieces_change_nothing(
    text: str, dtype: torch.dtype, within: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, images = fitted(text, dtype=dtype), pictures(dtype=dtype)
    whole = module(images)
    monkeypatch.setattr("torch.get_num_threads", lambda: 1e-9)
    torch.testing.assert_close(module(images), whole, atol=within, rtol=within)


HALVES = pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)


def odd_pictures(dtype: torch.dtype) -> torch.Tensor:
    """Noise, black, white and one grey, where quotients are of nothing by nothing."""
    flat = [torch.full((1, 3, 24, 27), grey) for grey in (0.0, 1.0, 0.5)]
    return torch.cat([pictures(), *flat]).to(dtype)


@HALVES
@every
def test_pictures_of_sixteen_bits_are_described_as_in_single_precision(
    text: str, dtype: torch.dtype
) -> None:
    module, images = fitted(text), odd_pictures(dtype)
    found = module(images)
    assert found.dtype == dtype
    assert found.isfinite().all()
    wanted = module(images.float())
    step = torch.finfo(dtype)
    torch.testing.assert_close(
        found.float(), wanted, rtol=step.eps, atol=step.smallest_normal * step.eps
    )


@HALVES
@every
def test_what_is_learnt_from_sixteen_bits_is_what_single_precision_learns(
    text: str, dtype: torch.dtype
) -> None:
    halves = pictures(12, seed=1).to(dtype)
    one, other = (parse(text).build((3, 24, 27)).fit(x, 3) for x in (halves, halves.float()))
    assert torch.equal(one(pictures()), other(pictures()))


@HALVES
@pytest.mark.parametrize("compute", [hog, histogram, lbp, pixels])
def test_functions_take_sixteen_bits_as_modules_do(
    compute: Callable[[torch.Tensor], torch.Tensor], dtype: torch.dtype
) -> None:
    images = odd_pictures(dtype)
    found = compute(images)
    assert found.isfinite().all()
    assert torch.equal(found, compute(images.float()).to(dtype))


@HALVES
def test_nothing_has_no_length_in_sixteen_bits_either(dtype: torch.dtype) -> None:
    vectors = torch.tensor([[0.0, 0.0], [300.0, 400.0]], dtype=dtype)
    wanted = torch.tensor([[0.0, 0.0], [0.6, 0.8]], dtype=dtype)
    assert torch.equal(unit(vectors), wanted)


@pytest.mark.parametrize("text", [text for text in EVERY if re.search("words|standard", text)])
def test_what_was_learnt_in_single_precision_serves_double(text: str) -> None:
    module = fitted(text)
    found = module(pictures().double())
    assert found.dtype == torch.float64
    torch.testing.assert_close(found.float(), module(pictures()), atol=1e-4, rtol=1e-4)


@every
def test_a_batch_without_pictures_has_no_vectors_of_the_known_size(text: str) -> None:
    module = fitted(text)
    assert module(pictures()[:0]).shape == (0, module.size)


def test_every_feature_that_is_registered_is_tested() -> None:
    names = {word for text in EVERY for word in re.findall(r"[a-z]+", text)}
    assert names >= FEATURES.keys()


@every
def test_black_and_white_pictures_have_finite_features_and_gradients(text: str) -> None:
    images = torch.cat([torch.zeros(1, 3, 24, 27), torch.ones(1, 3, 24, 27)]).requires_grad_()
    found = fitted(text)(images)
    assert found.isfinite().all()
    if found.requires_grad:
        found.sum().backward()
        assert images.grad is not None
        assert images.grad.isfinite().all()


DIFFERENTIABLE = [
    *(f"hog(cell=4, norm={norm}, convention={c})"
      for norm in ("L1", "L2", "L2-Hys") for c in ("opencv", "skimage")),
    "hog(cell=4, signed=yes)",
    "hog(cell=4, signed=yes, convention=skimage)",
    "hog(cell=4, norm=L1-sqrt, gamma=yes, block=1, orientations=2, convention=skimage)",
    "histogram(space=hsv, bins=3, soft=yes)",
    "histogram(space=lab, bins=3, soft=yes)",
    "histogram(space=opponent, bins=3, soft=yes)",
    "histogram(space=channels, bins=4, soft=yes)",
    "words(words=4, side=3)",
    "unit(standard(hog(cell=4)) + pyramid(histogram(space=grey, soft=yes), levels=2))",
]  # fmt: skip


@pytest.mark.parametrize("text", DIFFERENTIABLE)
def test_derivatives_are_those_of_the_function(text: str) -> None:
    draws = torch.Generator().manual_seed(5)
    images = torch.rand(1, 3, 8, 9, generator=draws, dtype=torch.float64) * 0.9 + 0.05
    train = torch.rand(20, 3, 8, 9, generator=draws, dtype=torch.float64)
    module = parse(text).build((3, 8, 9)).double().fit(train)
    assert torch.autograd.gradcheck(module, images.requires_grad_(), eps=1e-7, atol=1e-4)


@pytest.mark.parametrize("text", ["lbp", "histogram", "words(words=4, side=3, count=hard)"])
def test_counts_are_steps_and_pass_no_gradient(text: str) -> None:
    found = parse(text).build((3, 24, 27)).fit(pictures())(pictures().requires_grad_())
    assert not found.requires_grad


@pytest.mark.parametrize(
    ("text", "shape", "message"),
    [
        ("hog", (1, 15, 40), r"a block needs pictures of at least 16 x 16 pixels.*15 x 40"),
        ("lbp(radius=3)", (1, 6, 9), "a ring needs pictures of at least 7 x 7 pixels"),
        ("lbp(cell=8)", (1, 7, 9), "a cell needs pictures of at least 8 x 8"),
        ("words", (3, 5, 9), "a word needs pictures of at least 6 x 6"),
        ("histogram", (1, 8, 8), "hsv is of pictures of 3 channels .* have 1: take space=channels"),
        ("histogram(space=grey)", (2, 8, 8), "grey is of pictures of 3 channels"),
        ("histogram", (3, 0, 8), "pictures of 0 x 8 pixels have no colours"),
        ("pyramid(hog, levels=2)", (1, 30, 30), "a window of 2 levels on 30 x 30 .* fewer levels"),
    ],
)
def test_pictures_unfit_for_a_feature_are_told_so(
    text: str, shape: tuple[int, int, int], message: str
) -> None:
    with pytest.raises(FeatureError, match=message):
        parse(text).build(shape)


@pytest.mark.parametrize("text", ["hog", "histogram(space=grey)", "lbp"])
def test_what_is_no_batch_of_pictures_is_told_so(text: str) -> None:
    module = parse(text).build((1, 32, 32))
    with pytest.raises(FeatureError, match=r"shape \(n, c, h, w\), not torch.uint8"):
        module(torch.zeros(2, 1, 32, 32, dtype=torch.uint8))


@pytest.mark.parametrize(
    ("text", "message"), [("words", "learnt no words yet"), ("standard(lbp)", "learnt no means")]
)
def test_a_feature_that_has_learnt_nothing_says_so(text: str, message: str) -> None:
    with pytest.raises(FeatureError, match=f"{message}.*call fit"):
        parse(text).build((3, 24, 27))(pictures())


def test_too_few_patches_for_the_words_are_told_so() -> None:
    with pytest.raises(FeatureError, match="200 visual words can't be learnt from 1 different"):
        parse("words").build((1, 8, 8)).fit(torch.zeros(2, 1, 8, 8))


@given(side=st.integers(1, 40), limit=st.integers(1, 40), channels=st.sampled_from([1, 3]))
def test_pixels_keep_the_mean_of_a_picture_that_divides_evenly(
    side: int, limit: int, channels: int
) -> None:
    images = torch.rand(2, channels, side, side, dtype=torch.float64)
    found = Pixels(side=limit).build((channels, side, side))(images)
    assert found.shape == (2, Pixels(side=limit).size((channels, side, side)))
    if side % min(side, limit) == 0:
        assert found.mean(1).numpy() == pytest.approx(images.mean((1, 2, 3)).numpy())


def test_pixels_of_small_pictures_are_their_own_numbers() -> None:
    images = torch.rand(2, 3, 8, 8)
    assert torch.equal(parse("pixels").build((3, 8, 8))(images), images.flatten(1))
    with pytest.raises(FeatureError, match="pixels: side must be a whole number of at least 1"):
        Pixels(side=0)
