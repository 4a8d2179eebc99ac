"""The rules that fill in what the user left open, each with its reason."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import torch

from hubel.data.imbalance import UNBALANCED, Imbalance
from hubel.data.preprocess import Preprocess
from hubel.data.workers import workers_by_rule
from hubel.errors import RecipeError
from hubel.models.convnet import DEFAULT_WIDTHS, convnet_shape
from hubel.models.naming import Kind, kind_of
from hubel.models.registered import NETWORKS
from hubel.training.choices import (
    LOSSES,
    OPTIMIZERS,
    losses_of_several,
    losses_that_take,
)
from hubel.training.device import choose_device, supports_bfloat16
from hubel.training.kinds import change_rules, model_rule, refuse_for_kind, sample_rules
from hubel.training.losses import expect_several
from hubel.training.network import Rule, Wanted, network_rules
from hubel.training.recipe import Recipe, Setting

__all__ = ["Facts", "refuse_without_effect", "resolve"]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules look at.

    Attributes:
        pictures: in the training split.
        preprocess: of the data.
        device: chosen.
        device_why: the reason.
        num_classes: of the pictures.
        imbalance: of the training split; None where it is not known.
        task: `single-label` or `multi-label`.
    """

    pictures: int
    preprocess: Preprocess
    device: torch.device
    device_why: str
    num_classes: int = 2
    imbalance: Imbalance | None = None
    task: str = "single-label"

    @classmethod
    def of(
        cls,
        pictures: int,
        preprocess: Preprocess,
        device: str,
        num_classes: int = 2,
        imbalance: Imbalance | None = None,
    ) -> Facts:
        """The facts, with the device chosen by its name."""
        return cls(pictures, preprocess, *choose_device(device), num_classes, imbalance)


def resolve(chosen: dict[str, Any], facts: Facts) -> tuple[Recipe, dict[str, Setting]]:
    """A recipe with every setting decided.

    Args:
        chosen: what the user set, by name; it wins over every rule.
        facts: about data and machine.

    Returns:
        The recipe, and for each setting its value, who set it, and why.

    Raises:
        RecipeError: a setting that would have no effect, or is not possible here.
    """
    if chosen.get("device") == "auto":
        chosen = {name: value for name, value in chosen.items() if name != "device"}
    recipe = Recipe(**chosen)
    model = model_rule(recipe, chosen, facts.preprocess)
    recipe = replace(recipe, model=model[1]) if model else recipe
    several = facts.task == "multi-label"
    if several and "loss" not in chosen:
        recipe = replace(recipe, loss=losses_of_several()[0])
    refuse_without_effect(chosen, recipe)
    refuse_for_kind(chosen, facts.preprocess)
    if several:
        expect_several(recipe.loss)
        _expect_last(recipe)
    if recipe.batch_size is not None and recipe.batch_size > facts.pictures:
        raise RecipeError(
            f"batch_size: expected at most the {facts.pictures:,} pictures of the training split, "
            f"got {recipe.batch_size:,}"
        )
    settings = {
        field.name: Setting(getattr(recipe, field.name), "default", str(field.metadata["why"]))
        for field in fields(Recipe)
    }
    for name, value, why in (*([model] if model else []), *_by_rule(recipe, chosen, facts)):
        if name not in chosen:
            settings[name] = Setting(value, "rule", why)
            recipe = replace(recipe, **{name: value})
    _refuse_no_momentum(recipe)
    for name, value in chosen.items():
        settings[name] = Setting(value, "user", "set by the user")
    if recipe.precision == "bfloat16" and recipe.device.startswith("cpu"):
        settings["precision"] = Setting(
            "bfloat16", "user", "set by the user; on most CPUs many times slower than float32"
        )
    return recipe, settings


def _by_rule(recipe: Recipe, chosen: dict[str, Any], facts: Facts) -> Iterator[Rule]:
    yield from sample_rules(facts.preprocess)
    yield "val_share", 0.1, "a tenth, at most 2,000 pictures, where no validation is given"
    yield "device", str(facts.device), facts.device_why
    yield "workers", workers_by_rule(), "one for each core, at most 8"
    fast = supports_bfloat16(facts.device)
    yield "precision", "bfloat16" if fast else "float32", f"what is fast on {facts.device.type}"
    if recipe.epochs is not None:
        yield "budget", None, "the epochs are set"
    batch = recipe.batch_size or _batch_size(facts.pictures)
    all_ = f"for {facts.pictures:,} training pictures"
    yield "batch_size", batch, f"a power of two from 32 to 256, or all there are, {all_}"
    if facts.task == "multi-label":
        yield "loss", recipe.loss, "pictures of several labels: a yes or no for each"
    yield from _loss_rules(recipe)
    yield from _balance_rules(recipe, facts)
    if recipe.model not in NETWORKS:
        wanted = Wanted(recipe, chosen, facts.preprocess, facts.num_classes)
        yield from network_rules(wanted, batch)
        yield from change_rules(facts.preprocess)
        return
    linear = recipe.model == "linear"
    yield from _own_steps(recipe, facts, batch)
    yield "small_stem", False, "for the networks of a zoo"
    if linear:
        yield "resolutions", ((1.0, 1.0),), "a linear classifier has one size"
        yield "flip", False, "a template has a left and a right"
        for name in ("shift", "zoom", "aspect", "color"):
            yield name, 0.0, "off for a linear classifier"
        return
    kind = f"pictures of {facts.preprocess.height} x {facts.preprocess.width} px"
    yield "widths", _widths(recipe, facts), f"the last groups that leave a position for {kind}"
    yield "norm_lr", 8.0, "for the convnet"
    yield "resolutions", ((0.4, 0.5), (0.7, 0.75), (1.0, 1.0)), "few pixels first: cheaper epochs"
    yield from change_rules(facts.preprocess)


def _loss_rules(recipe: Recipe) -> Iterator[Rule]:
    if "label_smoothing" not in LOSSES[recipe.loss].settings:
        yield "label_smoothing", 0.0, f"{recipe.loss} has no smoothing"
    if recipe.l1:
        yield "averaging", 0.0, "an average of weights has fewer zeros than the weights"


def _expect_last(recipe: Recipe) -> None:
    """No epoch is chosen where pictures have several labels."""
    if recipe.monitor not in (None, "last"):
        raise RecipeError(
            f"monitor: {recipe.monitor} is for one label a picture, and these pictures have "
            "several; leave it out: the last epoch ships"
        )


def _balance_rules(recipe: Recipe, facts: Facts) -> Iterator[Rule]:
    """What is made of unequal classes: benchmarks/balance.py measures what each treatment buys."""
    known = facts.imbalance
    if facts.task == "multi-label":
        several = "pictures of several labels"
        yield "balance", "none", f"{several}: no class has turns"
        yield "monitor", "last", f"{several}: the last epoch ships"
        return
    if known is None or not known.unbalanced:
        even = f"no class has {UNBALANCED:g} times the pictures of another"
        yield "balance", "none", even
        yield "monitor", "accuracy", even
        return
    ratio = f"the largest class has {known.ratio:.1f} times the pictures of the smallest"
    if min(known.counts) == 0:
        ratio = "a class has no training picture"
        yield "balance", "none", f"{ratio}, and nothing can be made of it"
    elif recipe.loss == "binary_cross_entropy":
        yield "balance", "none", "binary_cross_entropy is for several labels, which have no turns"
    else:
        yield "balance", "sampler", f"{ratio}; so each comes equally often"
    yield "monitor", "balanced_accuracy", ratio


def _own_steps(recipe: Recipe, facts: Facts, batch: int) -> Iterator[Rule]:
    """Momentum, rate and decay of the networks that are our own."""
    choice = OPTIMIZERS[recipe.optimizer]
    if recipe.optimizer == "muon":
        yield "momentum", choice.momentum, "as the field has it for muon"
    linear = recipe.model == "linear"
    rate = 0.02 if linear and not choice.adaptive else choice.rate
    note = ""
    if recipe.squared and not choice.adaptive:
        rate, note = _squared_rate(rate, facts, recipe)
    scale = (batch / 256) ** (0.5 if choice.adaptive else 1.0)
    yield "lr", rate * scale, f"{rate:g} for 256 pictures, scaled to {batch}{note}"
    yield "weight_decay", choice.weight_decay, f"for {recipe.optimizer}"


def _squared_rate(rate: float, facts: Facts, recipe: Recipe) -> tuple[float, str]:
    """The slope of a squared hinge grows without end, so too large a rate diverges."""
    if recipe.model != "linear":
        return rate / 10, "; a tenth, for a squared hinge"
    size = facts.preprocess
    inputs = math.prod(size.size) * size.num_channels
    if recipe.features is not None:
        from hubel.features.notation import parse

        inputs = parse(recipe.features).size((size.num_channels, size.height, size.width))
    return min(rate, 1 / inputs), f"; at most 1 / {inputs:,} inputs, for a squared hinge"


def _widths(recipe: Recipe, facts: Facts) -> tuple[int, ...]:
    size = (facts.preprocess.height, facts.preprocess.width)
    wanted = recipe.widths or DEFAULT_WIDTHS
    channels = facts.preprocess.num_channels
    fitting = convnet_shape(in_channels=channels, image_size=size, widths=wanted).widths
    if recipe.widths is not None and len(fitting) < len(wanted):
        raise RecipeError(
            f"widths: {len(wanted)} groups don't fit pictures of {size[0]} x {size[1]} px, which "
            f"leave a position after {len(fitting)}; give {len(fitting)} widths or larger pictures"
        )
    return fitting


def _batch_size(pictures: int) -> int:
    return min(pictures, 2 ** max(5, min(8, round(math.log2(max(pictures, 1) / 32)))))


def refuse_without_effect(chosen: dict[str, Any], recipe: Recipe) -> None:
    """Off means off, and what is set must do something."""
    idle = {
        "momentum": OPTIMIZERS[recipe.optimizer].momentum is None,
        "widths": recipe.model != "convnet",
        "features": recipe.model != "linear",
        "norm_lr": recipe.model == "linear",
        "pretrained": kind_of(recipe.model) is not Kind.ZOO,
        "small_stem": kind_of(recipe.model) is not Kind.ZOO,
    }
    for name, without in idle.items():
        if name in chosen and without:
            other = "optimizer" if name == "momentum" else "model"
            raise RecipeError(
                f"{name} has no effect with {other} {getattr(recipe, other)!r}; leave one out"
            )
    _refuse_idle_loss(chosen, recipe)
    if "optimizer" in chosen:
        _refuse_no_momentum(recipe)
    if recipe.model == "linear" and recipe.resolutions not in (None, ((1.0, 1.0),)):
        raise RecipeError("resolutions has no effect with model 'linear', which has one size")
    if recipe.model == "linear" and recipe.optimizer == "muon":
        raise RecipeError(
            "optimizer muon has no effect with model 'linear': it is for the weights between the "
            "first layer and the last, and there are none; take adamw"
        )


def _refuse_no_momentum(recipe: Recipe) -> None:
    if recipe.optimizer in ("momentum", "nesterov") and recipe.momentum == 0:
        raise RecipeError(
            f"optimizer {recipe.optimizer} has no effect with momentum 0, where it is sgd; take "
            "optimizer sgd without momentum, or a momentum above 0"
        )


def _refuse_idle_loss(chosen: dict[str, Any], recipe: Recipe) -> None:
    for name in ("label_smoothing", "margin", "squared", "focal_gamma"):
        takers = losses_that_take(name)
        if name in chosen and recipe.loss not in takers:
            raise RecipeError(
                f"{name} has no effect with loss {recipe.loss!r}; leave it out, or take "
                f"{' or '.join(takers)}"
            )
    _refuse_idle_balance(chosen, recipe)


def _refuse_idle_balance(chosen: dict[str, Any], recipe: Recipe) -> None:
    if recipe.balance == "logit-adjust" and recipe.loss != "cross_entropy":
        raise RecipeError(
            f"balance logit-adjust has no meaning with loss {recipe.loss!r}: it shifts the logits "
            "of cross_entropy; take that loss, or --balance weights or sampler"
        )
    if "effective_beta" in chosen and recipe.balance != "weights":
        raise RecipeError(
            f"effective_beta has no effect with balance {recipe.balance!r}; leave it out, or give "
            "--balance weights"
        )
    if recipe.balance == "weights" and recipe.effective_beta == 0:
        raise RecipeError(
            "balance weights has no effect with effective_beta 0, where all classes weigh the "
            "same; leave both out, or give an effective_beta above 0"
        )
