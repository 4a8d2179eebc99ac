"""Buckets of a training: chosen from its pictures, of sizes that its network takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from hubel.data.buckets import Size, choose_buckets
from hubel.data.dataset import Dataset
from hubel.data.preprocess import Preprocess
from hubel.data.shape_costs import ShapeCost, cost_line, shape_costs, true_sizes
from hubel.errors import RecipeError

if TYPE_CHECKING:
    from hubel.models.architecture import Architecture
    from hubel.training.recipe import Recipe

__all__ = ["bucket_notes", "costs_of", "shape_document", "with_buckets"]

_STEPS = (4, 8, 14, 16, 32)  # of a side: patches and strides that networks have


def with_buckets(dataset: Dataset, preprocess: Preprocess, recipe: Recipe) -> Preprocess:
    """The way to pixels with its buckets, where the shape asks for them.

    They follow from the training pictures, and have the area of the working size. Their sides are
    multiples of the first of 4, 8, 14, 16 and 32 px at which the network takes them all, at every
    resolution of the training.

    Args:
        dataset: of the pictures.
        preprocess: with the working size.
        recipe: with every setting decided that the network depends on.

    Raises:
        RecipeError: the weights of the network are made for one size, or no bucket is so small.
    """
    from hubel.models.traits import takes
    from hubel.training.network import network_for

    if preprocess.shape != "bucket":
        return preprocess
    architecture = network_for(recipe, preprocess, len(dataset.manifest.classes)).check()
    sizes = true_sizes(dataset.manifest, dataset.manifest.rows("train"))
    area = preprocess.height * preprocess.width
    # Of a fixed number of tokens some other grids would fit, with positions of another meaning.
    if not (architecture.any_size or architecture.options.get("several_sizes")):
        raise _one_size(architecture)
    smallest = architecture.smallest_side if architecture.any_size else 1
    for step in _STEPS:
        try:
            found = choose_buckets(sizes, area, step, smallest)
        except RecipeError:  # where the smallest step leaves no size, none does
            if step == _STEPS[0]:
                raise
            continue
        if all(takes(architecture, size) for size in _met(found, recipe, smallest)):
            return preprocess.with_buckets(found)
    raise _one_size(architecture)


def bucket_notes(preprocess: Preprocess) -> tuple[str, ...]:
    """What is to be said of the buckets of a run, a sentence each."""
    sizes = ", ".join(f"{height} x {width}" for height, width in preprocess.buckets)
    if len(preprocess.buckets) == 1:
        return (f"one bucket, {sizes} px: nearly all pictures share its ratio",)
    return (f"{len(preprocess.buckets)} buckets: {sizes} px",) if preprocess.buckets else ()


def costs_of(dataset: Dataset, preprocess: Preprocess) -> tuple[ShapeCost, ...]:
    """What every shape costs over all accepted pictures, at the working size.

    Without buckets in `preprocess`, those that `bucket` would take with sides of whole 4 px.
    """
    manifest = dataset.manifest
    size = (preprocess.height, preprocess.width)
    buckets = preprocess.buckets
    if not buckets:
        train = true_sizes(manifest, manifest.rows("train"))
        try:
            buckets = choose_buckets(train, size[0] * size[1], _STEPS[0])
        except RecipeError:  # smaller than any bucket
            buckets = ()
    return shape_costs(true_sizes(manifest, np.flatnonzero(manifest.accepted)), size, buckets)


def shape_document(dataset: Dataset, preprocess: Preprocess) -> dict[str, Any]:
    """The cost of every shape as JSON types, with the line that says it."""
    costs = costs_of(dataset, preprocess)
    return {
        "size": [preprocess.height, preprocess.width],
        "chosen": preprocess.shape,
        "costs": [cost.to_json() for cost in costs],
        "text": cost_line(costs, preprocess.shape),
    }


def _met(buckets: tuple[Size, ...], recipe: Recipe, smallest: int) -> Iterator[tuple[int, ...]]:
    """All sizes that the network meets in a training."""
    from hubel.training.plan import resolution

    pairs = recipe.resolutions or ((1.0, 1.0),)
    for size in buckets:
        for until, _ in pairs:
            yield resolution(until - 1e-9, pairs, size, smallest)


def _one_size(architecture: Architecture) -> RecipeError:
    return RecipeError(
        f"shape bucket needs a network that takes several sizes, and the weights of "
        f"{architecture.short_name} are made for one; take the convnet, another convolutional "
        "network, a line of notation without `flatten` and `positions`, or a transformer of timm "
        "such as timm:vit_tiny_patch16_224, or give another --set shape"
    )
