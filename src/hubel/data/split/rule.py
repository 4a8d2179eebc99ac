"""What to hold out, and how: the user's word where there is one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from hubel.errors import RecipeError

__all__ = ["KINDS", "MISSING", "SplitKind", "SplitRule", "settle_given"]

SplitKind = Literal["stratified", "time"]
KINDS: tuple[SplitKind, ...] = ("stratified", "time")
MISSING = ("refuse", "allow")
_SETTINGS = {"test_share": "test", "val_share": "val"}


@dataclass(frozen=True, kw_only=True, slots=True)
class SplitRule:
    """How samples without a given split are divided.

    Attributes:
        kind: `stratified` draws from each class; `time` holds out the newest.
        test: share of the test split, where none is given.
        val: share of validation, where none is given; None is 10%, at most 2,000 samples: beyond
            that more pictures teach more than they measure.
        missing: `refuse` a class that test or validation lacks, or `allow` it.
        asked: names of the settings that the user set; one without effect is refused.

    Raises:
        RecipeError: shares that leave nothing to learn from.
    """

    kind: SplitKind = "stratified"
    test: float = 0.20
    val: float | None = None
    missing: str = "refuse"
    asked: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if self.test + (self.val or 0.0) >= 1:
            raise RecipeError(
                f"test_share and val_share: expected less than 1 together, got {self.test:g} + "
                f"{self.val or 0:g}, which leaves nothing to learn from"
            )

    def to_json(self) -> dict[str, Any]:
        """The rule as JSON types; `SplitRule(**document)` is the same rule, whoever set it."""
        return {"kind": self.kind, "test": self.test, "val": self.val, "missing": self.missing}

    def wanted(self, count: int, given: set[str]) -> dict[str, float]:
        """Shares of the splits that have to be drawn.

        Args:
            count: of the samples to draw from.
            given: splits that the user gave.

        Raises:
            RecipeError: a setting of the user's would have no effect.
        """
        shares = {
            "test": self.test,
            "val": min(0.10, 2_000 / max(count, 1)) if self.val is None else self.val,
        }
        for name, split in _SETTINGS.items():
            if name in self.asked and split in given:
                raise RecipeError(f"{name} has no effect: the {split} split is given; leave it out")
        wanted = {split: share for split, share in shares.items() if split not in given}
        if "split" in self.asked and not wanted:
            raise RecipeError(f"split={self.kind} has no effect: all splits are given; leave it "
                              "out")  # fmt: skip
        return wanted


def settle_given(splits: list[str | None]) -> tuple[list[str | None], list[str]]:
    """Where validation is given and no test, the given validation becomes the test.

    What the user holds out is what the final figure should be about; validation is then drawn
    from the training pictures.
    """
    given = set(splits)
    if "val" not in given or "test" in given:
        return splits, []
    note = "no test split is given: the given validation split is scored once as the test, and \
validation is drawn from the training pictures"
    return ["test" if split == "val" else split for split in splits], [note]
