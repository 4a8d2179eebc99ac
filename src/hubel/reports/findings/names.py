"""How a sentence holds a name that a user chose."""

from __future__ import annotations


def quoted(name: str) -> str:
    """A plain word as it is; anything else in quotation marks, so that the sentence stays whole.

    Example:
        >>> quoted("glass"), quoted("not a cat")
        ('glass', '“not a cat”')
    """
    return name if name.isidentifier() and len(name) <= 30 else f"“{name}”"
