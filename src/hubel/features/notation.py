"""Features as text and as JSON: `histogram(space=hue) + hog(cell=4)`.

```
features  one ("+" one)*
one       name | name "(" argument ("," argument)* ")"
argument  setting "=" value | features          the second only in pyramid, standard, unit
value     8   1.5   8x4x4   yes   no   a word
```
"""

from __future__ import annotations

import re
from dataclasses import MISSING, fields
from types import MappingProxyType
from typing import Any

from hubel.errors import FeatureError
from hubel.features.colour.histogram import Histogram
from hubel.features.composed.joined import Joined
from hubel.features.composed.pyramid import Pyramid
from hubel.features.composed.scaling import Standard, Unit
from hubel.features.feature import Feature
from hubel.features.gradients.hog import HOG
from hubel.features.pixels import Pixels
from hubel.features.settings import near
from hubel.features.texture.lbp import LBP
from hubel.features.words.bag import Words

__all__ = ["FEATURES", "from_json", "parse"]

FEATURES: MappingProxyType[str, type[Feature]] = MappingProxyType(
    {kind.name: kind for kind in (Histogram, HOG, LBP, Words, Pixels, Pyramid, Standard, Unit)}
)
_TOKEN = re.compile(r"\s*([A-Za-z0-9_.\-]+|[(),=+]|\S)")
_YES_NO = {"yes": True, "no": False, "true": True, "false": False, "none": None}


def parse(text: str) -> Feature:
    """The feature that a line of text names. It prints back to that text, in its shortest form.

    Args:
        text: names joined by "+", each with settings in parentheses where they are not the default.

    Raises:
        FeatureError: the text can't be read, or names or sets something that there is not.

    Example:
        >>> str(parse("histogram(space=hue,bins=12)+standard( hog(cell=4, orientations=9) )"))
        'histogram(space=hue, bins=12) + standard(hog(cell=4))'
    """
    reader = _Reader(text)
    found = reader.features()
    if reader.next is not None:
        raise reader.error(f"{reader.next!r} was not expected")
    return found


def from_json(document: Any) -> Feature:
    """The feature that `Feature.to_json` wrote.

    Raises:
        FeatureError: it is no such document.

    Example:
        >>> from_json({"name": "hog", "cell": 4}) == HOG(cell=4)
        True
    """
    if not isinstance(document, dict) or not isinstance(document.get("name"), str):
        raise FeatureError(f"a feature is an object with a name, not {document!r}")
    given: dict[str, Any] = {key: document[key] for key in document if key != "name"}
    if document["name"] == Joined.name:
        parts = given.get("parts")
        if given.keys() != {"parts"} or not isinstance(parts, list):
            raise FeatureError(f"joined features have a list of parts, not {given!r}")
        return Joined(tuple(map(from_json, parts)))
    return _made(document["name"], {key: _from_json(value) for key, value in given.items()})


def _from_json(value: Any) -> Any:
    if isinstance(value, dict):
        return from_json(value)
    return tuple(value) if isinstance(value, list) else value


def _made(name: str, given: dict[str, Any]) -> Feature:
    """A feature of a name with settings, each of which it has."""
    if name not in FEATURES:
        raise FeatureError(
            f"there is no feature {name!r}.{near(name, FEATURES)} There are: {', '.join(FEATURES)}"
        )
    kind = FEATURES[name]
    known = {one.name: one for one in fields(kind)}
    for key, value in given.items():
        if key not in known:
            raise FeatureError(
                f"{name} has no setting {key!r}.{near(key, known)} It has: {', '.join(known)}"
            )
        default = known[key].default
        if isinstance(default, bool) and not isinstance(value, bool):
            raise FeatureError(f"{name}: {key} must be yes or no, not {value!r}")
        if isinstance(default, float) and not _is_number(value):
            raise FeatureError(f"{name}: {key} must be a number, not {value!r}")
        if default is MISSING and not isinstance(value, Feature):
            raise FeatureError(f"{name}: {key} must be a feature, not {value!r}")
    missing = [one.name for one in fields(kind) if one.default is MISSING and one.name not in given]
    if missing:
        raise FeatureError(f"{name} is made of a feature: write {name}(hog)")
    return kind(**given)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


class _Reader:
    """Reads a line from left to right, one token ahead."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = [match[1] for match in _TOKEN.finditer(text)]
        self.place = 0

    @property
    def next(self) -> str | None:
        return self.tokens[self.place] if self.place < len(self.tokens) else None

    def error(self, what: str) -> FeatureError:
        done = " ".join(self.tokens[: self.place])
        after = f" after {done!r}" if done else ""
        return FeatureError(
            f"{self.text!r} can't be read: {what}{after}. Write features as 'histogram + hog', "
            "and settings as 'hog(cell=4, orientations=9)'"
        )

    def take(self, token: str) -> bool:
        """Pass over a token, if it is the next one."""
        if self.next != token:
            return False
        self.place += 1
        return True

    def word(self) -> str:
        found = self.next
        if found is None or not re.fullmatch(r"[\w.\-]+", found):
            raise self.error("a name is missing")
        self.place += 1
        return found

    def features(self) -> Feature:
        parts = [self.one()]
        while self.take("+"):
            parts.append(self.one())
        return parts[0] if len(parts) == 1 else Joined(tuple(parts))

    def one(self) -> Feature:
        name = self.word()
        given: dict[str, Any] = {}
        if self.take("("):
            while not self.take(")"):
                self.argument(name, given)
                if not self.take(",") and self.next != ")":
                    raise self.error("a ')' is missing")
        return _made(name, given)

    def argument(self, name: str, given: dict[str, Any]) -> None:
        start = self.place
        key = self.word()
        if self.take("="):
            value: Any = _value(self.word())
        else:
            self.place = start
            key, value = "of", self.features()
        if key in given:
            raise self.error(f"{key} of {name} is given twice")
        given[key] = value


def _value(word: str) -> object:
    if word in _YES_NO:
        return _YES_NO[word]
    if re.fullmatch(r"-?\d+", word):
        return int(word)
    if re.fullmatch(r"\d+(x\d+)+", word):
        return tuple(map(int, word.split("x")))
    try:
        return float(word)
    except ValueError:
        return word
