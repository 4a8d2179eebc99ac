"""A task that trains in a blink: 52 pictures of 12 x 12 px in batches of 8, every draw in use."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from hubel.data.batches import Batches
from hubel.data.pixels import Pixels
from hubel.data.preprocess import Preprocess
from hubel.models.architecture import Architecture
from hubel.training.checkpoints import Checkpoints
from hubel.training.loop import Controls, Journey, fit, resume_journey
from hubel.training.plan import Plan
from hubel.training.rules import Facts, resolve
from hubel.training.trainer import Task, Trainer

CPU = torch.device("cpu")
SIDE = 12
PREPROCESS = Preprocess(height=SIDE, width=SIDE, mean=(0.4, 0.3, 0.3), std=(0.2, 0.2, 0.2))
TRAIN, VAL, BATCH, EPOCHS = 52, 9, 8, 2
STEPS = 13

DRAWS: dict[str, Any] = {
    "mixup": 0.4,
    "cutmix": 1.0,
    "erase": 0.4,
    "color": 0.3,
    "zoom": 0.3,
    "averaging": 0.3,
    "batch_size": BATCH,
    "epochs": EPOCHS,
    "resolutions": ((0.5, 0.7), (1.0, 1.0)),
}


def samples(count: int, first: int) -> tuple[Pixels, Any]:
    """Noise whose red part tells the class."""
    targets = np.arange(first, first + count, dtype=np.int64) % 2
    draws = np.random.default_rng(first)
    pixels = draws.integers(0, 120, (count, SIDE, SIDE, 3), dtype=np.uint8)
    pixels[..., 0] += (targets * 120).astype(np.uint8)[:, None, None]
    places = np.stack([np.zeros(count, np.int64), np.arange(count, dtype=np.int64)], 1)
    return Pixels((pixels,), places), targets


def make_task(name: str = "convnet", seed: int = 0) -> Task:
    """The task for a network of `NETWORKS`."""
    options = {"widths": [8]} if name == "convnet" else {}
    architecture = Architecture(
        name=name, in_channels=3, num_classes=2, image_size=(SIDE, SIDE), options=options
    )
    pixels, targets = samples(TRAIN, 0)
    return Task(
        architecture, PREPROCESS, Batches(pixels, targets, BATCH, seed), *samples(VAL, TRAIN)
    )


def make_trainer(name: str = "convnet", *, look: bool = True, **settings: Any) -> Trainer:
    """A trainer whose settings are resolved as in a run."""
    torch.set_num_threads(1)
    facts = Facts(TRAIN, PREPROCESS, CPU, "no GPU is there")
    known = "convnet" if name != "linear" else name
    recipe, _ = resolve({"model": known, "workers": 0, **DRAWS, **settings}, facts)
    return Trainer(make_task(name, recipe.seed), recipe, CPU, look=look)


def stop_after(journey: Journey, step: int) -> Callable[[], bool]:
    """Asked before each step; True once `step` steps were made."""
    return lambda: journey.step >= step


def start(trainer: Trainer, folder: Path, stop: int | None = None, **controls: Any) -> Journey:
    """Train from the beginning, up to `stop` steps."""
    journey = Journey(Plan.of(trainer.task.train.steps(EPOCHS)))
    asked = stop_after(journey, journey.plan.steps if stop is None else stop)
    fit(trainer, journey, Checkpoints(folder), Controls(stop=asked, **controls), None)
    return journey


def go_on(folder: Path, name: str = "convnet", **settings: Any) -> tuple[Trainer, Journey]:
    """Train to the end from the newest checkpoint, with new objects."""
    checkpoint = Checkpoints(folder).load()
    assert checkpoint is not None
    trainer = make_trainer(name, look=False, **settings)
    journey = resume_journey(trainer, checkpoint)
    fit(trainer, journey, Checkpoints(folder), Controls(), None)
    return trainer, journey


def outcome(trainer: Trainer, journey: Journey) -> tuple[dict[str, bytes], list[dict[str, float]]]:
    """Every bit of the tensors, the best epoch's too, and the results without the clock."""
    kept = {} if journey.kept is None else journey.kept.tensors()
    tensors = trainer.tensors() | kept
    bits = {name: value.contiguous().numpy().tobytes() for name, value in tensors.items()}
    rows = [{k: v for k, v in row.items() if k != "seconds"} for row in journey.rows]
    return bits, rows


class Dropping(nn.Module):
    """A network that draws random numbers in its forward pass."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(12, 16), nn.ReLU(), nn.Dropout(0.5)
        )
        self.head = nn.Linear(16, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.layers(x))


class Failing(nn.Module):
    """A network that goes wrong at one call: its scores, its gradients, or its validation."""

    def __init__(self, how: str, call: int) -> None:
        super().__init__()
        self.how, self.call = how, call
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))
        self.bias = nn.Parameter(torch.zeros(2))
        self.zero = nn.Parameter(torch.zeros(2, 2))

    def forward(self, x: Tensor) -> Tensor:
        assert isinstance(self.calls, Tensor)
        scores = x.mean((1, 2, 3))[:, None] * self.bias + self.bias
        now = bool(self.calls == self.call)
        if not self.training:
            return scores * float("nan") if self.how == "validation" else scores
        self.calls += 1
        if now and self.how == "scores":
            return scores * float("nan")
        if now and self.how == "gradients":  # the slope of a root at zero, times zero
            return scores + (self.zero - self.zero.detach()).sqrt().sum() * 0
        return scores + self.zero.sum()


def main(folder: str, target: str, workers: str) -> None:
    """Go on in this process, and leave the tensors in a file."""
    trainer, journey = go_on(Path(folder), workers=int(workers))
    assert journey.finished
    save_file({k: v.contiguous() for k, v in trainer.tensors().items()}, target)


if __name__ == "__main__":
    main(*sys.argv[1:])
