"""Sentences on the ladder: which rung to ship, what the next costs and buys, each against each."""

from __future__ import annotations

from hubel.reports.facts import Estimate
from hubel.reports.formats import compact, count, duration, interval, percent
from hubel.reports.ladder import Comparison, Ladder, Rung, Verdict
from hubel.reports.measures import Measure


def level(confidence: float) -> str:
    """Of an interval; nothing for 95%, which is every interval's unless a sentence says so.

    Example:
        >>> level(0.95), level(1 - 0.05 / 45)
        ('', '99.9% interval ')
    """
    text = f"{100 * confidence:.1f}".removesuffix(".0")
    return "" if text == "95" else f"{text}% interval "


def points(estimate: Estimate, between: str = "", confidence: float = 0.95) -> str:
    """A difference of fractions in percentage points, words in between, and its interval."""
    ends = interval(estimate)
    around = f" ({level(confidence)}{ends})" if ends else ""
    return f"{percent(estimate.value)} points{between}{around}"


def chance(p_value: float | None, *, corrected: bool = False) -> str:
    """A p-value as it is written: never rounded to nothing."""
    if p_value is None:
        return ""
    words = "p < 0.001" if p_value < 0.001 else f"p = {p_value:.2g}"
    return f"{words} after Holm" if corrected else words


def _gain(comparison: Comparison, between: str = "") -> str:
    return points(comparison.difference, between, comparison.confidence)


def _odds(comparison: Comparison) -> str:
    return chance(comparison.p_value, corrected=comparison.corrected)


def worth(comparison: Comparison | None) -> str:
    """Whether the network (`a`) beats the strongest thing that is simpler (`b`)."""
    if comparison is None:
        return "There is nothing to compare it with: no simpler classifier was scored beside it."
    simpler = comparison.b
    if comparison.better == comparison.a:
        return f"Yes: {_gain(comparison, f' over {simpler}')}."
    if comparison.better == simpler:
        return f"No: {simpler} is better by {_gain(comparison.turned())}."
    return f"These data can't tell: it is {_level_with(comparison)}."


def _level_with(comparison: Comparison) -> str:
    """How far `a` is from `b` where the data can't tell, and the interval that says so."""
    difference, named = comparison.difference, level(comparison.confidence)
    ends = f"{named or 'interval, '}{interval(difference)}{', ' if not named else ' '}"
    both = (difference.low or 0.0) < 0 < (difference.high or 0.0)
    around = f", and the {ends}holds both" if both else ""
    odds = f" ({_odds(comparison)})" if comparison.p_value is not None else ""
    if not difference.value:
        return f"level with {comparison.b}{around}{odds}"
    side = "above" if difference.value > 0 else "below"
    return f"{percent(abs(difference.value))} points {side} {comparison.b}{around}{odds}"


def pair(comparison: Comparison) -> str:
    """One paired comparison in words."""
    odds = ", ".join(part for part in (_odds(comparison), _on(comparison.n)) if part)
    end = f"; {odds}." if odds else "."
    if comparison.better is None:
        return (
            f"These data can't tell {comparison.a} from {comparison.b}: the difference is "
            f"{_gain(comparison)}{end}"
        )
    said = comparison if comparison.better == comparison.a else comparison.turned()
    return f"{said.a} beats {said.b} by {_gain(said)}{end}"


def _on(n: int) -> str:
    return f"on the same {count(n, 'picture')}" if n else ""


def tested(comparisons: int, measure: Measure, *, corrected: bool) -> str:
    """How differences were tested, and what the correction promises."""
    start = f"Differences are paired, picture by picture; {measure.test}"
    if not corrected:
        return f"{start}."
    return (
        f"{start}, Holm-corrected for {'the' if comparisons == 1 else 'all'} "
        f"{count(comparisons, 'comparison')}: the chance that any of them calls a difference that "
        "is not there is at most 5%. Each interval is at the level of its own test."
    )


def ship(ladder: Ladder) -> str:
    """The rung to ship, how right it is, and by what rule."""
    verdict = ladder.verdict
    rung = ladder.rung(ladder.chosen or (verdict.ship if verdict else None))
    if rung is None:
        return ""
    ends = interval(rung.accuracy)
    value = ladder.measure.said(percent(rung.accuracy.value))
    right = f"{value}{f' ({ends})' if ends else ''}"
    start = f"{'Ship' if ladder.chosen else 'The rung to ship would be'} {rung.name}, {right}"
    if not ladder.chosen and ladder.main(rung.name):
        start = "It is the rung to ship"
    if len(ladder.rungs) == 1:
        return f"{start}: there is nothing to compare it with."
    return f"{start}{_rule(ladder, rung, verdict)}."


def _rule(ladder: Ladder, rung: Rung, verdict: Verdict | None) -> str:
    names = {other.name for other in ladder.rungs}
    if verdict is None or verdict.ship != rung.name:
        return f", chosen on validation among {count(len(names), 'rung')}"
    if ladder.chosen:
        near = "the cheapest rung that looks at them and is within one standard error of the best"
        if not rung.parameters and not rung.multiply_adds:
            near = "nothing that can be shipped does better"
        return f": on the validation pictures {near}"
    if set(verdict.unbeaten) >= names:
        return ", the cheapest: these data can't tell any two apart"
    if len(verdict.unbeaten) == 1:
        return ": every other rung is beaten beyond doubt"
    return ": the cheapest rung that no other beats beyond doubt"


def steps(ladder: Ladder) -> list[str]:
    """What the rung to ship gains over the cheaper, and what the next costs and buys."""
    verdict = ladder.verdict
    if verdict is None:
        return []
    rung = ladder.rung(ladder.chosen or verdict.ship)
    if rung is None:
        return []
    if rung.name != verdict.ship:
        return [f"By the rule of cost and doubt it would be {verdict.ship}.", *_beaten(ladder, "")]
    found = [_next(ladder, rung, verdict), _over(ladder, rung, verdict)]
    found = found if verdict.above else found[::-1]
    return [sentence for sentence in [*found, *_beaten(ladder, verdict.above)] if sentence]


def _next(ladder: Ladder, rung: Rung, verdict: Verdict) -> str:
    above = ladder.rung(verdict.above)
    if above is None:
        alone = len(ladder.rungs) == 1 or verdict.above
        return "" if alone else "No dearer rung scored higher."
    start = f"The next, {above.name}, costs {price(rung, above)}"
    gain = ladder.between(above.name, rung.name)
    if gain is None:
        return f"{start}."
    if gain.better == above.name:
        return f"{start}, and is better by {_gain(gain)}."
    if gain.better == rung.name:
        return f"{start}, and is worse by {_gain(gain.turned())}."
    return f"{start}. Whether it is better, these data can't tell: {_gain(gain)}."


def _over(ladder: Ladder, rung: Rung, verdict: Verdict) -> str:
    below = ladder.rung(verdict.below)
    gain = ladder.between(rung.name, below.name) if below else None
    if below is None or gain is None:
        return ""
    doubt = "" if gain.better else "; these data can't tell the two apart"
    return (
        f"Over {below.name}, the best of the cheaper ones, it gains {_gain(gain)} "
        f"for {price(below, rung)}{doubt}."
    )


def _beaten(ladder: Ladder, told: str | None) -> list[str]:
    """On the test pictures, the strongest of those that beat the rung that validation chose."""
    if ladder.chosen is None:
        return []
    found = [one for one in ladder.beats(ladder.chosen) if one.a != told]
    best = max(found, key=lambda one: one.difference.value or 0.0, default=None)
    if best is None:
        return []
    return [f"On the test pictures {best.a} beats it beyond doubt, by {_gain(best)}."]


def price(cheaper: Rung, dearer: Rung) -> str:
    """What the dearer costs more, in parameters, multiply-adds and seconds."""
    amounts = (
        (cheaper.parameters, dearer.parameters, "parameters"),
        (cheaper.multiply_adds, dearer.multiply_adds, "multiply-adds a picture"),
    )
    parts = [
        f"{compact(abs(b - a)) if a != b else 'no'} {'more' if b >= a else 'fewer'} {what}"
        for a, b, what in amounts
        if a is not None and b is not None
    ]
    if cheaper.seconds is not None and dearer.seconds is not None:
        more = dearer.seconds - cheaper.seconds
        parts.append(f"{duration(abs(more))} {'more' if more >= 0 else 'less'} to fit")
    if len(parts) < 2:
        return "".join(parts) or "what was not measured"
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def answers(ladder: Ladder) -> str:
    """Whose the answers of the run are, where a rung was chosen."""
    if not ladder.chosen:
        return ""
    among = count(len(ladder.rungs), "rung")
    if len(ladder.rungs) == 1:
        return f"The answers are those of the only rung, {ladder.chosen}."
    return f"The answers are those of {ladder.chosen}, chosen on validation among {among}."
