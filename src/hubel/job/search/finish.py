"""The end of a search: the best settings, trained once more and scored once, and the page."""

from __future__ import annotations

import shutil
from typing import Any

from hubel.errors import DataError, RecipeError
from hubel.evaluation.intervals import wilson
from hubel.job.desk import Sitting
from hubel.job.search.desk import SearchDesk
from hubel.job.search.trial import value_of
from hubel.job.work import resume, train
from hubel.runs import Run
from hubel.storage import locked, read_json, write_bytes
from hubel.tuning.study import Study, ending_of

__all__ = ["finish"]


def finish(desk: SearchDesk, study: Study, why: str) -> None:
    """Train the best settings on the training split and score the test split, once.

    Raises:
        RecipeError: no trial came to its end.
    """
    with locked(desk.search.folder) as ours:
        if ours is False or desk.search.facts["status"] == "done":
            desk.reporter.say("another process trains and scores the best")
            return
        best = study.best()
        if best is None:
            counts = ", ".join(f"{n} {name}" for name, n in study.count().items() if n)
            raise RecipeError(
                f"no trial came to its end ({counts or 'none was begun'}; {why}): raise --budget, "
                "give fewer --folds, or narrow the space"
            )
        desk.write(**_summary(desk, study, best), ended=why)
        run = _train(desk, study.settings_of(best, desk.space))
        accuracy = run.evaluation["accuracy"]
        facts = desk.write(test=accuracy | {"n": run.evaluation["n"]})
        _write_page(desk, facts)
        desk.write(status="done")


def _summary(desk: SearchDesk, study: Study, best: Any) -> dict[str, Any]:
    trials = [_trial(desk, study, frozen) for frozen in study.trials()]
    path = desk.search.folder / "trials" / str(best.number) / "run.json"
    folds = read_json(path)["folds"] if path.is_file() else []
    n = len(desk.bench.rows)
    return {
        "counts": study.count(),
        "trials": trials,
        "best": {
            "number": best.number,
            "settings": study.settings_of(best, desk.space),
            "metric": desk.bench.metric,
            "value": best.value,
            "accuracy": wilson(_right(best, n), n).to_json() | {"n": n},
            "folds": [value_of([fold], desk.bench.metric) for fold in folds],
        },
        "importance": study.importance(),
        "labels": {name: desk.space.label(name) for name in desk.space.holes},
    }


def _right(best: Any, n: int) -> int:
    """Right answers out of fold; of older searches, which are valued by accuracy, from that."""
    return int(best.user_attrs.get("right", round(best.value * n)))


def _trial(desk: SearchDesk, study: Study, frozen: Any) -> dict[str, Any]:
    path = desk.search.folder / "trials" / str(frozen.number) / "run.json"
    return {
        "number": frozen.number,
        "ending": ending_of(frozen),
        "value": frozen.value if frozen.state.name == "COMPLETE" else None,
        "parameters": frozen.params,
        "seconds": read_json(path)["seconds"] if path.is_file() else None,
        "why": frozen.user_attrs.get("why"),
    }


def _train(desk: SearchDesk, settings: dict[str, Any]) -> Run:
    """As `hubel train` would: the same splits, the same evaluation, a report, and exact resume."""
    folder = desk.search.folder / "best"
    sitting = Sitting(reporter=desk.reporter)
    epochs = desk.search.facts["plan"]["epochs"]
    if (folder / "run.json").is_file():
        return resume(folder, sitting=sitting)
    shutil.rmtree(folder, ignore_errors=True)  # killed before it was a run
    desk.reporter.say("training with the best settings")
    source = desk.search.facts["data"]["source"]
    chosen = desk.asked.chosen | settings | {"epochs": epochs}
    run = train(source, out=folder, sitting=sitting, **chosen)
    _expect_same_test(desk, run)
    return run


def _expect_same_test(desk: SearchDesk, run: Run) -> None:
    """The final test must be of pictures that no trial has seen."""
    from hubel.data.manifest import Manifest

    manifest = Manifest.read(run.folder / "manifest.parquet")
    tested = {row.tobytes() for row in manifest.digests[manifest.rows("test")]}
    learned = {row.tobytes() for row in desk.bench.dataset.manifest.digests[desk.bench.rows]}
    if tested & learned:
        raise DataError(
            f"{len(tested & learned):,} test pictures were learned from in trials, since pictures "
            "came or went meanwhile; start a new search"
        )


def _write_page(desk: SearchDesk, facts: dict[str, Any]) -> None:
    from hubel.reports.search import search_page

    write_bytes(desk.search.report, search_page(facts).encode())
