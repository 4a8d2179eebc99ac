"""`hubel cache`: what is kept between runs, and clearing it."""

from __future__ import annotations

import os
import re
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hubel.errors import DataError

if TYPE_CHECKING:
    from hubel.data.shelves import Shelf

__all__ = ["app"]

_AGE = re.compile(r"([0-9]+)([dhm])")
_SECONDS = {"d": 86_400, "h": 3_600, "m": 60}

app = typer.Typer(add_completion=False, rich_markup_mode=None)

Json = Annotated[bool, typer.Option("--json", help="Print the facts as JSON.")]


@app.callback(invoke_without_command=True)
def show(context: typer.Context, json: Json = False) -> None:
    """Show the pixels that are cached: of what, how much, when last used."""
    if context.invoked_subcommand is not None:
        return
    from hubel.cli.console import print_json
    from hubel.data.shelves import limit, shelves, shelves_folder, shown_bytes

    found, most = shelves()[::-1], limit()
    total = sum(shelf.bytes for shelf in found)
    if json:
        shown = [shelf.to_json() for shelf in found]
        facts = {"folder": str(shelves_folder()), "bytes": total, "limit": most}
        print_json(facts | {"shelves": shown})
        return
    print(f"{shelves_folder()}: {shown_bytes(total)} of at most {shown_bytes(most)}")
    if found:
        print("\n" + _table(found))


@app.command()
def clear(
    source: Annotated[str | None, typer.Option(help="Only the pixels of this source.")] = None,
    older: Annotated[
        str | None, typer.Option(help="Only what was not used for so long: 30d, 12h, 10m.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All of it.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    json: Json = False,
) -> None:
    """Delete cached pixels; what a running process uses stays."""
    from hubel.cli.console import print_json
    from hubel.data.shelves import remove, shelves, shown_bytes

    if every == (source is not None or older is not None):
        raise DataError("clear: expected --all, or --source DATA, or --older 30d, or the last two")
    chosen = [shelf for shelf in shelves() if _meant(shelf, source, older)]
    gone = [one for one in chosen if not one.in_use and (dry_run or remove(one))]
    kept = [shelf for shelf in chosen if shelf not in gone]
    if json:
        facts = {"removed": gone, "kept": kept}
        shown = {name: [one.to_json() for one in found] for name, found in facts.items()}
        print_json(shown | {"dry_run": dry_run})
        return
    size = shown_bytes(sum(one.bytes for one in gone))
    print(f"{size} would be deleted" if dry_run else f"{size} deleted")
    if gone:
        print("\n" + _table(gone))
    if kept:
        print("\nkept, since a running process uses them\n" + _table(kept))


def _meant(shelf: Shelf, source: str | None, older: str | None) -> bool:
    if source is not None:
        names = {source, os.path.realpath(source)}
        if not names & {shelf.source, os.path.realpath(shelf.source)}:
            return False
    return older is None or time.time() - shelf.used > _seconds(older)


def _seconds(text: str) -> int:
    found = _AGE.fullmatch(text)
    if found is None:
        raise DataError(f"--older: expected days, hours or minutes as in 30d; got {text!r}")
    return int(found[1]) * _SECONDS[found[2]]


def _table(found: list[Shelf]) -> str:
    from hubel.cli.console import printable
    from hubel.cli.tables import aligned
    from hubel.data.shelves import shown_bytes

    there: dict[Any, str] = {True: "there", False: "gone", None: "?"}
    rows = [["source", "pixels", "size", "last use", "source is"]]
    for one in found:
        used = "now" if one.in_use else time.strftime("%Y-%m-%d %H:%M", time.localtime(one.used))
        state = there[one.source_exists]
        rows.append([printable(one.source), one.way, shown_bytes(one.bytes), used, state])
    return aligned(rows)
