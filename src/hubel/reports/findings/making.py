"""Sentences on the data, the network, the training, and where all came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate

from hubel.reports.findings.names import quoted
from hubel.reports.formats import compact, count, duration, percent, sequence
from hubel.reports.measures import ACCURACY, Measure


def task(classes: Sequence[str], *, several: bool = False) -> str:
    """What the classifier tells apart.

    Args:
        classes: names.
        several: a picture may have any number of them.
    """
    if not classes:
        return "A picture classifier."
    named = [quoted(name) for name in classes]
    fits = sum(length <= 110 for length in accumulate(len(name) + 2 for name in named))
    names = sequence(named, most=max(2, fits))
    if several:
        return f"Says which of {count(len(classes), 'label')} a picture has, if any: {names}."
    return f"Names a picture as one of {count(len(classes), 'class', 'classes')}: {names}."


def data(files: int, reasons: Mapping[str, int], per_class: Mapping[str, int]) -> str:
    """How many pictures, how many left out and mainly why, how uneven.

    Args:
        files: found in all.
        reasons: left out, by reason.
        per_class: used, by class.
    """
    out = sum(reasons.values())
    if not out:
        start = f"All {count(files, 'picture')} could be used."
    else:
        order = sorted(reasons, key=lambda reason: -reasons[reason])
        each = [f"{reason}: {count(reasons[reason])}" for reason in order[:3]]
        more = ["and others"] if len(order) > 3 else []
        why = order[0] if len(order) == 1 else "; ".join([*each, *more])
        start = f"{count(files - out)} of {count(files, 'picture')} are used; {count(out)} "
        start += f"{'was' if out == 1 else 'were'} left out ({why})."
    sizes = {name: n for name, n in per_class.items() if n}
    if len(sizes) < 2:
        return start
    large, small = max(sizes, key=lambda name: sizes[name]), min(sizes, key=lambda n: sizes[n])
    ratio = sizes[large] / sizes[small]
    if ratio < 1.15:
        return f"{start} The classes are even."
    return f"{start} {quoted(large)} has {ratio:.1f} times the pictures of {quoted(small)}."


def structure(layers: Sequence[Mapping[str, object]], totals: Mapping[str, int]) -> str:
    """How large, and which layer holds most of it."""
    parameters, adds = totals.get("parameters", 0), totals.get("multiply_adds", 0)
    size = f"{compact(parameters)} parameters and {compact(adds)} multiply-adds a picture"
    if not layers:
        return f"{size}."
    start = f"{count(len(layers), 'layer')} with {size}."
    busy = max(layers, key=lambda row: _amount(row, "multiply_adds"))
    large = max(layers, key=lambda row: _amount(row, "parameters"))
    work = _amount(busy, "multiply_adds") / adds if adds else 0.0
    held = _amount(large, "parameters") / parameters if parameters else 0.0
    if not work or not held:
        return start
    if busy is large:
        return (
            f"{start} {busy['name']} alone does {percent(work, 0)}% of the arithmetic "
            f"and holds {percent(held, 0)}% of the parameters."
        )
    return (
        f"{start} {busy['name']} does {percent(work, 0)}% of the arithmetic; "
        f"{large['name']} holds {percent(held, 0)}% of the parameters."
    )


def _amount(row: Mapping[str, object], key: str) -> float:
    value = row[key]
    return value if isinstance(value, int | float) else 0.0


def training(
    rows: Sequence[Mapping[str, float | None]],
    seconds: float | None = None,
    measure: Measure = ACCURACY,
) -> str:
    """How many epochs, which was best, and what the losses did after it."""
    if not rows:
        return "It ended before its first epoch did."
    took = f" in {duration(seconds)}" if seconds else ""
    start = f"{count(len(rows), 'epoch')}{took}"
    column = measure.column
    scored = [row for row in rows if row.get(column) is not None]
    if not scored:
        return f"{start}."
    best = max(scored, key=lambda row: row[column] or 0.0)
    if len(rows) == 1:
        return f"{start}: {percent(best[column])}% {measure.validation}."
    said = (
        f"{start}; validation {measure.name} was best, {percent(best[column])}%, "
        f"at epoch {best['epoch']:g}."
    )
    return f"{said} {_after(rows)}".strip()


def _after(rows: Sequence[Mapping[str, float | None]]) -> str:
    """Over-fitting, an early end, or nothing worth a sentence."""
    losses = [(row.get("val_loss"), row.get("train_loss")) for row in rows]
    known = [(val, train) for val, train in losses if val is not None and train is not None]
    if len(known) < max(4, len(rows)):
        return ""
    low = min(range(len(known)), key=lambda k: known[k][0])
    (lowest, then), (last, now) = known[low], known[-1]
    if lowest <= 0:
        return ""
    if last > 1.1 * lowest and now < then:
        rise = percent(last / lowest - 1, 0)
        return (
            f"Validation loss has risen {rise}% since epoch {rows[low]['epoch']:g} "
            "while training loss fell: it over-fits."
        )
    recent = known[-max(2, len(known) // 5)][0]
    if low == len(known) - 1 and recent > 1.03 * last:
        return "Validation loss was still falling at the end: more epochs may help."
    return ""


def provenance(seconds: Mapping[str, float], device: str, versions: Mapping[str, str]) -> str:
    """Where it was made, how long it took, and what took most of it."""
    place = f" on {device}" if device else ""
    made = f"Made{place} with hubel {versions['hubel']}" if "hubel" in versions else f"Made{place}"
    stages = {name: spent for name, spent in seconds.items() if name != "total" and spent > 0}
    total = seconds.get("total") or sum(stages.values())
    if not stages or not total:
        return f"{made}."
    main = max(stages, key=lambda name: stages[name])
    share = percent(min(stages[main] / total, 1.0), 0)
    return f"{made} in {duration(total)}, {share}% of it {main.replace('_', ' ')}."
