"""`hubel`: the entry point, the exit codes, and what is printed when something is wrong."""

from __future__ import annotations

import time

STARTED = time.monotonic()  # before anything slow is imported: a budget counts from here

import io  # noqa: E402
import os  # noqa: E402

# Read when PyTorch's threads are first started. Waiting threads that spin are what they do by
# default; on a machine that is shared that made training two to five times slower here.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import sys  # noqa: E402
import traceback  # noqa: E402
import warnings  # noqa: E402
from typing import Any, NoReturn  # noqa: E402

import typer  # noqa: E402
from typer.core import TyperGroup  # noqa: E402

from hubel import __version__  # noqa: E402
from hubel.cli import (  # noqa: E402
    cache,
    data,
    design,
    ladder,
    models,
    optimizers,
    predict,
    report,
    search,
    train,
)
from hubel.cli.console import printable  # noqa: E402
from hubel.errors import HubelError  # noqa: E402

__all__ = ["app", "main"]

DONE, AT_FAULT, USAGE, BUG, INTERRUPTED = 0, 1, 2, 3, 130


class _Verbs(TyperGroup):
    """Leaves with our codes: typer would swallow what an interrupt has to say."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            _leave(str(error) or "interrupted", INTERRUPTED)
        except HubelError as error:
            _leave(f"error: {error}", AT_FAULT, lines=error.drawn)
        except BrokenPipeError:
            # Whoever read our output has left; there is nobody to tell.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(DONE)


app = typer.Typer(
    name="hubel",
    cls=_Verbs,
    help="From labelled pictures to a classifier that its owner can see through.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command("train")(train.command)
app.command("ladder")(ladder.command)
app.command("predict")(predict.command)
app.command("data")(data.command)
app.add_typer(cache.app, name="cache")
app.command("design")(design.command)
app.command("models")(models.command)
app.command("optimizers")(optimizers.command)
app.command("report")(report.command)
app.command("search")(search.command)


@app.callback(invoke_without_command=True)
def root(
    version: bool = typer.Option(False, "--version", help="Print the version and leave."),
) -> None:
    """From labelled pictures to a classifier that its owner can see through."""
    if version:
        print(f"hubel {__version__}")
        raise typer.Exit


def main() -> None:
    """Run the command line and leave with a code: 0 done, 1 the input, 2 usage, 3 a bug, 130."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name that the terminal can't show is escaped
            stream.reconfigure(errors="backslashreplace")
    warnings.showwarning = _note
    try:
        app(prog_name="hubel", standalone_mode=True)
    except Exception:
        traceback.print_exc()
        _leave("this is a bug of hubel: please report it with the lines above", BUG)


def _note(message: Warning | str, *_: object, **__: object) -> None:
    """A warning as one line, without the place in the code that it comes from."""
    print(printable(f"note: {message}"), file=sys.stderr)


def _leave(message: str, code: int, *, lines: bool = False) -> NoReturn:
    """Say why, and go; `lines`: the message is made of lines that belong below each other."""
    for line in message.split("\n") if lines else [message]:
        print(printable(line), file=sys.stderr)
    sys.exit(code)
