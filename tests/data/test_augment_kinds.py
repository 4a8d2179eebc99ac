"""Random changes of signals and volumes: what may move, what must stay, what draws depend on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from hubel.data.augment import Augmentation, Key, augment, mix

SIZES = {"signal": (40,), "volume": (8, 10, 12)}
ON: dict[str, Any] = {"flip": True, "shift": 0.25, "zoom": 0.5, "color": 0.3, "erase": 0.5}
every_size = pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)


def samples(count: int, size: tuple[int, ...], channels: int = 2) -> Tensor:
    return torch.randn(count, channels, *size, generator=torch.Generator().manual_seed(count))


def key(count: int, epoch: int = 0, first: int = 0) -> Key:
    numbers = np.arange(first, first + count, dtype=np.int64)
    return Key(0, np.full(count, epoch, np.int64), numbers)


@every_size
def test_off_means_off(size: tuple[int, ...]) -> None:
    x = samples(5, size)
    assert torch.equal(augment(x, key(5), Augmentation(), size), x)


@every_size
@pytest.mark.parametrize("name", ON)
def test_each_setting_changes_something_and_nothing_of_the_input(
    size: tuple[int, ...], name: str
) -> None:
    x = samples(8, size)
    before = x.clone()
    found = augment(x, key(8), Augmentation(**{name: ON[name]}), size)
    assert found.shape == x.shape
    assert not torch.equal(found, x)
    assert torch.equal(x, before)


@every_size
def test_a_draw_depends_on_seed_epoch_and_sample_alone(size: tuple[int, ...]) -> None:
    x, how = samples(6, size), Augmentation(**ON)
    whole = augment(x, key(6), how, size)
    parts = [augment(x[n : n + 1], key(1, first=n), how, size) for n in range(6)]
    torch.testing.assert_close(torch.cat(parts), whole)
    assert not torch.equal(augment(x, key(6, epoch=2), how, size), whole)


@every_size
def test_a_shift_moves_by_whole_positions_and_loses_no_value_in_the_middle(
    size: tuple[int, ...],
) -> None:
    x = torch.zeros(9, 1, *size)
    x[(slice(None), 0, *(side // 2 for side in size))] = 1
    found = augment(x, key(9), Augmentation(shift=0.2), size)
    torch.testing.assert_close(found.flatten(1).sum(1), torch.ones(9), atol=1e-4, rtol=0)
    torch.testing.assert_close(found.flatten(1).amax(1), torch.ones(9), atol=1e-4, rtol=0)
    for axis in range(2, x.ndim):
        others = [n for n in range(1, x.ndim) if n != axis]
        places = {int(row.argmax()) for row in found.sum(others)}
        assert len(places) > 1
        assert max(abs(place - x.shape[axis] // 2) for place in places) <= 0.2 * x.shape[axis] + 0.5


@every_size
def test_a_flip_turns_the_last_axis_by_turns(size: tuple[int, ...]) -> None:
    x, how = samples(7, size), Augmentation(flip=True)
    two = [augment(x, key(7, epoch), how, size) for epoch in (0, 1)]
    for sample in range(7):
        turned = [torch.allclose(one[sample], x[sample].flip(-1), atol=1e-4) for one in two]
        same = [torch.allclose(one[sample], x[sample], atol=1e-4) for one in two]
        assert sorted(turned) == sorted(same) == [False, True]


@every_size
def test_a_gain_is_one_factor_a_sample(size: tuple[int, ...]) -> None:
    x = samples(7, size)
    factors = (augment(x, key(7), Augmentation(color=0.2), size) / x).flatten(1)
    assert (factors - factors[:, :1]).abs().max() < 1e-4
    assert factors[:, 0].std() > 0.01
    assert ((factors - 1).abs() <= 0.2 + 1e-4).all()


@every_size
def test_an_erased_part_has_the_side_that_is_set(size: tuple[int, ...]) -> None:
    found = augment(torch.ones(9, 1, *size), key(9), Augmentation(erase=0.5), size)
    share = (found == 0).float().flatten(1).mean(1)
    assert ((share - 0.5 ** len(size)).abs() < 0.1).all()


@every_size
@pytest.mark.parametrize("name", ["mixup", "cutmix"])
def test_targets_are_mixed_as_the_samples_are(size: tuple[int, ...], name: str) -> None:
    x = torch.arange(6.0).reshape(6, 1, *[1] * len(size)).expand(6, 1, *size)
    mixed, targets = mix(x, torch.eye(6), Augmentation(**{name: 1.0}), 0, 3)
    expected = targets @ torch.arange(6.0)
    torch.testing.assert_close(mixed.flatten(1).mean(1), expected, atol=1e-4, rtol=0)
