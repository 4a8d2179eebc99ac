"""Sentences on how good the classifier is, where it fails, and how far to trust it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hubel.reports.facts import Estimate
from hubel.reports.findings.names import quoted
from hubel.reports.formats import count, interval, percent, sequence


def accuracy(estimate: Estimate, n: int, split: str = "test", level: float = 0.95) -> str:
    """How many are named right."""
    seen = "unseen picture" if split == "test" else f"{split} picture"
    around = f" ({percent(level, 0)}% interval {interval(estimate)})" if interval(estimate) else ""
    if estimate.value is None or n == 0:
        return "No picture was scored."
    if n == 1:
        return f"The only {seen} is named {'right' if estimate.value else 'wrong'}{around}."
    if estimate.value == 1:
        return f"All {count(n, seen)} are named right{around}."
    if estimate.value == 0:
        return f"None of {count(n, seen)} is named right{around}."
    return f"{percent(estimate.value)}% of {count(n, seen)} are named right{around}."


def balanced(estimate: Estimate, right: Estimate, n: int, level: float = 0.95) -> str:
    """What share of each class is named right on average, and of all pictures.

    Args:
        estimate: balanced accuracy.
        right: accuracy.
        n: pictures that were scored.
        level: of the intervals.
    """
    if estimate.value is None or n == 0:
        return "No picture was scored."
    around = f" ({percent(level, 0)}% interval {interval(estimate)})" if interval(estimate) else ""
    also = f" ({interval(right)})" if interval(right) else ""
    return (
        f"Of each class {percent(estimate.value)}% are named right on average{around}; the classes "
        f"are unequal, and of all {count(n, 'unseen picture')} {percent(right.value)}% are{also}."
    )


def classes(recalls: Mapping[str, tuple[int, Estimate]]) -> str:
    """Which class is found best, which worst, and whether chance could have done it.

    Args:
        recalls: pictures and recall of each class, by name.
    """
    known = [
        (estimate.value, n, name, estimate)
        for name, (n, estimate) in recalls.items()
        if estimate.value is not None
    ]
    if not known:
        return "No class has a picture to score."
    best = max(known, key=lambda entry: (entry[0], entry[1]))
    worst = min(known, key=lambda entry: (entry[0], -entry[1]))
    if best[0] == worst[0]:
        return f"Evenly: {percent(best[0])}% of each class is found."
    apart = (worst[3].high or 1.0) < (best[3].low or 0.0)
    return (
        f"Best found is {quoted(best[2])}, {percent(best[0])}% of {count(best[1], 'picture')}; "
        f"worst is {quoted(worst[2])}, {percent(worst[0])}% of {count(worst[1])}. "
        f"Their intervals {'do not overlap' if apart else 'overlap'}."
    )


def confusion(labels: Sequence[str], counts: Sequence[Sequence[int]]) -> str:
    """The most common confusion, and its reverse.

    Args:
        labels: class names.
        counts: rows are true labels, columns what was named.
    """
    size = range(len(labels))
    pairs = [(counts[i][j], i, j) for i in size for j in size if i != j and counts[i][j]]
    if not pairs:
        return f"Nothing: all {count(sum(map(sum, counts)), 'picture')} are named right."
    most, i, j = max(pairs, key=lambda entry: (entry[0], -entry[1], -entry[2]))
    ties = sum(entry[0] == most for entry in pairs) - 1
    reverse = f", and the reverse {_times(counts[j][i])}" if counts[j][i] else ""
    level = f" ({count(ties, 'other pair')} as often)" if ties else ""
    return (
        f"It takes {quoted(labels[i])} for {quoted(labels[j])} most often{level}: "
        f"{_times(most)} in {count(sum(counts[i]))}{reverse}."
    )


def mistakes(counts: Sequence[Sequence[int]]) -> str:
    """How many pictures of a confusion matrix are named wrong; nothing where none is."""
    total = sum(map(sum, counts))
    wrong = total - sum(row[k] for k, row in enumerate(counts))
    if not wrong:
        return ""
    return (
        f"In all, {count(wrong)} of {count(total, 'picture')} "
        f"{'is' if wrong == 1 else 'are'} named wrong."
    )


def _times(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{count(number)} times")


def worst(confidences: Sequence[float], predicted: str, label: str) -> str:
    """The surest mistake, and how many are made with more than 90%; the surest comes first."""
    if not confidences:
        return "Nowhere: it made no mistake."
    sure = sum(value > 0.9 for value in confidences)
    first = f"It was {percent(confidences[0])}% sure of {quoted(predicted)} where the label is "
    many = len(confidences)
    if many == 1:
        return f"{first}{quoted(label)}: its only mistake."
    share = "None" if sure == 0 else "All" if sure == many else count(sure)
    verb = "was" if sure <= 1 else "were"
    return f"{first}{quoted(label)}. {share} of its {count(many)} mistakes {verb} over 90% sure."


_SLIGHT = 0.0005  # what would be shown as a gap of 0.0 points


def confidence(said: float, accuracy: Estimate, *, off: bool = False) -> str:
    """Whether the mean confidence keeps its promise.

    Args:
        said: mean confidence.
        accuracy: share right, with its interval.
        off: somewhere the interval of a bin misses what it stated.
    """
    true = accuracy.value
    if true is None:
        return "It can't be told: no picture was scored."
    ends = (accuracy.low, accuracy.high)
    inside = ends[0] is not None and ends[1] is not None and ends[0] <= said <= ends[1]
    says = f"it says {percent(said)}% on average and is right {percent(true)}% of the time"
    if inside or abs(said - true) < _SLIGHT:
        start = "Overall, but not everywhere" if off else "Yes"
        return f"{start}: {says}, a gap that chance can explain."
    way = "over-confident" if said > true else "under-confident"
    return f"Not quite: {says}, so it is {way} by {percent(abs(said - true))} points."


def off_bins(ranges: Sequence[str]) -> str:
    """Where the stated confidence is off; nothing where it is off nowhere."""
    return f"It is off beyond chance where it says {sequence(ranges)}%." if ranges else ""
