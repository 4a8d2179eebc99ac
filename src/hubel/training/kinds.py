"""The rules that follow from the kind of sample: size, channels, network, and changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hubel.data.preprocess import Preprocess
from hubel.errors import RecipeError
from hubel.models.kinds import expect_axes, line_for
from hubel.training.recipe import Recipe

__all__ = ["change_rules", "model_rule", "refuse_for_kind", "sample_rules"]

Rule = tuple[str, Any, str]

_LARGE_SIDE = 48
_SIZES = {
    "picture": "median longer side, at most 128 px; the ratio that most pictures share",
    "signal": "median length, at most 16,384",
    "volume": "median sides, the longest at most 64",
}


def sample_rules(preprocess: Preprocess) -> Iterator[Rule]:
    """Size and channels."""
    yield "size", preprocess.size, _SIZES[preprocess.kind]
    if isinstance(preprocess.channels, int):
        yield "channels", str(preprocess.channels), "as many as every sample has"
    else:
        yield "channels", preprocess.channels, "grey where every picture is grey"
    yield "reduced", preprocess.reduced, "on where JPEGs have four times the input's sides"


def model_rule(recipe: Recipe, chosen: dict[str, Any], preprocess: Preprocess) -> Rule | None:
    """The network of signals and volumes; None for pictures, whose default stands.

    Raises:
        RecipeError: the user's is for pictures alone.
    """
    if preprocess.kind == "picture":
        return None
    if "model" in chosen:
        expect_axes(recipe.model, preprocess.size)
        return None
    left = "32 moments" if preprocess.kind == "signal" else "8 positions a side"
    return (
        "model",
        line_for(preprocess.size),
        f"convolutions that leave {left}, for {_all(preprocess)}",
    )


def refuse_for_kind(chosen: dict[str, Any], preprocess: Preprocess) -> None:
    """Off means off: what pictures alone have is refused for signals and volumes."""
    if preprocess.kind == "picture":
        return
    for name, off in (("aspect", (0.0,)), ("resolutions", (((1.0, 1.0),),))):
        if name in chosen and chosen[name] is not None and chosen[name] not in off:
            raise RecipeError(f"{name} has no effect on {preprocess.kind}s; leave it out")
    if preprocess.kind == "signal" and chosen.get("shape", "squash") != "squash":
        raise RecipeError("shape has no effect on signals, which have one side; leave it out")


def change_rules(preprocess: Preprocess) -> Iterator[Rule]:
    """How the training samples are varied."""
    if preprocess.kind != "picture":
        yield from _OTHERS[preprocess.kind]
        yield "aspect", 0.0, "for pictures"
        return
    large = max(preprocess.height, preprocess.width) > _LARGE_SIDE
    kind = f"for pictures of {preprocess.height} x {preprocess.width} px"
    yield "shift", 0.0 if large else 2 / 32, kind
    yield "zoom", 0.6 if large else 0.0, kind
    yield "aspect", 0.5 if large else 0.0, kind
    if preprocess.channels in ("rgb", "grey"):
        yield "color", 0.25 if large else 0.0, kind
    else:
        yield "color", 0.0, "channels that are no colours have no brightness in common"


_OTHERS: dict[str, tuple[Rule, ...]] = {
    "signal": (
        ("flip", False, "a signal runs one way"),
        ("shift", 2 / 32, "a pattern may come a little earlier or later"),
        ("zoom", 0.0, "a signal that is stretched has another pitch"),
        ("color", 0.1, "gain: a signal may be a little louder or fainter"),
    ),
    "volume": (
        ("flip", False, "bodies and parts have a left and a right"),
        ("shift", 2 / 32, "along each axis"),
        ("zoom", 0.2, "along all three axes at once"),
        ("color", 0.0, "units of a volume may mean something"),
    ),
}


def _all(preprocess: Preprocess) -> str:
    size = " x ".join(map(str, preprocess.size))
    return f"{preprocess.kind}s of {size}"
