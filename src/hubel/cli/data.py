"""`hubel data`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = ["SOURCES", "command"]

SOURCES = "A folder, a table, an archive (zip, tar), arrays (npz, npy, IDX, HDF5), hf:NAME, a URL"
_SHOWN = 20


def command(  # noqa: PLR0917 (typer calls it by name)
    data: Annotated[str, typer.Argument(help=f"{SOURCES}.")],
    seed: Annotated[int, typer.Option(help="Of the splits that training would draw.")] = 0,
    listed: Annotated[bool, typer.Option("--list", help="Name the files of each finding.")] = False,
    labels: Annotated[
        bool, typer.Option(help="Judge labels and look for outliers, with a cheap classifier.")
    ] = True,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for audit.html, audit.parquet and audit.json."),
    ] = None,
    fail_on: Annotated[
        str | None,
        typer.Option(help="Exit with 1 at such findings: error, warning, note, or their names."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print all facts as JSON.")] = False,
) -> None:
    """Open every file and say what can be used, what can't, and what may be wrong."""
    from hubel.cli.console import Terminal, print_json
    from hubel.data.audit.findings import failing, parse_fail_on
    from hubel.job.audit.writing import expect_place, write_audit
    from hubel.job.inspect import examine

    names = parse_fail_on(fail_on)
    if out is not None:
        expect_place(data, out)
    with Terminal() as terminal:
        examined = examine(data, seed, terminal, labels=labels)
        if out is not None:
            write_audit(examined, out)
            terminal.say(f"written: {out / 'audit.html'}, audit.parquet and audit.json")
    document = examined.document
    print_json(document) if json else print(_text(document, listed))
    failed = failing(examined.audit.findings, names)
    if failed:
        with Terminal() as terminal:
            terminal.say(f"--fail-on: found {', '.join(failed)}")
        raise typer.Exit(1)


def _text(document: dict[str, Any], listed: bool) -> str:
    lines = [*_counts(document), "", *_findings(document["audit"], listed), *_problems(document)]
    return "\n".join(lines)


def _counts(document: dict[str, Any]) -> list[str]:
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
    return [*lines, "", aligned(rows), "", *_about(document["audit"]["about"])]


def _about(about: dict[str, Any]) -> list[str]:
    """Sizes, formats, light: a line each."""
    lines: list[str] = []
    for title, key in (("formats", "formats"), ("modes", "modes")):
        total = sum(about[key].values())
        common = list(about[key].items())[:4]
        told = ", ".join(f"{name} {100 * n / total:.0f}%" for name, n in common)
        more = f" and {len(about[key]) - 4} more" if len(about[key]) > 4 else ""
        lines += [f"{title:<11}{told}{more}"] if told else []
    for title, keys, form in (
        ("size", ("width", "height"), "{:.0f}"),
        ("ratio", ("aspect",), "{:.2f}"),
        ("brightness", ("brightness",), "{:.0f}"),
    ):
        found = [about[key] for key in keys]
        if all(found):
            ends = (
                " x ".join(form.format(one[end]) for one in found)
                for end in ("median", "least", "most")
            )
            lines.append(f"{title:<11}median {{}}, from {{}} to {{}}".format(*ends))
    return lines


def _problems(document: dict[str, Any]) -> list[str]:
    from hubel.cli.console import printable

    lines: list[str] = []
    reasons = Counter(problem["reason"] for problem in document["problems"])
    for reason, count in reasons.most_common():
        files = [p["file"] for p in document["problems"] if p["reason"] == reason]
        lines += ["", f"{count:,} x {reason}"]
        lines += [f"  {printable(file)}" for file in files[:_SHOWN]]
        if len(files) > _SHOWN:
            lines.append(f"  and {len(files) - _SHOWN:,} more; --json names all")
    if document["warnings"]:
        lines += ["", f"{len(document['warnings']):,} files made their decoder warn; --json says "
                       "what of"]  # fmt: skip
    return lines


def _findings(audit: dict[str, Any], listed: bool) -> list[str]:
    """The findings in one table, the gravest first; with `listed`, their files below it."""
    from hubel.cli.tables import aligned

    found = audit["findings"]
    if not found:
        return ["nothing was found that looks wrong", *audit["notes"]]
    wide = max(len(one["what"]) for one in found)
    rows = [["finding", "grade", "files", "that are".ljust(wide)]]
    rows += [
        [one["name"], one["severity"], f"{one['count']:,}", one["what"].ljust(wide)]
        for one in found
    ]
    lines = [aligned(rows), *_judged(audit), *audit["notes"]]
    if not listed:
        return [*lines, "--list names the files; --json tells all; --out FOLDER shows them"]
    for one in found:
        lines += ["", f"{one['name']}: {one['advice']}", *_files(one)]
    return lines


def _judged(audit: dict[str, Any]) -> list[str]:
    judged = audit["judged"]
    if judged is None or not any(one["name"] == "label-error" for one in audit["findings"]):
        return []
    return [
        "label-error: by a classifier that is itself right on "
        f"{100 * judged['accuracy']:.0f}%; look before you believe it"
    ]


def _files(one: dict[str, Any]) -> list[str]:
    from hubel.cli.console import printable

    if one["sets"]:
        return [
            line
            for files in one["sets"]
            for line in (f"  {printable(files[0])}", *(f"    {printable(f)}" for f in files[1:]))
        ]
    return [
        f"  {printable(file['file'])}" + (f": {printable(file['why'])}" if file["why"] else "")
        for file in one["files"]
    ]
