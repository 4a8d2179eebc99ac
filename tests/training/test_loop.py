"""Laws of the loop: where it was stopped leaves no trace, and what is kept is always good."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from hubel.errors import DivergedError
from hubel.models.architecture import NETWORKS
from hubel.training.checkpoints import Checkpoints
from hubel.training.loop import Controls, Journey, fit, resume_journey
from hubel.training.plan import learning_rate
from hubel.training.trainer import Trainer
from tests.training.small import (
    EPOCHS,
    STEPS,
    Dropping,
    Failing,
    go_on,
    make_trainer,
    outcome,
    start,
    stop_after,
)

ROOT = Path(__file__).parents[2]

Ended = tuple[Trainer, Journey]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    threads = torch.get_num_threads()
    trainer = make_trainer()
    journey = start(trainer, tmp_path_factory.mktemp("whole"))
    torch.set_num_threads(threads)
    assert journey.step == STEPS
    return trainer, journey


@pytest.mark.parametrize("workers", [0, 1, 3])
@pytest.mark.parametrize("step", range(STEPS + 1))
def test_resume_is_bit_exact_at_every_step(
    uninterrupted: Ended, step: int, workers: int, tmp_path: Path
) -> None:
    journey = start(make_trainer(workers=3 - workers), tmp_path, stop=step)
    assert journey.step == step
    resumed = go_on(tmp_path, workers=workers)
    assert outcome(*resumed) == outcome(*uninterrupted)


def test_resuming_after_each_single_step_is_bit_exact(uninterrupted: Ended, tmp_path: Path) -> None:
    start(make_trainer(), tmp_path, stop=0)
    for step in range(1, STEPS + 1):
        checkpoint = Checkpoints(tmp_path).load()
        assert checkpoint is not None
        trainer = make_trainer(look=False)
        journey = resume_journey(trainer, checkpoint)
        controls = Controls(stop=stop_after(journey, step))
        fit(trainer, journey, Checkpoints(tmp_path), controls, None)
    assert journey.finished
    assert outcome(trainer, journey) == outcome(*uninterrupted)


@pytest.mark.parametrize(("step", "workers"), [(1, 3), (7, 0)])
def test_resume_in_another_process_is_bit_exact(
    uninterrupted: Ended, step: int, workers: int, tmp_path: Path
) -> None:
    start(make_trainer(), tmp_path / "checkpoints", stop=step)
    found = tmp_path / "found.safetensors"
    module = [sys.executable, "-m", "tests.training.small"]
    command = [*module, str(tmp_path / "checkpoints"), str(found), str(workers)]
    subprocess.run(command, cwd=ROOT, check=True)
    trainer, _ = uninterrupted
    tensors = load_file(found)
    assert tensors.keys() == trainer.tensors().keys()
    differing = [k for k, v in trainer.tensors().items() if not torch.equal(v, tensors[k])]
    assert differing == []


@pytest.mark.parametrize(
    "settings",
    [
        {"optimizer": "adamw"},
        {"optimizer": "sgd"},
        {"optimizer": "momentum"},
        {"averaging": 0.0},
        {"resolutions": ((1.0, 1.0),)},
        {"seed": 7, "warmup": 0.0, "final_lr": 0.3},
        {"precision": "bfloat16"},
    ],
    ids=",".join,
)
def test_resume_is_bit_exact_under_every_optimizer_and_law(
    settings: dict[str, Any], tmp_path: Path
) -> None:
    trainer = make_trainer(**settings)
    journey = start(trainer, tmp_path / "whole")
    start(make_trainer(**settings), tmp_path / "halves", stop=5)
    assert outcome(*go_on(tmp_path / "halves", **settings)) == outcome(trainer, journey)


def test_the_linear_network_resumes_bit_exact(tmp_path: Path) -> None:
    one_size = {"resolutions": ((1.0, 1.0),)}
    trainer = make_trainer("linear", **one_size)
    journey = start(trainer, tmp_path / "whole")
    start(make_trainer("linear", **one_size), tmp_path / "halves", stop=8)
    assert outcome(*go_on(tmp_path / "halves", "linear", **one_size)) == outcome(trainer, journey)


@pytest.mark.parametrize("step", [0, 3, 6, 7, 12])
def test_a_network_that_draws_in_its_forward_pass_resumes_bit_exact(
    step: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(NETWORKS, "dropping", lambda _: Dropping())
    trainer = make_trainer("dropping")
    journey = start(trainer, tmp_path / "whole")
    start(make_trainer("dropping"), tmp_path / "halves", stop=step)
    torch.rand(step + 1)  # whoever else draws changes nothing
    assert outcome(*go_on(tmp_path / "halves", "dropping")) == outcome(trainer, journey)


def test_another_seed_is_another_training(uninterrupted: Ended, tmp_path: Path) -> None:
    trainer = make_trainer(seed=1)
    bits, _ = outcome(trainer, start(trainer, tmp_path))
    assert bits["module/head.weight"] != outcome(*uninterrupted)[0]["module/head.weight"]


def test_checkpoints_on_the_way_change_nothing(uninterrupted: Ended, tmp_path: Path) -> None:
    trainer = make_trainer()
    seen: list[int] = []
    journey = start(
        trainer, tmp_path, seconds_between=-1.0, on_checkpoint=lambda j: seen.append(j.step)
    )
    assert outcome(trainer, journey) == outcome(*uninterrupted)
    assert seen == [*range(STEPS + 1), STEPS]
    assert [path.name for path in sorted(tmp_path.iterdir())] == [
        f"step-{STEPS - 1:010d}",
        f"step-{STEPS:010d}",
    ]


def test_there_is_one_row_of_results_an_epoch(uninterrupted: Ended) -> None:
    trainer, journey = uninterrupted
    recipe = trainer.recipe
    assert recipe.lr is not None
    assert [row["epoch"] for row in journey.rows] == list(range(1, EPOCHS + 1))
    for row, last in zip(journey.rows, [6, STEPS - 1], strict=True):
        rate = learning_rate(journey.plan.progress(last), recipe.warmup, recipe.final_lr)
        assert row["lr"] == recipe.lr * rate
        names = ["epoch", "seconds", "train_loss", "val_loss", "val_accuracy", "lr"]
        assert list(row) == [*names, "val_balanced_accuracy", "val_macro_f1"]
    clock = [0.0, *(row["seconds"] for row in journey.rows), round(journey.seconds, 2)]
    assert clock == sorted(clock)


def test_training_learns_what_is_easy(tmp_path: Path) -> None:
    plain = {"mixup": 0.0, "cutmix": 0.0, "erase": 0.0, "zoom": 0.0, "averaging": 0.0, "lr": 0.3}
    trainer = make_trainer(**plain)
    journey = start(trainer, tmp_path)
    assert journey.rows[-1]["train_loss"] < journey.rows[0]["train_loss"]
    assert journey.rows[-1]["val_accuracy"] == 1.0


@pytest.mark.parametrize(
    ("how", "message", "named"),
    [
        ("scores", "the loss became nan at step 5 of 13; try a lower --lr", 5),
        ("gradients", "the largest weight became nan at step 5 of 13; try a lower --lr", 5),
        ("validation", "the validation loss became nan at step 6 of 13; try a lower --lr", 6),
    ],
)
def test_what_is_no_number_names_its_step_and_leaves_a_good_checkpoint(
    how: str, message: str, named: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(NETWORKS, "failing", lambda _: Failing(how, 5))
    with pytest.raises(DivergedError, match=message) as caught:
        start(make_trainer("failing"), tmp_path, seconds_between=-1.0)
    assert caught.value.step == named
    kept = Checkpoints(tmp_path).load()
    assert kept is not None
    assert kept.step == named
    assert all(torch.isfinite(value).all() for value in kept.tensors.values())


def test_the_checkpoint_before_a_loss_that_is_no_number_is_of_the_steps_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(NETWORKS, "failing", lambda _: Failing("scores", 5))
    with pytest.raises(DivergedError, match="at step 5 of 13"):
        start(make_trainer("failing"), tmp_path / "failed", seconds_between=-1.0)
    stopped = make_trainer("failing")
    start(stopped, tmp_path / "stopped", stop=5)
    kept = Checkpoints(tmp_path / "failed").load()
    assert kept is not None
    assert kept.tensors.keys() == stopped.tensors().keys()
    differing = [k for k, v in stopped.tensors().items() if not torch.equal(v, kept.tensors[k])]
    assert differing == []


def test_a_rate_beyond_reason_diverges(tmp_path: Path) -> None:
    with pytest.raises(DivergedError, match=r"step \d+ of 13; try a lower --lr \(it was 1e\+30\)"):
        start(make_trainer(lr=1e30), tmp_path)
    kept = Checkpoints(tmp_path).load()
    assert kept is not None
    assert kept.step == 0
