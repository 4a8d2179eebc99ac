"""Sentences on answers of several labels: how good, what is missed, what is invented."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hubel.reports.facts import Estimate
from hubel.reports.findings.names import quoted
from hubel.reports.formats import count, interval, percent
from hubel.reports.several import Several

__all__ = ["classes", "confidence", "headline", "labels", "worst"]


def headline(ranking: Estimate, exact: Estimate, n: int, split: str, level: float) -> str:
    """The mean average precision, and how many pictures are right in every label."""
    if ranking.value is None or not n:
        return "No picture with a label was scored."
    seen = "unseen picture" if split == "test" else f"{split} picture"
    ends = interval(ranking)
    around = f" ({percent(level, 0)}% interval {ends})" if ends else ""
    all_right = (
        f"; {percent(exact.value)}% have every label right" if exact.value is not None else ""
    )
    return (
        f"Mean average precision is {percent(ranking.value)}% on {count(n, seen)}{around}"
        f"{all_right}."
    )


def classes(scores: Mapping[str, tuple[int, Estimate]]) -> str:
    """Which label is ranked best, which worst.

    Args:
        scores: pictures and average precision of each label, by name.
    """
    known = [
        (one.value, n, name, one) for name, (n, one) in scores.items() if one.value is not None
    ]
    if not known:
        return "No label has a picture to score."
    best = max(known, key=lambda entry: (entry[0], entry[1]))
    worst_ = min(known, key=lambda entry: (entry[0], -entry[1]))
    if best[0] == worst_[0]:
        return f"Evenly: the average precision of each label is {percent(best[0])}%."
    apart = (worst_[3].high or 1.0) < (best[3].low or 0.0)
    return (
        f"Best ranked is {quoted(best[2])}, average precision {percent(best[0])}% with "
        f"{count(best[1], 'picture')}; worst is {quoted(worst_[2])}, {percent(worst_[0])}% with "
        f"{count(worst_[1])}. Their intervals {'do not overlap' if apart else 'overlap'}."
    )


def labels(several: Several) -> str:
    """Which label is missed most often, and which invented."""
    missed = (several.truth & ~several.given).sum(axis=0)
    invented = (several.given & ~several.truth).sum(axis=0)
    if not missed.any() and not invented.any():
        return f"None: every label of {count(len(several.truth), 'picture')} is right."
    parts: list[str] = []
    if missed.any():
        most = int(missed.argmax())
        total = int(several.truth[:, most].sum())
        parts.append(
            f"misses {quoted(several.classes[most])} most often, {count(int(missed[most]))} of "
            f"{count(total)}"
        )
    if invented.any():
        most = int(invented.argmax())
        without = int((~several.truth[:, most]).sum())
        parts.append(
            f"invents {quoted(several.classes[most])} most often, in "
            f"{count(int(invented[most]))} of {count(without, 'picture')} without it"
        )
    return f"It {' and '.join(parts)}."


def worst(several: Several, mistakes: list[tuple[int, int]]) -> str:
    """The surest wrong yes or no, and how many are made with more than 90%."""
    row, label = mistakes[0]
    sure = [several.sure(*one) for one in mistakes]
    name, yes = quoted(several.classes[label]), bool(several.given[row, label])
    said = f"of {name} in a picture without it" if yes else f"that {name} is not where it is"
    many, high = len(mistakes), int(np.count_nonzero(np.array(sure) > 0.9))
    start = f"It was {percent(sure[0])}% sure {said}"
    if many == 1:
        return f"{start}: its only mistake."
    share = "None" if high == 0 else "All" if high == many else count(high)
    verb = "was" if high <= 1 else "were"
    return f"{start}. {share} of its {count(many)} wrong answers {verb} over 90% sure."


def confidence(said: float, true: Estimate, *, off: bool = False) -> str:
    """Whether probabilities of labels keep their promise on average.

    Args:
        said: mean probability.
        true: share of the labels that are there.
        off: somewhere the interval of a bin misses what it stated.
    """
    if true.value is None or true.low is None or true.high is None:
        return "It can't be told: no picture was scored."
    says = (
        f"it gives a label {percent(said)}% on average, and {percent(true.value)}% of them are "
        "there"
    )
    if true.low <= said <= true.high:
        start = "Overall, but not everywhere" if off else "Yes"
        return f"{start}: {says}, a gap that chance can explain."
    way = "too many" if said > true.value else "too few"
    return f"Not quite: {says}, so it expects {way}."
