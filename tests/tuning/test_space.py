"""The text of a space: what it means, how many settings it has, and where it is wrong."""

from __future__ import annotations

import math

import numpy as np
import optuna
import pytest

from hubel.models.notation.parser import parse
from hubel.tuning.space.errors import SpaceError
from hubel.tuning.space.space import DEFAULT_SPACE, Chance, parse_space

LINE = "model=[conv{3|5}x{same}({16..64*2}) bn relu]*{1..3} {maxpool2|blurpool2} gap fc"


def values(text: str, name: str) -> list[object]:
    return [settings[name] for _, settings in parse_space(text).all()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("optimizer=nesterov|adamw", ["nesterov", "adamw"]),
        ("batch_size=16..64*2", [16, 32, 64]),
        ("batch_size=16..64+16", [16, 32, 48, 64]),
        ("batch_size=2..4", [2, 3, 4]),
        ("momentum=0.5..0.9+0.2", [0.5, 0.7, 0.9]),
        ("flip=on|off", [True, False]),
        ("widths=8,8|16,16", [(8, 8), (16, 16)]),
        ("size=32|48x64", [(32, 32), (48, 64)]),
        ("model=convnet|timm:resnet18", ["convnet", "timm:resnet18"]),
        ("mixup=0|0.1|0.2", [0.0, 0.1, 0.2]),
        ("weight-decay=0.001", [0.001]),
        ("model=conv{k:3|5} bn conv{1|7}x{k} gap fc",
         ["conv3 bn conv1x3 gap fc", "conv3 bn conv7x3 gap fc", "conv5 bn conv1x5 gap fc",
          "conv5 bn conv7x5 gap fc"]),
        ("model=gap {bn|} fc", ["gap bn fc", "gap  fc"]),
        ("model=gap {dropout({0.1|0.2})|relu} fc",
         ["gap dropout(0.1) fc", "gap dropout(0.2) fc", "gap relu fc"]),
        ("model=residual(conv3x3({8|16}) | conv1x1({same})) gap fc",
         ["residual(conv3x3(8) | conv1x1(8)) gap fc",
          "residual(conv3x3(16) | conv1x1(16)) gap fc"]),
    ],
)  # fmt: skip
def test_a_small_space_written_out(text: str, expected: list[object]) -> None:
    assert values(text, parse_space(text).items[0][0]) == expected
    assert parse_space(text).count == len(expected)


def test_a_space_over_the_notation_holds_lines_that_can_be_read() -> None:
    space = parse_space(LINE)
    lines = [settings["model"] for _, settings in space.all()]
    assert len(set(lines)) == space.count == 2 * 3 * 3 * 2
    assert all(parse(line) for line in lines)


def test_a_hole_inside_an_alternative_is_drawn_where_that_is_taken() -> None:
    space = parse_space("mixup=0|log(0.1,1)")
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(20):
        trial = study.ask()
        off = space.draw(trial)["mixup"] == 0
        assert ("mixup.1" in trial.params) != off


def test_a_logarithmic_range_is_even_over_its_decades() -> None:
    space, chance = parse_space("lr=log(0.001,1)"), Chance(np.random.default_rng(0))
    drawn = [math.log10(space.draw(chance)["lr"]) for _ in range(3000)]
    counts, _ = np.histogram(drawn, 3, (-3, 0))
    assert counts.sum() == 3000
    assert counts.min() > 900


def test_a_number_between_whole_ends_is_no_whole_number_for_a_share() -> None:
    space = parse_space("mixup=0..1")
    assert space.count is None
    assert 0 < space.draw(Chance(np.random.default_rng(0)))["mixup"] < 1


def test_the_default_space_can_be_read() -> None:
    assert "lr" in parse_space(DEFAULT_SPACE).holes


def test_a_hyperparameter_is_called_by_its_text() -> None:
    space = parse_space(LINE)
    assert [space.label(name) for name in space.holes] == [
        "model {3|5}", "model {16..64*2}", "model {1..3}", "model {maxpool2|blurpool2}",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "marked", "message"),
    [
        ("", "", "the space is empty"),
        ("fast", "fast", "expected setting=values; as in lr"),
        ("lrr=1..2", "lrr", "no setting 'lrr' to search; did you mean lr?"),
        ("lr=1..2 epochs=3..4", "epochs", "epochs is the same in every trial"),
        ("epochs=1|2", "epochs", "can't be searched; give --epochs in place of it"),
        ("lr=0.1|0.2|0.3|0.4x", "0.4x", "lr: expected a number, got '0.4x'"),
        ("batch_size=1..1e9", "1", "batch_size: expected from 2 to 65536, got 1"),
        ("batch_size=8..1e9", "1e9", "batch_size: expected from 2 to 65536, got 1e+09"),
        ("mixup=0|log(0.1,1)|-0.1..0.5", "-0.1", "mixup: expected"),
        ("lr=0.1|", "|", "lr: expected a number, got ''"),
        ("size=32|{8|9}x{10|zz}", "zz", "size: expected"),
        ("lr=0.1..0.9+0.000001", "0.1..0.9+0.000001", "that is more than 1,000 values"),
        ("lr=1..2 lr=3..4", "lr", "lr is given twice"),
        ("lr=", "", "lr has no values"),
        ("lr=3..1", "3..1", "expected a low end below the high one, got 3 and 1"),
        ("lr=log(0,1)", "log(0,1)", "a logarithmic scale begins above 0, got 0"),
        ("batch_size=2..64*1", "2..64*1", "expected a factor above 1 from above 0, got 1"),
        ("batch_size=2..64+0", "2..64+0", "expected a step above 0, got 0"),
        ("optimizer=nesterov|adamv", "adamv", "optimizer: expected one of sgd"),
        ("lr=fast|slow", "fast", "lr: expected a number, got"),
        ("optimizer=sgd|sgd", "sgd", "'sgd' is given twice"),
        ("model=conv{3|5 gap fc", "{", "the '{' is never closed"),
        ("model=conv3) gap fc", ")", "there is no bracket that ')' belongs to"),
        ("model=conv{3} gap fc", "{3}", "neither alternatives, numbers, nor the name of a choice"),
        ("model={k:3} gap fc", "{k:3}", "a choice needs two alternatives"),
        ("model=conv{same} gap fc", "{same}", "there is no choice before {same}"),
        ("model=conv{kern:3|5}x{kerm} fc", "{kerm}", "did you mean kern?"),
        ("model={k:3|5} {k:1|2}", "{k:1|2}", "the name 'k' is taken; choose another"),
    ],
)
def test_what_is_wrong_is_said_and_marked(text: str, marked: str, message: str) -> None:
    with pytest.raises(SpaceError) as caught:
        parse_space(text)
    error = caught.value
    assert message in str(error)
    assert text[error.span.start : error.span.end] == marked
    lines = str(error).split("\n")
    assert lines[2].index("^") == 2 + error.position
