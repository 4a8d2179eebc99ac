"""`hubel predict`."""

from __future__ import annotations

import csv
import glob
import os
import sys
from collections.abc import Iterable, Iterator
from json import dumps as _dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hubel.errors import DataError

if TYPE_CHECKING:
    from hubel.classifier import Prediction

__all__ = ["command"]

_FORMATS = ("table", "csv", "json")


def command(
    run: Annotated[Path, typer.Argument(help="Folder of a run, or of a classifier.")],
    pictures: Annotated[
        list[str], typer.Argument(help="Files, folders, globs; - reads names from standard input.")
    ],
    top: Annotated[int, typer.Option(min=1, help="How many classes to name.")] = 3,
    format: Annotated[str, typer.Option("--format", help="table, csv or json.")] = "table",
    json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    code: Annotated[
        str | None,
        typer.Option(help="net.py:make, where the network is made by a file of your own."),
    ] = None,
) -> None:
    """Say what is on pictures, with calibrated probabilities.

    Where pictures may have several labels, those above their thresholds come first; in a CSV they
    are a JSON list.

    A picture that can't be read gives a row with its error, and exit code 1 at the end.
    """
    if format not in _FORMATS:
        raise typer.BadParameter(f"expected one of {', '.join(_FORMATS)}, got {format!r}")
    from hubel.classifier import load

    classifier = load(run, code=code)
    answers = classifier.predict_each(expand(pictures))
    top = min(top, len(classifier.classes))
    write = _WRITERS["json" if json else format]
    if not write(answers, top, classifier.cuts is not None):
        raise typer.Exit(1)


def expand(names: Iterable[str]) -> Iterator[str]:
    """The files that were meant: folders give all files in them, `-` what standard input lists."""
    for name in names:
        if name == "-":
            lines = (line.rstrip(b"\r\n") for line in sys.stdin.buffer)  # names are bytes
            yield from expand(os.fsdecode(line) for line in lines if line.strip())
        elif os.path.isdir(name):
            from hubel.data.folders import walk

            found = (os.path.join(name, entry.path) for entry in walk(Path(name)))
            yield from (path for path in found if not os.path.basename(path).startswith("."))
        elif not os.path.exists(name) and glob.has_magic(name):
            matched = sorted(glob.glob(name, recursive=True))
            if not matched:
                raise DataError(f"{name}: no file matches")
            yield from expand(matched)
        else:
            yield name


def _write_table(answers: Iterable[Prediction], top: int, several: bool) -> bool:
    from hubel.cli.console import printable

    fine = True
    for answer in answers:
        pairs = zip(answer.labels[:top], answer.probabilities[:top], strict=True)
        said = "  ".join(f"{printable(label)} {value:.1%}" for label, value in pairs)
        if several and answer.given is not None:
            named = ", ".join(map(printable, answer.given)) or "no label"
            said = f"{named}  ({said})"
        print(f"{printable(answer.file or '')}  {said or 'error: ' + printable(str(answer.error))}")
        fine = fine and answer.error is None
    return fine


def _write_csv(answers: Iterable[Prediction], top: int, several: bool) -> bool:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    numbered = [f"{name}_{n}" for n in range(1, top + 1) for name in ("label", "probability")]
    writer.writerow(["file", *(["labels"] if several else []), *numbered, "error"])
    fine = True
    for answer in answers:
        pairs = zip(answer.labels[:top], answer.probabilities[:top], strict=True)
        cells = [cell for pair in pairs for cell in pair] or [""] * (2 * top)
        named = "" if answer.given is None else _dumps(answer.given, ensure_ascii=False)
        given = [named] if several else []
        writer.writerow([answer.file, *given, *cells, answer.error or ""])
        fine = fine and answer.error is None
    return fine


def _write_json(answers: Iterable[Prediction], top: int, _several: bool) -> bool:
    from hubel.cli.console import print_json

    found = [answer.to_json(top) for answer in answers]
    print_json(found)
    return all(answer["error"] is None for answer in found)


_WRITERS = {"table": _write_table, "csv": _write_csv, "json": _write_json}
