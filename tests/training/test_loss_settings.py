"""Settings of the losses and penalties: what they do without is refused, and a run goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from hubel.data.preprocess import Preprocess
from hubel.errors import RecipeError
from hubel.training.choices import LOSSES, OPTIMIZERS
from hubel.training.plan import Plan
from hubel.training.rules import Facts, resolve
from hubel.training.trainer import Trainer
from tests.training.small import go_on, make_trainer, outcome, start

FACTS = Facts(70_000, Preprocess(height=32, width=32), torch.device("cpu"), "no GPU is there")
ONE_SIZE = {"resolutions": ((1.0, 1.0),)}

IDLE = [
    ({"margin": 2.0}, "margin has no effect with loss 'cross_entropy'; .* take hinge or crammer"),
    ({"squared": True, "loss": "focal"}, "squared has no effect with loss 'focal'"),
    ({"focal_gamma": 1.0}, "focal_gamma has no effect with loss 'cross_entropy'; .* take focal"),
    ({"label_smoothing": 0.1, "loss": "hinge"}, "label_smoothing has no effect with loss 'hinge'"),
    (
        {"balance": "logit-adjust", "loss": "hinge"},
        "balance logit-adjust has no meaning with loss 'hinge': it shifts the logits of cross_ent",
    ),
    ({"effective_beta": 0.9}, "effective_beta has no effect with balance 'none'"),
    (
        {"effective_beta": 0.9, "balance": "sampler"},
        "effective_beta has no effect with balance 'sampler'; .* give --balance weights",
    ),
    (
        {"effective_beta": 0.0, "balance": "weights"},
        "balance weights has no effect with effective_beta 0, .* leave both out",
    ),
    ({"optimizer": "muon", "model": "linear"}, "optimizer muon has no effect with model 'linear'"),
]


@pytest.mark.parametrize(("chosen", "message"), IDLE, ids=[next(iter(c)) for c, _ in IDLE])
def test_a_setting_without_effect_is_refused(chosen: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        resolve(chosen, FACTS)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("setting", ["margin", "squared", "focal_gamma", "label_smoothing"])
def test_a_loss_takes_the_settings_that_it_says(loss: str, setting: str) -> None:
    values = {"margin": 2.0, "squared": True, "focal_gamma": 1.0, "label_smoothing": 0.2}
    chosen = {"loss": loss, setting: values[setting]}
    if setting in LOSSES[loss].settings:
        recipe, settings = resolve(chosen, FACTS)
        assert (getattr(recipe, setting), settings[setting].set_by) == (values[setting], "user")
    else:
        with pytest.raises(RecipeError, match=f"{setting} has no effect with loss '{loss}'"):
            resolve(chosen, FACTS)


def test_what_smooths_no_labels_has_its_smoothing_taken_off_by_rule() -> None:
    setting = resolve({"loss": "hinge"}, FACTS)[1]["label_smoothing"]
    assert (setting.value, setting.set_by) == (0.0, "rule")
    assert resolve({}, FACTS)[1]["label_smoothing"].set_by == "default"


def test_a_penalty_that_makes_zeros_is_not_averaged_away() -> None:
    assert resolve({"l1": 1e-4}, FACTS)[0].averaging == 0.0
    assert resolve({"l1": 1e-4, "averaging": 0.1}, FACTS)[0].averaging == 0.1


def test_the_rate_of_a_squared_hinge_is_one_that_holds() -> None:
    chosen = {"loss": "hinge", "squared": True, "model": "linear", "batch_size": 256}
    assert resolve(chosen, FACTS)[0].lr == pytest.approx(1 / 3072)
    assert resolve(chosen | {"optimizer": "adamw"}, FACTS)[0].lr == pytest.approx(0.002)
    deep = resolve({"loss": "hinge", "squared": True, "batch_size": 256}, FACTS)[0]
    assert deep.lr == pytest.approx(0.04)


CHANGES: list[dict[str, Any]] = [
    *({"loss": loss} for loss in sorted(set(LOSSES) - {"cross_entropy"})),
    *({"optimizer": name} for name in ("rmsprop", "adam", "muon")),
    {"loss": "hinge", "squared": True, "margin": 0.5},
    {"balance": "weights"},
    {"balance": "sampler", "monitor": "macro_f1"},
    {"balance": "logit-adjust", "monitor": "last"},
    {"l1": 0.01},
]


@pytest.mark.parametrize("settings", CHANGES, ids=str)
def test_resume_is_bit_exact_whatever_is_chosen(settings: dict[str, Any], tmp_path: Path) -> None:
    trainer = make_trainer(**settings)
    journey = start(trainer, tmp_path / "whole")
    start(make_trainer(**settings), tmp_path / "halves", stop=5)
    assert outcome(*go_on(tmp_path / "halves", **settings)) == outcome(trainer, journey)


# The rate of 52 pictures: at the one of 8, 150 steps are few.
PLAIN: dict[str, Any] = {"mixup": 0.0, "cutmix": 0.0, "erase": 0.0, "zoom": 0.0, "color": 0.0,
                         "averaging": 0.0, "batch_size": 52}  # fmt: skip


def losses_of(trainer: Trainer) -> tuple[float, float]:
    """The validation loss before the first step, and after 150 of 8 pictures."""
    before, plan = trainer.validate(1.0)[0], Plan.of(150)
    for step in range(plan.steps):
        trainer.step(trainer.task.train.batch(step), step, plan)
    return before, trainer.validate(1.0)[0]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_small_training_improves_with_each_optimizer(optimizer: str) -> None:
    before, after = losses_of(make_trainer(optimizer=optimizer, **PLAIN))
    assert after < 0.95 * before


@pytest.mark.parametrize("model", ["convnet", "linear"])
@pytest.mark.parametrize("loss", LOSSES)
def test_a_small_training_improves_with_each_loss(loss: str, model: str) -> None:
    settings = PLAIN | (ONE_SIZE if model == "linear" else {})
    before, after = losses_of(make_trainer(model, loss=loss, **settings))
    assert after < 0.8 * before


@pytest.mark.parametrize("loss", ["hinge", "crammer_singer", "one_vs_rest"])
def test_a_squared_hinge_improves_a_linear_classifier(loss: str) -> None:
    before, after = losses_of(make_trainer("linear", loss=loss, squared=True, **PLAIN, **ONE_SIZE))
    assert after < 0.8 * before


def test_an_l1_penalty_makes_exact_zeros(tmp_path: Path) -> None:
    settings = PLAIN | ONE_SIZE | {"weight_decay": 0.0}
    trainer = make_trainer("linear", l1=0.05, **settings)
    start(trainer, tmp_path / "l1")
    weights = trainer.final_module().get_parameter("fc.weight")
    plain = make_trainer("linear", **settings)
    start(plain, tmp_path / "plain")
    assert (weights == 0).double().mean() > 0.3
    assert (plain.final_module().get_parameter("fc.weight") == 0).sum() == 0
    assert trainer.validate(1.0).metrics["val_accuracy"] == 1.0
