"""Random changes: what each setting may do, what it must leave alone, what its draws depend on."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from hubel.data.augment import Augmentation, Key, augment, mix

SIDE = 16
ALL = Augmentation(flip=True, shift=0.2, zoom=0.4, aspect=0.3, color=0.3, erase=0.3)
ON: dict[str, Any] = {
    "flip": True,
    "shift": 0.25,
    "zoom": 0.4,
    "aspect": 0.3,
    "color": 0.3,
    "erase": 0.25,
}
MIXING = ("mixup", "cutmix")


def pictures(count: int, channels: int = 3, side: int = SIDE) -> Tensor:
    draws = torch.Generator().manual_seed(count)
    found = torch.randn(count, channels, side, side, generator=draws)
    return found.contiguous(memory_format=torch.channels_last)


def key(count: int, epoch: int = 0, seed: int = 0, first: int = 0) -> Key:
    samples = np.arange(first, first + count, dtype=np.int64)
    return Key(seed, np.full(count, epoch, np.int64), samples)


def ramps(count: int) -> Tensor:
    """Channel 0 is the column, channel 1 the row, in pixels."""
    places = torch.arange(SIDE, dtype=torch.float32)
    rows, columns = torch.meshgrid(places, places, indexing="ij")
    return torch.stack([columns, rows]).expand(count, 2, SIDE, SIDE).clone()


def test_every_setting_is_looked_at_here() -> None:
    assert {field.name for field in fields(Augmentation)} == {*ON, *MIXING}


def test_off_means_off() -> None:
    x = pictures(5)
    assert torch.equal(augment(x, key(5), Augmentation(), (SIDE, SIDE)), x)


@pytest.mark.parametrize("name", ON)
@pytest.mark.parametrize("channels", [1, 3])
def test_each_setting_changes_something_and_nothing_of_the_input(name: str, channels: int) -> None:
    x = pictures(8, channels)
    before = x.clone()
    changed = augment(x, key(8), Augmentation(**{name: ON[name]}), (SIDE, SIDE))
    assert not torch.allclose(changed, before)
    assert torch.equal(x, before)
    assert torch.isfinite(changed).all()


@pytest.mark.parametrize("size", [(8, 8), (16, 16), (11, 23), (1, 1)])
@pytest.mark.parametrize("how", [Augmentation(), ALL], ids=["off", "all"])
def test_the_result_has_the_size_that_was_asked_for(
    size: tuple[int, int], how: Augmentation
) -> None:
    found = augment(pictures(3), key(3), how, size)
    assert found.shape == (3, 3, *size)
    assert found.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("how", [Augmentation(), Augmentation(flip=True, shift=0.2, zoom=0.4)])
@pytest.mark.parametrize("size", [(8, 8), (23, 11)])
def test_resampling_leaves_a_picture_of_one_shade_alone(
    how: Augmentation, size: tuple[int, int]
) -> None:
    found = augment(torch.full((4, 3, SIDE, SIDE), 0.75), key(4), how, size)
    torch.testing.assert_close(found, torch.full((4, 3, *size), 0.75))


@pytest.mark.parametrize("epoch", [0, 1, 6])
def test_a_picture_is_seen_both_ways_in_any_two_epochs(epoch: int) -> None:
    x, how = pictures(64), Augmentation(flip=True)
    one, two = (augment(x, key(64, e), how, (SIDE, SIDE)) for e in (epoch, epoch + 1))
    torch.testing.assert_close(one.flip(3), two, rtol=0, atol=1e-5)
    straight = ((one - x).abs().amax((1, 2, 3)) < 1e-5).sum().item()
    mirrored = ((one - x.flip(3)).abs().amax((1, 2, 3)) < 1e-5).sum().item()
    assert straight + mirrored == 64
    assert 16 < straight < 48


def test_a_shift_moves_whole_pixels_and_borders_reflect() -> None:
    count, most = 300, 3
    x = pictures(1).expand(count, 3, SIDE, SIDE)
    found = augment(x, key(count), Augmentation(shift=most / SIDE), (SIDE, SIDE)).numpy()
    margin = [(0, 0), (most, most), (most, most)]
    padded = np.pad(pictures(1)[0].numpy(), margin, mode="symmetric")
    offsets = [(down, across) for down in range(2 * most + 1) for across in range(2 * most + 1)]
    moved = np.stack([padded[:, d : d + SIDE, a : a + SIDE] for d, a in offsets])
    apart = abs(found[:, None] - moved[None]).max((2, 3, 4))
    assert (apart.min(1) < 1e-4).all()
    assert len(set(apart.argmin(1).tolist())) > 40  # of 49: all ways, not one of them


@pytest.mark.parametrize("how", [Augmentation(zoom=0.5), Augmentation(zoom=0.5, aspect=0.4)])
def test_a_crop_lies_inside_and_keeps_its_share_of_the_area(how: Augmentation) -> None:
    found = augment(ramps(500), key(500), how, (SIDE, SIDE)).numpy()
    assert found.min() >= -1e-4
    assert found.max() <= SIDE - 1 + 1e-4
    middle = slice(4, 12)
    wide = np.diff(found[:, 0, :, middle], axis=2).mean((1, 2))
    high = np.diff(found[:, 1, middle, :], axis=1).mean((1, 2))
    assert ((wide > 0) & (wide <= 1 + 1e-4) & (high > 0) & (high <= 1 + 1e-4)).all()
    # A window that would be longer than the picture is as long as it, so a little area is lost.
    assert (wide * high >= (1 - how.zoom) * np.exp(-how.aspect / 2) - 1e-3).all()
    assert (abs(np.log(wide / high)) <= how.aspect + 1e-3).all()
    assert (wide * high).min() < 0.6
    assert (wide * high).max() > 0.9


def test_colour_moves_all_pixels_of_one_shade_alike_and_not_too_far() -> None:
    found = augment(torch.zeros(300, 3, SIDE, SIDE), key(300), Augmentation(color=0.2), (16, 16))
    shade = found[:, 0, 0, 0]
    assert torch.equal(found, shade[:, None, None, None].expand_as(found))
    assert shade.abs().max() <= 0.2
    assert shade.min() < -0.15
    assert shade.max() > 0.15


def test_colour_leaves_grey_pictures_grey() -> None:
    x = pictures(20, channels=1).expand(20, 3, SIDE, SIDE)
    found = augment(x, key(20), Augmentation(color=0.5), (SIDE, SIDE))
    torch.testing.assert_close(found, found[:, :1].expand_as(found))


def test_colour_keeps_the_order_of_shades() -> None:
    x = pictures(20, channels=1)
    found = augment(x, key(20), Augmentation(color=0.5), (SIDE, SIDE))
    order = x.flatten(1).argsort(1)
    assert (found.flatten(1).gather(1, order).diff(dim=1) >= -1e-5).all()


def test_a_square_is_made_grey_and_nothing_else() -> None:
    count, side = 300, 4
    x = torch.ones(count, 3, SIDE, SIDE)
    found = augment(x, key(count), Augmentation(erase=side / SIDE), (SIDE, SIDE))
    grey = (found == 0).all(1)
    assert torch.equal(found, torch.where(grey[:, None], 0.0, 1.0).expand_as(found))
    rows, columns = grey.any(2), grey.any(1)
    assert torch.equal(grey, rows[:, :, None] & columns[:, None, :])
    for edge in (rows, columns):
        assert (edge.sum(1) == side).all()
        assert ((edge[:, 1:] != edge[:, :-1]).sum(1) <= 2).all()
        assert edge.any(0).all()  # every place is reached


@settings(max_examples=30)
@given(
    st.lists(st.integers(0, 10**9), min_size=1, max_size=9, unique=True),
    st.integers(0, 9),
    st.randoms(),
)
def test_a_sample_is_changed_alike_alone_and_in_any_batch(
    samples: list[int], epoch: int, draws: Any
) -> None:
    x = pictures(len(samples))
    numbers, epochs = np.array(samples, np.int64), np.full(len(samples), epoch, np.int64)
    together = augment(x, Key(7, epochs, numbers), ALL, (12, 12))
    order = list(range(len(samples)))
    draws.shuffle(order)
    shuffled = augment(x[order], Key(7, epochs, numbers[order]), ALL, (12, 12))
    torch.testing.assert_close(shuffled, together[order], rtol=0, atol=1e-6)
    for place in order[:3]:
        one = Key(7, epochs[:1], numbers[place : place + 1])
        alone = augment(x[place : place + 1], one, ALL, (12, 12))
        torch.testing.assert_close(alone[0], together[place], rtol=0, atol=1e-6)


@pytest.mark.parametrize("other", [key(8, seed=1), key(8, epoch=2), key(8, first=100)])
def test_another_seed_epoch_or_sample_draws_otherwise(other: Key) -> None:
    x = pictures(8)
    first = augment(x, key(8), ALL, (SIDE, SIDE))
    assert torch.equal(augment(x, key(8), ALL, (SIDE, SIDE)), first)
    apart = (augment(x, other, ALL, (SIDE, SIDE)) - first).abs().amax((1, 2, 3))
    assert (apart > 0.01).all()


def pure(count: int) -> tuple[Tensor, Tensor]:
    """Pictures whose channel c is 1 where the class is c: their mean is their target."""
    y = torch.nn.functional.one_hot(torch.arange(count) % 4, 4).float()
    return y[:, :, None, None].expand(count, 4, SIDE, SIDE).clone(), y


MIXES = [Augmentation(mixup=0.4), Augmentation(cutmix=1.0), Augmentation(mixup=1.0, cutmix=0.5)]


@pytest.mark.parametrize("how", MIXES)
@pytest.mark.parametrize("step", range(12))
def test_targets_are_mixed_in_the_share_of_the_pixels(how: Augmentation, step: int) -> None:
    x, y = pure(9)
    mixed, targets = mix(x, y, how, 0, step)
    torch.testing.assert_close(mixed.mean((2, 3)), targets, rtol=0, atol=1e-5)
    torch.testing.assert_close(targets.sum(1), torch.ones(9), rtol=0, atol=1e-6)
    assert ((targets >= 0) & (targets <= 1)).all()
    again = mix(x, y, how, 0, step)
    assert torch.equal(again[0], mixed)
    assert torch.equal(again[1], targets)
    assert torch.equal(x, pure(9)[0])


def test_mixing_off_means_off() -> None:
    x, y = pure(3)
    assert mix(x, y, ALL, 0, 0) == (x, y)


def kinds(how: Augmentation, steps: int = 60) -> dict[str, int]:
    x, y = pure(8)
    found = {"blended": 0, "cut": 0}
    for step in range(steps):
        mixed, _ = mix(x, y, how, 0, step)
        blended = ((mixed > 1e-6) & (mixed < 1 - 1e-6)).any()
        found["blended" if blended else "cut"] += 1
    return found


def test_mixup_blends_cutmix_cuts_and_both_take_turns() -> None:
    assert kinds(Augmentation(cutmix=1.0)) == {"blended": 0, "cut": 60}
    assert kinds(Augmentation(mixup=1.0))["blended"] > 55
    both = kinds(Augmentation(mixup=1.0, cutmix=1.0))
    assert 15 < both["cut"] < 45


def test_a_cut_is_one_box() -> None:
    x = torch.stack([torch.zeros(1, SIDE, SIDE), torch.ones(1, SIDE, SIDE)])
    y = torch.eye(2)
    areas = []
    for step in range(40):
        mixed, targets = mix(x, y, Augmentation(cutmix=1.0), 0, step)
        box = (mixed[0, 0] == 1).numpy()
        np.testing.assert_array_equal(box, box.any(1)[:, None] & box.any(0)[None, :])
        assert targets[0, 1].item() == pytest.approx(box.mean(), abs=1e-6)
        areas.append(box.mean())
    assert len(set(areas)) > 10
