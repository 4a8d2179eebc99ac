"""One network being trained: its weights, their average, its optimizer, and one step of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from hubel.data.augment import Key, augment, mix
from hubel.data.batches import Batch, Batches
from hubel.data.keyed import generator, permutation
from hubel.data.pixels import Pixels
from hubel.data.preprocess import Preprocess
from hubel.evaluation.labelling import MULTI_LABEL, SINGLE_LABEL, Labelling
from hubel.models.architecture import Architecture
from hubel.training.averaging import WeightAverage
from hubel.training.losses import Loss, make_loss
from hubel.training.optimizers import Optimizer
from hubel.training.plan import Plan, learning_rate, resolution
from hubel.training.recipe import Recipe
from hubel.training.selection import Answers
from hubel.training.sharpness import climb

__all__ = ["Task", "Trainer", "Validation", "logits_of"]

_FIRST_LOOK = 1_000_000
_EVALUATION_BATCH = 256

Size = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be learned, from which samples.

    Attributes:
        architecture: of the network.
        preprocess: from stored pixels to its input.
        train: the training batches.
        val_pixels, val_targets: the validation samples and their targets: class indices, int64,
            (n,), or one column a class, uint8, (n, classes), where a sample may have several.
    """

    architecture: Architecture
    preprocess: Preprocess
    train: Batches
    val_pixels: Pixels
    val_targets: NDArray[Any]

    @property
    def labelling(self) -> Labelling:
        """How many labels a sample has."""
        return MULTI_LABEL if self.val_targets.ndim == 2 else SINGLE_LABEL


class Validation(NamedTuple):
    """One look at the validation samples.

    Attributes:
        loss: the mean.
        metrics: by column of `results.csv`.
        answers: to each; None where a sample may have several labels.
    """

    loss: float
    metrics: dict[str, float]
    answers: Answers | None


class Trainer:
    """Holds all that training changes, and makes one step at a time.

    Args:
        task: what to learn.
        recipe: how; every setting resolved.
        device: where.
        look: let the network set from the data what it takes from them; not needed when its
            weights are restored.
    """

    def __init__(
        self, task: Task, recipe: Recipe, device: torch.device, *, look: bool = True
    ) -> None:
        self.task = task
        self.recipe = recipe
        self.device = device
        self.layout = task.architecture.memory_format
        self.module = task.architecture.build(recipe.seed, fetch=look)
        if look:
            self._look_at_data()
        self.module.to(device, memory_format=self.layout)  # pyright: ignore[reportCallIssue]
        self.optimizer = Optimizer(self.module, recipe)
        self.average = WeightAverage(self.module)
        self.shipped: dict[str, Tensor] | None = None  # those of an earlier epoch, once chosen
        self.loss = self._make_loss(recipe, device)
        self._forward: Callable[[Tensor], Tensor] = (
            torch.compile(self.module) if recipe.compile else self.module
        )

    def step(self, batch: Batch, step: int, plan: Plan) -> Tensor:
        """Train on one batch; returns the mean loss, not yet waited for."""
        progress = plan.progress(step)
        self.module.train()
        # Dropout and the like draw from here: a function of the step, so that resuming is exact.
        seed = int(generator(self.recipe.seed, "torch", step).integers(1 << 62))
        torch.manual_seed(seed)
        images, targets = self._input(batch, step, progress)
        loss = self._backward(images, targets)
        if self.recipe.sam_radius:
            torch.manual_seed(seed)
            with climb(self.module, self.recipe.sam_radius):
                self._backward(images, targets)
        assert self.recipe.lr is not None
        rate = learning_rate(progress, self.recipe.warmup, self.recipe.final_lr)
        self.optimizer.step(self.recipe.lr * rate)
        if self.recipe.averaging:
            self.average.update(self.module, step, self.recipe.averaging * plan.steps)
        return loss

    def size_at(self, progress: float) -> Size:
        """The size of the training samples at a point of the training.

        With buckets, that of the network's nominal input, which all of them follow.
        """
        return self._scaled(self.task.preprocess.size, progress)

    def is_full_size(self, progress: float) -> bool:
        """Whether pictures have their full size at a point of the training."""
        return self.size_at(progress) == self.task.preprocess.size

    def twin(self) -> Trainer:
        """Another trainer that stands where this one stands."""
        other = Trainer(self.task, self.recipe, self.device, look=False)
        other.restore(self.tensors())
        return other

    def final_module(self) -> nn.Module:
        """A copy of the network with the weights that would be shipped now, on the CPU."""
        module = self.task.architecture.build(self.recipe.seed, fetch=False)
        module.load_state_dict(self.weights() if self.shipped is None else self.shipped)
        return module.to(memory_format=self.layout).eval()  # pyright: ignore[reportCallIssue]

    def weights(self) -> dict[str, Tensor]:
        """A copy of what would be shipped now, averaged where the recipe says so, on the CPU."""
        source = self.average.tensors if self.recipe.averaging else self.module.state_dict()
        return {name: value.detach().cpu().clone() for name, value in source.items()}

    def validate(self, progress: float) -> Validation:
        """Mean loss, metrics and answers on the validation samples, of the averaged weights.

        The loss is the one that is trained, without label smoothing.
        At the resolution that training has at that point: before the last, the network has not
        seen pictures of full size.
        """
        module = self.final_module().to(self.device)
        logits = self.logits(
            module, self.task.val_pixels, lambda full: self._scaled(full, progress)
        )
        scores = torch.from_numpy(logits)
        targets = torch.from_numpy(self.task.val_targets)
        loss = self._make_loss(replace(self.recipe, label_smoothing=0.0))(scores, targets).item()
        truth = self.task.val_targets
        metrics = self.task.labelling.watch(truth, logits)
        if truth.ndim == 2:
            return Validation(loss, metrics, None)
        answers = Answers.of(scores, truth)
        of_classes = {
            f"val_{name}": answers.value(name) for name in ("balanced_accuracy", "macro_f1")
        }
        return Validation(loss, metrics | of_classes, answers)

    def logits(
        self, module: nn.Module, pixels: Pixels, scaled: Callable[[Size], Size] = lambda full: full
    ) -> NDArray[np.float32]:
        """The scores that a `final_module` gives stored samples: (n, classes).

        Args:
            module: on the trainer's device.
            pixels: of the samples.
            scaled: the size to bring the input to, from its own.
        """
        preprocess = self.task.preprocess
        return logits_of(module, pixels, preprocess, self.device, scaled, self.layout)

    def tensors(self) -> dict[str, Tensor]:
        """All that training has changed, by name."""
        parts: dict[str, dict[str, Tensor]] = {
            "module": dict(self.module.state_dict()),
            "average": self.average.tensors,
            "optimizer": self.optimizer.tensors(),
        }
        return {f"{part}/{name}": v for part, named in parts.items() for name, v in named.items()}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """The inverse of `tensors`."""

        def part(name: str) -> dict[str, Tensor]:
            found = (key for key in tensors if key.startswith(name + "/"))
            return {key.removeprefix(name + "/"): tensors[key] for key in found}

        self.module.load_state_dict(part("module"))
        self.average.load(part("average"))
        self.optimizer.load(part("optimizer"))

    def _look_at_data(self) -> None:
        """Let the network set what it takes from the data (a whitening stem)."""
        look: Any = getattr(self.module, "init_from_data", None)
        if look is not None:
            enough = max(256, _FIRST_LOOK // math.prod(self.task.preprocess.size))
            order = permutation(self.recipe.seed, 0, self.task.train.count)[:enough]
            pixels = torch.from_numpy(_middles(self.task.train.pixels.select(order)))
            look(self.task.preprocess.tensor(pixels))

    def _scaled(self, full: Size, progress: float) -> Size:
        """The size at a point of the training, of samples that end with `full`."""
        assert self.recipe.resolutions is not None
        smallest = self.task.architecture.smallest_side
        return resolution(progress, self.recipe.resolutions, full, smallest)

    def _input(self, batch: Batch, step: int, progress: float) -> tuple[Tensor, Tensor]:
        recipe = self.recipe
        pixels = torch.from_numpy(batch.pixels).to(self.device)
        targets = torch.from_numpy(batch.targets).to(self.device)
        key = Key(recipe.seed, batch.epochs, batch.indices)
        size = self._scaled(batch.pixels.shape[1:-1], progress)
        images = augment(
            self.task.preprocess.tensor(pixels), key, recipe.augmentation, size
        ).contiguous(memory_format=self.layout)
        if recipe.mixup or recipe.cutmix:
            if targets.ndim == 1:
                targets = functional.one_hot(targets, self.task.architecture.num_classes)
            return mix(images, targets.float(), recipe.augmentation, recipe.seed, step)
        return images, targets

    def _backward(self, images: Tensor, targets: Tensor) -> Tensor:
        """Leave the gradients in the parameters; returns the mean loss."""
        self.optimizer.zero_grad()
        with self._precision():
            scores = self._forward(images)
        loss = self.loss(scores.float(), targets)
        loss.backward()  # pyright: ignore[reportUnknownMemberType]
        return loss.detach()

    def _make_loss(self, recipe: Recipe, device: torch.device | None = None) -> Loss:
        num_classes = self.task.architecture.num_classes
        return make_loss(recipe, self.task.train.targets, num_classes).to(device)

    def _precision(self) -> AbstractContextManager[Any]:
        if self.recipe.precision == "bfloat16":
            return torch.autocast(self.device.type, torch.bfloat16)
        return nullcontext()


@torch.inference_mode()
def logits_of(
    module: nn.Module,
    pixels: Pixels,
    preprocess: Preprocess,
    device: torch.device,
    scaled: Callable[[Size], Size] = lambda full: full,
    layout: torch.memory_format = torch.channels_last,
) -> NDArray[np.float32]:
    """The scores of stored samples, in batches of one fixed size and of one shape each.

    Args:
        module: in evaluation mode, on the device.
        pixels: of the samples.
        preprocess: from them to its input.
        device: where.
        scaled: the size to bring the input to, from its own.
        layout: of the input in memory.

    Returns:
        float32, (n, classes).
    """
    parts: list[Tensor] = []
    places: list[NDArray[np.int64]] = []
    # Full float32, as prediction on a CPU has it: stored answers must not differ from later ones.
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        for indices in pixels.blocks(_EVALUATION_BATCH):
            images = preprocess.tensor(torch.from_numpy(pixels.take(indices)).to(device))
            full = tuple(images.shape[2:])
            size = scaled(full)
            if size != full:
                images = functional.interpolate(images, size, mode="bilinear", antialias=True)
            images = images.contiguous(memory_format=layout)
            parts.append(module(images).float().cpu())
            places.append(indices)
    found = torch.cat(parts).numpy()
    scores = np.empty_like(found)
    scores[np.concatenate(places)] = found
    return scores


def _middles(pixels: Pixels) -> NDArray[Any]:
    """The middle of each picture, cut to the sides that all have, in the order of their shapes."""
    if len(pixels.shapes) == 1:
        return pixels.take(np.arange(len(pixels), dtype=np.int64))
    height, width = (min(shape[axis] for shape in pixels.shapes) for axis in (0, 1))
    parts: list[NDArray[Any]] = []
    for indices in pixels.blocks(len(pixels)):
        found = pixels.take(indices)
        top, left = (found.shape[1] - height) // 2, (found.shape[2] - width) // 2
        parts.append(found[:, top : top + height, left : left + width])
    return np.concatenate(parts)
