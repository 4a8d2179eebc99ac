"""The database that a study lives in: a file or a server, and what is wrong with it."""

from __future__ import annotations

import sqlite3
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hubel.errors import StorageError

__all__ = ["hidden", "open_storage", "storage_trouble", "url_of_file"]

PATIENCE = 20.0  # seconds that a locked file is waited for


def url_of_file(path: Path) -> str:
    """The address of a SQLite file."""
    return f"sqlite:///{path.resolve()}"


def hidden(url: str) -> str:
    """The address without its password.

    Raises:
        StorageError: it is no address of a database.

    Example:
        >>> hidden("postgresql://me:secret@host/db")
        'postgresql://me:***@host/db'
    """
    from sqlalchemy import exc
    from sqlalchemy.engine import make_url

    try:
        return make_url(url).render_as_string(hide_password=True)
    except exc.ArgumentError:
        raise StorageError(
            f"storage: expected the address of a database, such as sqlite:///studies.db or "
            f"postgresql://me@host/db, got {url!r}"
        ) from None


@contextmanager
def storage_trouble(url: str) -> Generator[None]:
    """Say what is wrong with a database, in place of its driver.

    Raises:
        StorageError: it is locked, gone, or can't be reached.
    """
    import optuna
    from sqlalchemy import exc

    try:
        yield
    except (exc.SQLAlchemyError, optuna.exceptions.StorageInternalError, sqlite3.Error) as error:
        cause = error.__cause__ or getattr(error, "orig", None) or error
        text = str(getattr(cause, "orig", None) or cause).splitlines()[0]
        way = "see that it is there and may be written, then go on"
        if "locked" in text:
            way = "another program holds it: wait for that or stop it, then go on"
        raise StorageError(f"the storage {hidden(url)} failed: {text}; {way}") from error
    except (ImportError, ModuleNotFoundError) as error:
        raise StorageError(
            f"the storage {hidden(url)} needs a driver that is not installed: {error}"
        ) from error


def open_storage(url: str) -> Any:
    """An Optuna storage; tables are made where there are none.

    Raises:
        StorageError: it can't be opened.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    shown = hidden(url)
    options = {"connect_args": {"timeout": PATIENCE}} if shown.startswith("sqlite") else {}
    with storage_trouble(url), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # drivers on their own future
        return optuna.storages.RDBStorage(url, engine_kwargs=options)
