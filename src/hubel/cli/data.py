"""`hubel data`."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

import typer

__all__ = ["SOURCES", "command"]

SOURCES = "A folder, a table, an archive (zip, tar), arrays (npz, npy, IDX, HDF5), hf:NAME, a URL"
_SHOWN = 20


def command(
    data: Annotated[str, typer.Argument(help=f"{SOURCES}.")],
    seed: Annotated[int, typer.Option(help="Of the splits that training would draw.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print all facts as JSON.")] = False,
) -> None:
    """Open every file and say what can be used, what can't, and why."""
    from hubel.cli.console import Terminal, print_json
    from hubel.job.inspect import inspect

    with Terminal() as terminal:
        document = inspect(data, seed, terminal)
    if json:
        print_json(document)
    else:
        print(_text(document))


def _text(document: dict[str, Any]) -> str:
    from hubel.cli.console import printable
    from hubel.cli.tables import aligned

    lines = [
        f"{printable(document['source'])}: {document['files']:,} files, "
        f"{document['accepted']:,} accepted, {document['rejected']:,} left out"
    ]
    lines += [f"  {note}" for note in document["notes"]]
    if document["error"]:
        lines += ["", f"can't be trained on: {printable(document['error'])}"]
    names = list(document["splits"])
    rows = [["class", *names]]
    rows += [[printable(name), *(f"{counts[split]:,}" for split in names)]
             for name, counts in document["classes"].items()]  # fmt: skip
    lines += ["", aligned(rows)]
    reasons = Counter(problem["reason"] for problem in document["problems"])
    for reason, count in reasons.most_common():
        lines += ["", f"{count:,} x {reason}"]
        files = [p["file"] for p in document["problems"] if p["reason"] == reason]
        lines += [f"  {printable(file)}" for file in files[:_SHOWN]]
        if len(files) > _SHOWN:
            lines.append(f"  and {len(files) - _SHOWN:,} more; --json names all")
    if document["warnings"]:
        lines += ["", f"{len(document['warnings']):,} files made their decoder warn; --json says "
                      "what of"]  # fmt: skip
    return "\n".join(lines)
