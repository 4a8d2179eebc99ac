"""Which other inputs a network takes: found by arithmetic, agreeing with the modules themselves."""

from __future__ import annotations

import pytest
import torch
from hypothesis import assume, given, settings

from hubel.models.notation import NotationError, build, check, fixed_size, smallest_side
from tests.models.notation.lines import networks, plain_networks

Shape = tuple[int, ...]


@pytest.mark.parametrize(
    ("line", "side"),
    [
        ("gap fc", 1),
        ("conv3x3(8) gap fc", 1),
        ("conv3x3(8, valid) gap fc", 3),
        ("[conv3x3(8) maxpool2]*5 gap fc", 32),
        ("patch16(8) gap fc", 16),
        ("conv3x3/2(8) blurpool2 gap fc", 3),
        # 6 becomes 3, which the two branches halve to 2 and 1; 4 becomes 1, which `in` refuses.
        ("maxpool2 branches(maxpool2(ceil=yes) | maxpool2) in gap fc", 8),
    ],
)
def test_the_smallest_side_fits_and_one_less_does_not(line: str, side: int) -> None:
    assert smallest_side(line, 3, 2) == side
    assert build(line, (3, side, side), 4).eval()(torch.zeros(2, 3, side, side)).shape == (2, 4)
    if side > 1:
        with pytest.raises(NotationError):
            check(line, (3, side - 1, side - 1))


def test_what_no_side_mends_is_told_as_it_is() -> None:
    with pytest.raises(NotationError, match="conv takes 3 channels, which groups=2 doesn't divide"):
        smallest_side("conv3(8, groups=2) gap fc", 3, 1)


@pytest.mark.parametrize(
    ("line", "fixed"),
    [
        ("conv3(8) gap fc", False),
        ("conv3(8) flatten fc", True),
        ("conv3(8) flatten", False),
        ("conv3(8) flatten relu scale(1)", True),
        ("conv3(8) adaptiveavgpool7 flatten fc fc", False),
        ("patch4(8) attention(2) gap fc", False),
        ("patch4(8) positions gap fc", True),
        ("patch4(8) attention(2) grid conv3(8) gap fc", True),
        ("patch4(8) classtoken first fc", False),
        ("residual(conv3(3)) branches(flatten | gap) fc", True),
        ("branches(gmp | gap) fc", False),
        ("tokens fc(8) flatten fc", True),
        ("adaptivemaxpool4 tokens positions grid gap fc", False),
    ],
)
def test_a_size_is_fixed_by_what_is_learned_for_it(line: str, fixed: bool) -> None:
    assert fixed_size(line) == fixed


@settings(max_examples=80, deadline=None)
@given(network=networks(axes=1) | plain_networks(axes=1))
def test_fixed_size_agrees_with_the_weights(network: tuple[str, Shape]) -> None:
    line, (channels, side) = network
    larger = (channels, side + 12)  # beyond every stride that is drawn
    try:
        check(line, larger, 5)
    except NotationError:
        assume(False)
    with torch.device("meta"):
        first, second = (build(line, shape, 5) for shape in ((channels, side), larger))
    same = [p.shape for p in first.parameters()] == [p.shape for p in second.parameters()]
    assert same or fixed_size(line)
    if fixed_size(line):
        return
    assert first(torch.empty(2, *larger, device="meta")).shape[0] == 2
