"""The network of a recipe, and the settings that follow from which network it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from hubel.data.preprocess import Preprocess
from hubel.errors import RecipeError
from hubel.models.architecture import Architecture
from hubel.models.naming import Kind, kind_of
from hubel.models.program import Program
from hubel.models.stem import SMALL_SIDE
from hubel.models.traits import Traits, takes
from hubel.training.choices import OPTIMIZERS
from hubel.training.plan import resolution
from hubel.training.recipe import Recipe

__all__ = ["Rule", "Wanted", "network_for", "network_rules"]

Pairs = tuple[tuple[float, float], ...]
Rule = tuple[str, Any, str]

_GROWING = ((0.4, 0.5), (0.7, 0.75), (1.0, 1.0))
_LATE = ((0.6, 0.75), (1.0, 1.0))
_ONE = ((1.0, 1.0),)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the rules of a network look at.

    Attributes:
        recipe: as far as it is decided.
        chosen: what the user set, by name.
        preprocess: decides channels and size.
        num_classes: how many scores come out.
    """

    recipe: Recipe
    chosen: dict[str, Any]
    preprocess: Preprocess
    num_classes: int

    @property
    def architecture(self) -> Architecture:
        """The network, as far as it is decided."""
        return network_for(self.recipe, self.preprocess, self.num_classes)


def network_for(
    recipe: Recipe, preprocess: Preprocess, num_classes: int, sha256: str | None = None
) -> Architecture:
    """The network that a recipe names.

    Args:
        recipe: its `model`, and what belongs to that.
        preprocess: decides channels and size.
        num_classes: how many scores come out.
        sha256: of the user's own file, where it was recorded before.
    """
    options: dict[str, Any] = {}
    if recipe.widths is not None:
        options["widths"] = list(recipe.widths)
    if recipe.features is not None:
        options["features"] = _standardised(recipe.features)
    options |= {name: True for name in ("pretrained", "small_stem") if getattr(recipe, name)}
    if recipe.shape == "bucket" and recipe.model.startswith("timm:"):
        options["several_sizes"] = True
    found = Architecture(
        name=recipe.model,
        in_channels=preprocess.num_channels,
        num_classes=num_classes,
        image_size=preprocess.size,
        options=options,
    )
    if kind_of(recipe.model) is not Kind.PROGRAM:
        return found
    program = Program.parse(recipe.model)
    return replace(found, name=program.short, code=program.name, sha256=sha256 or program.sha256)


def _standardised(text: str) -> str:
    """Features that are of one size each, which descent needs."""
    from hubel.features.composed.scaling import Standard
    from hubel.features.notation import parse

    found = parse(text)
    return str(found if isinstance(found, Standard) else Standard(found))


def network_rules(wanted: Wanted, batch_size: int) -> Iterator[Rule]:
    """The settings that follow from a network that is not one of our own modules.

    Args:
        wanted: the network, and what is decided.
        batch_size: that the rate is for.

    Raises:
        RecipeError: the network can't be built for these pictures, or a setting of the user's has
            no effect with it.
    """
    small = _small_stem(wanted)
    yield small
    if "small_stem" not in wanted.chosen:
        wanted = replace(wanted, recipe=replace(wanted.recipe, small_stem=small[1]))
    traits = wanted.architecture.traits
    if "norm_lr" in wanted.chosen and not traits.normalised:
        raise RecipeError(
            f"norm_lr has no effect with model {wanted.recipe.model!r}, which normalises nothing; "
            "leave it out"
        )
    yield from _optimizer_rules(wanted, traits, batch_size)
    yield _resolutions(wanted)


def _small_stem(wanted: Wanted) -> Rule:
    if kind_of(wanted.recipe.model) is not Kind.ZOO:
        return "small_stem", False, "for the networks of a zoo"
    from hubel.models.zoo.building import small_stem

    side = min(wanted.preprocess.size)
    if not small_stem(wanted.architecture):
        if wanted.recipe.small_stem:
            raise RecipeError(
                f"small_stem has no effect with model {wanted.recipe.model!r}: its first "
                "convolution has no stride, or takes patches; leave it out"
            )
        return "small_stem", False, "the first convolution has no stride that could be taken out"
    if side > SMALL_SIDE:
        return "small_stem", False, f"pictures of more than {SMALL_SIDE} px have rows to spare"
    if not _takes_small_stem(wanted):
        return "small_stem", False, "later layers are made for the strides that it has"
    why = f"of {side} px too little would reach the last layers (He et al. 2015, section 4.2)"
    return "small_stem", True, why


def _takes_small_stem(wanted: Wanted) -> bool:
    """Whether the network still works without the strides: some attentions have a fixed grid."""
    try:
        replace(wanted, recipe=replace(wanted.recipe, small_stem=True)).architecture.check()
    except RecipeError:
        return False
    return True


def _optimizer_rules(wanted: Wanted, traits: Traits, batch_size: int) -> Iterator[Rule]:
    recipe = wanted.recipe
    optimizer, why = recipe.optimizer, ""
    if "optimizer" not in wanted.chosen:
        optimizer, why = _optimizer(traits)
        yield "optimizer", optimizer, why
    choice = OPTIMIZERS[optimizer]
    if choice.momentum is not None:
        yield "momentum", choice.momentum, f"as the field has it for {optimizer}"
    rate, note = choice.other_rate, f"for {optimizer}"
    if recipe.squared and not choice.adaptive:
        rate, note = rate / 10, "a tenth, for a squared hinge"
    if recipe.pretrained:
        rate, note = rate / 10, "a tenth, since the weights are trained already"
    scale = (batch_size / 256) ** (0.5 if choice.adaptive else 1.0)
    yield "lr", rate * scale, f"{rate:g} for 256 pictures, scaled to {batch_size}; {note}"
    yield "weight_decay", choice.other_decay, f"for {optimizer}"


def _optimizer(traits: Traits) -> tuple[str, str]:
    if traits.attention:
        return "adamw", "for networks with attention or layer normalisation"
    if not traits.batch_norm:
        return "adamw", "for networks without batch normalisation"
    return "nesterov", "for networks with batch normalisation"


def _resolutions(wanted: Wanted) -> Rule:
    if wanted.preprocess.kind != "picture":
        return "resolutions", _ONE, f"{wanted.preprocess.kind}s are trained at their full size"
    if "resolutions" in wanted.chosen:
        assert wanted.recipe.resolutions is not None
        _expect_taken(wanted, wanted.recipe.resolutions)
    for pairs, why in (
        (_GROWING, "few pixels first: cheaper epochs"),
        (_LATE, "few pixels first; half of them are too few for the network"),
    ):
        if wanted.architecture.any_size and _first_refused(wanted, pairs) is None:
            return "resolutions", pairs, why
    if wanted.architecture.any_size:
        return "resolutions", _ONE, "three quarters of the pixels are too few for the network"
    return "resolutions", _ONE, "the network's weights are made for one size"


def _expect_taken(wanted: Wanted, pairs: Pairs) -> None:
    shown = f"model {wanted.recipe.model!r}"
    if pairs != _ONE and not wanted.architecture.any_size:
        raise RecipeError(f"resolutions has no effect with {shown}, which has one size")
    refused = _first_refused(wanted, pairs)
    if refused is not None:
        raise RecipeError(
            f"resolutions: {shown} takes no pictures of {' x '.join(map(str, refused))} px; give "
            "larger shares, or leave resolutions out"
        )


def _first_refused(wanted: Wanted, pairs: Pairs) -> tuple[int, ...] | None:
    """The first height and width in a training that the network doesn't take."""
    full = wanted.preprocess.size
    sizes = [resolution(until - 1e-9, pairs, full) for until, _ in pairs]
    return next((size for size in sizes if not takes(wanted.architecture, size)), None)
