"""The cheap rungs by name, each within its seconds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType

from hubel.data.preprocess import Preprocess
from hubel.errors import FeatureError
from hubel.job.prepare import Material
from hubel.job.rungs.described import by_features
from hubel.job.rungs.linear import LinearFit, fit_rung
from hubel.job.rungs.pixels import largest_class, nearest_neighbours
from hubel.job.rungs.rung import Rung
from hubel.training.exact import UNTREATED, Balance, LinearObjective

__all__ = ["CHEAP", "designed_features", "fit_cheap", "linear_fit"]

_GRID = 8  # cells of gradients across the shorter side
_SVM = LinearObjective(loss="one_vs_rest", squared=True)

CHEAP: MappingProxyType[str, str] = MappingProxyType(
    {
        "largest": "largest class",
        "neighbours": "nearest neighbours on pixels",
        "pixels": "linear on pixels",
        "pixels-svm": "SVM on pixels",
        "features": "linear on histogram + HOG",
    }
)


def designed_features(preprocess: Preprocess) -> str:
    """Colours and gradients that suit the pictures: about 8 cells a side, of 4 pixels or more.

    Raises:
        FeatureError: they have no such colours.

    Example:
        >>> designed_features(Preprocess(height=28, width=28, channels="grey"))
        'histogram(space=grey) + hog(cell=4)'
    """
    if preprocess.kind != "picture" or preprocess.channels not in ("rgb", "grey"):
        raise FeatureError("histogram and HOG are for pictures in grey or colour")
    if preprocess.depth == "float32":
        raise FeatureError("histogram and HOG are for values from 0 to 1, not in other units")
    cell = max(4, 4 * round(min(preprocess.height, preprocess.width) / _GRID / 4))
    colours = "histogram" if preprocess.channels == "rgb" else "histogram(space=grey)"
    return f"{colours} + hog(cell={cell})"


def linear_fit(key: str, material: Material, seed: int, balance: Balance = UNTREATED) -> LinearFit:
    """The fit of a linear rung, not begun; a hinge has no logits that could be adjusted.

    Raises:
        FeatureError: the pictures are too small for the features.
    """
    sides = {"picture": "pixels", "signal": "pixels(side=1024)", "volume": "pixels(side=16)"}
    way = material.preprocess
    text = designed_features(way) if key == "features" else sides[way.kind]
    objective = _SVM if key == "pixels-svm" else LinearObjective()
    if _takes(key, balance):
        objective = replace(objective, balance=balance)
    return LinearFit(material, by_features(material, text), objective, seed)


def _takes(key: str, balance: Balance) -> bool:
    if key in ("largest", "neighbours"):
        return balance == UNTREATED
    return key != "pixels-svm" or balance.how != "logit-adjust"


def fit_cheap(
    key: str, material: Material, seconds: float, seed: int, balance: Balance = UNTREATED
) -> Rung:
    """Fit a cheap rung.

    Args:
        key: one of `CHEAP`.
        material: the data.
        seconds: that it may take.
        seed: draws training pictures where all are too many.
        balance: what is made of unequal classes; a rung that can't says so in its note.

    Raises:
        FeatureError: the pictures are too small for the features.
        RecipeError: the training pictures are all of one class.
    """
    plain: dict[str, Callable[[], Rung]] = {
        "largest": lambda: largest_class(material),
        "neighbours": lambda: nearest_neighbours(material, seconds, seed),
    }
    if key in plain:
        rung = plain[key]()
    else:
        rung = fit_rung(CHEAP[key], linear_fit(key, material, seed, balance), seconds)
    if _takes(key, balance):
        return rung
    return replace(rung, note=f"{rung.note}; its classes are not balanced")
