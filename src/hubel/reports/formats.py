"""Numbers and names as the reader sees them: one place decides decimals, units and escapes."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence

from hubel.reports.facts import Estimate

_UNPRINTABLE = {"Cc", "Cs", "Co", "Cn", "Zl", "Zp"}
_BIDI = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")


def visible(text: str) -> str:
    """Show control characters, lone surrogates and writing-direction marks as escapes.

    Example:
        >>> visible("cat\\n.jpg")
        'cat\\\\n.jpg'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character.encode("unicode_escape").decode("ascii")
        if unicodedata.category(character) in _UNPRINTABLE or character in _BIDI
        else character
        for character in text
    )


def percent(fraction: float | None, decimals: int = 1) -> str:
    """A fraction as a percentage without its sign; an en dash where it is undefined.

    A value that is short of 100 or above 0 never rounds into it.

    Example:
        >>> percent(0.8721), percent(0.9999), percent(1.0), percent(None)
        ('87.2', '99.9', '100.0', '–')
    """
    if fraction is None or not math.isfinite(fraction):
        return "–"
    step = 10.0**-decimals
    value = round(fraction * 100, decimals)
    if value >= 100 and fraction < 1:
        value = 100 - step
    elif value == 0 and fraction > 0:
        value = step
    return f"{value:.{decimals}f}".replace("-", "−")


def interval(estimate: Estimate, decimals: int = 1) -> str:
    """The two ends of an interval of fractions, as percentages.

    Example:
        >>> interval(Estimate(0.872, 0.84, 0.899))
        '84.0 to 89.9'
    """
    if estimate.low is None or estimate.high is None:
        return ""
    ends = (estimate.low, estimate.high)
    return " to ".join(f"{end * 100:.{decimals}f}".replace("-", "−") for end in ends)


def plain_interval(estimate: Estimate, decimals: int = 3) -> str:
    """The two ends of an interval of numbers that are not fractions of a whole."""
    if estimate.low is None or estimate.high is None:
        return ""
    return f"{estimate.low:.{decimals}f} to {estimate.high:.{decimals}f}"


def count(number: float, noun: str = "", plural: str | None = None) -> str:
    """A whole number with thousands separated, and its noun in the right number.

    Example:
        >>> count(2527, "picture"), count(1, "class", "classes")
        ('2,527 pictures', '1 class')
    """
    text = f"{round(number):,}"
    if not noun:
        return text
    return f"{text} {noun if round(number) == 1 else plural or noun + 's'}"


def compact(number: float | None) -> str:
    """A count to three figures: 1.2 thousand is `1.2 k`, then M, G, T.

    Example:
        >>> compact(950), compact(61_706), compact(4_090_000_000)
        ('950', '61.7 k', '4.09 G')
    """
    if number is None or not math.isfinite(number):
        return "–"
    for unit, size in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size * 0.9995:
            scaled = number / size
            return f"{scaled:.{max(0, 2 - int(math.log10(max(scaled, 1))))}f} {unit}"
    return count(number)


def duration(seconds: float | None) -> str:
    """Seconds as people say them.

    Example:
        >>> duration(0), duration(0.42), duration(42), duration(192), duration(7384)
        ('0 s', '0.42 s', '42 s', '3 min 12 s', '2 h 3 min')
    """
    if seconds is None or not math.isfinite(seconds):
        return "–"
    if seconds < 0.01:
        return "< 0.01 s" if seconds > 0 else "0 s"
    if seconds < 9.95:
        return f"{seconds:.2f} s" if seconds < 0.995 else f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    minutes = round(seconds / 60)
    return f"{minutes // 60:,} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60:,} h"


def storage(size: float) -> str:
    """Bytes as people say them, in powers of 1,000."""
    if size < 1000:
        return f"{size:.0f} bytes"
    for unit, scale in (("kB", 1e3), ("MB", 1e6), ("GB", 1e9)):
        if size < scale * 1000:
            return f"{size / scale:.3g} {unit}"
    return f"{size / 1e12:.3g} TB"


def sequence(names: Sequence[str], most: int = 6) -> str:
    """Names joined as a sentence joins them; beyond `most`, the rest is counted.

    Example:
        >>> sequence(["cat", "dog", "bird"]), sequence(["a", "b", "c", "d"], most=2)
        ('cat, dog and bird', 'a, b and 2 more')
    """
    if len(names) > most:
        return f"{', '.join(names[:most])} and {count(len(names) - most)} more"
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
