"""Numbers with their units, as people read them."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["amount", "bytes_text", "shape_text"]


def shape_text(shape: Sequence[int]) -> str:
    """Sizes with a cross between them; one without axes is a scalar.

    Example:
        >>> shape_text((3, 224, 224)), shape_text(())
        ('3x224x224', 'scalar')
    """
    return "x".join(map(str, shape)) or "scalar"


def bytes_text(count: int) -> str:
    """Bytes in powers of 1000, three digits.

    Example:
        >>> bytes_text(85_909_504), bytes_text(512), bytes_text(2_048)
        ('85.9 MB', '512 B', '2.05 kB')
    """
    text = amount(count)
    return f"{text}B" if text[-1].isalpha() else f"{text} B"


def amount(count: int) -> str:
    """A large number with three digits and its prefix.

    Example:
        >>> amount(4_089_184_256), amount(999), amount(0)
        ('4.09 G', '999', '0')
    """
    if abs(count) < 1000:
        return str(count)
    value, prefixes = count / 1000, "kMGTP"
    while abs(value) >= 999.5 and len(prefixes) > 1:
        value, prefixes = value / 1000, prefixes[1:]
    return f"{value:.3g} {prefixes[0]}"
