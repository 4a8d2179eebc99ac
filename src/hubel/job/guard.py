"""Whatever ends a run early is written down."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import torch

from hubel.errors import HubelError, Interrupted, RecipeError, StorageError
from hubel.job.desk import Desk
from hubel.runs import Run
from hubel.storage import lock_folder, storage_errors

__all__ = ["alone"]


def alone(desk: Desk, locked: Path, stages: Callable[[], Run]) -> Run:
    """All stages, alone at the run: a second process is refused before it changes anything.

    Args:
        desk: of the run.
        locked: a folder of the run that is locked meanwhile.
        stages: what to do.
    """
    with storage_errors(locked):
        locked.mkdir(exist_ok=True)
    with lock_folder(locked):
        desk.ledger.write(status="running", error=None)
        return _guarded(desk, stages)


def _guarded(desk: Desk, stages: Callable[[], Run]) -> Run:
    try:
        return stages()
    except Interrupted as error:
        _note(desk, "interrupted", str(error))
        raise
    except torch.OutOfMemoryError as error:
        message = (
            f"{desk.ledger.facts['device']['text']} has too little memory: begin again with a "
            f"smaller --batch-size (it was {desk.recipe.batch_size}) or --size"
        )
        _note(desk, "failed", message)
        raise RecipeError(message) from error
    except KeyboardInterrupt:
        message = f"stopped; go on with: {desk.way_on}"
        _note(desk, "interrupted", message)
        raise Interrupted(message) from None
    except BaseException as error:
        _note(desk, "failed", str(error) or type(error).__name__)
        if isinstance(error, StorageError):
            desk.reporter.say(f"when that is mended: {desk.way_on}")
        raise


def _note(desk: Desk, status: str, error: str) -> None:
    if desk.ledger.facts["status"] == "running":
        with suppress(HubelError):  # the disk may be what failed; `error` says so
            desk.ledger.write(status=status, error=error)
