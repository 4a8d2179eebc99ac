"""The errors that Hubel raises on purpose.

```
HubelError                 every one of these; the command line prints it without a traceback
├── DataError              (ValueError) the pictures, their folders or their tables
│   └── PictureError       one picture that cannot be used: its reason and its file
├── RecipeError            (ValueError) a setting that is unknown, impossible or without effect
│   └── BudgetError        a time budget that does not hold one pass over the data
├── FeatureError           (ValueError) a hand-designed feature that is unknown, or unfit pictures
├── DesignError            (ValueError) a network whose arithmetic fails, or can't be told
├── ArtifactError          (ValueError) a classifier or run folder that is not what it says it is
├── StorageError           (OSError) a disk that is full, or a folder that can't be written
├── DivergedError          (ArithmeticError) a loss that is no longer a number
└── Interrupted            (KeyboardInterrupt) stopped by the user, with a way to go on
```
"""

from __future__ import annotations

__all__ = [
    "ArtifactError",
    "BudgetError",
    "DataError",
    "DesignError",
    "DivergedError",
    "FeatureError",
    "HubelError",
    "Interrupted",
    "PictureError",
    "RecipeError",
    "StorageError",
]


class HubelError(Exception):
    """Something that the user can mend: says where, what was expected, what came, the way out.

    Attributes:
        drawn: the message is a small drawing, such as a caret under a word: its lines are printed
            as lines. Elsewhere a line break is part of a foreign name, and is shown as such.
    """

    drawn = False


class DataError(HubelError, ValueError):
    """The data can't be used as they are."""


class PictureError(DataError):
    """One picture can't be used.

    Args:
        reason: a short fixed phrase that groups pictures with the same flaw.
        detail: class and message of the decoder's own error, where there was one.
    """

    def __init__(self, reason: str, detail: str | None = None) -> None:
        super().__init__(reason if detail is None else f"{reason} ({detail})")
        self.reason = reason
        self.detail = detail


class RecipeError(HubelError, ValueError):
    """A setting is unknown, impossible, or would have no effect."""


class BudgetError(RecipeError):
    """The time budget does not hold one pass over the training pictures.

    Args:
        message: what is said.
        left: seconds that there are for training, where they are known.
        needed: seconds that one pass takes.
    """

    def __init__(
        self, message: str, left: float | None = None, needed: float | None = None
    ) -> None:
        super().__init__(message)
        self.left, self.needed = left, needed


class FeatureError(HubelError, ValueError):
    """A hand-designed feature is unknown or ill set, or the pictures can't be described by it."""


class DesignError(HubelError, ValueError):
    """The arithmetic of a network fails, or can't be told: the layer that it stops at is named."""


class ArtifactError(HubelError, ValueError):
    """A file of a run or classifier is missing, changed, or of another schema."""


class StorageError(HubelError, OSError):
    """A file could not be written: a full disk, a folder without permission."""


class DivergedError(HubelError, ArithmeticError):
    """The training loss became infinite or not a number.

    Args:
        message: what the user reads.
        step: the optimizer step, counted from 0, whose loss was not finite.
    """

    def __init__(self, message: str, step: int) -> None:
        super().__init__(message)
        self.step = step


class Interrupted(HubelError, KeyboardInterrupt):  # noqa: N818 (as KeyboardInterrupt)
    """The user stopped the work; the message says what was kept and how to go on."""
