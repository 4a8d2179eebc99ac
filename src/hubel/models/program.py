"""A network from the user's own Python file, named as `net.py:make`.

The file runs only where it is named explicitly. Its SHA-256 is recorded with what was trained, and
compared before the code runs again.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.abc
import importlib.util
import inspect
import re
import sys
import traceback
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hubel.errors import ArtifactError, RecipeError

if TYPE_CHECKING:
    from torch import nn

__all__ = ["Program"]

_NAME = re.compile(r"(?P<path>.+\.py)(?::(?P<function>.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Program:
    """A function (or a class) of a Python file, that returns a network.

    Attributes:
        path: of the file.
        function: its name there.
    """

    path: Path
    function: str

    @staticmethod
    def is_named(name: str) -> bool:
        """Whether a name is meant as a Python file's function.

        Example:
            >>> Program.is_named("nets/net.py:make"), Program.is_named("conv3x3(8) gap fc")
            (True, False)
        """
        return _NAME.fullmatch(name) is not None

    @staticmethod
    def has_function(name: str) -> bool:
        """Whether a name says which function of the file is meant."""
        found = _NAME.fullmatch(name)
        return found is not None and found["function"] is not None

    @classmethod
    def parse(cls, name: str) -> Program:
        """From `path/to/net.py:make`.

        Raises:
            RecipeError: there is no function in the name.
        """
        found = _NAME.fullmatch(name)
        assert found is not None
        path, function = Path(found["path"]).expanduser(), found["function"]
        if function is None or not function.isidentifier():
            there = _listed(_made_in(path)) if path.is_file() else ""
            such = f"such as {path.name}:make"
            raise RecipeError(f"{name}: expected FILE.py:FUNCTION, {such}.{there}")
        return cls(path, function)

    @property
    def name(self) -> str:
        """As it is typed, with the whole path."""
        return f"{self.path.absolute()}:{self.function}"

    @property
    def short(self) -> str:
        """File and function, without folders: what leaves this machine."""
        return f"{self.path.name}:{self.function}"

    @property
    def sha256(self) -> str:
        """Of the file as it is now."""
        return hashlib.sha256(_source(self.path)).hexdigest()

    def expect(self) -> Program:
        """Make sure that the file defines the function, without running it.

        Raises:
            RecipeError: there is no such file, it is no Python, or it defines no such name.
        """
        if self.function not in _bound_in(self.path):
            names = _made_in(self.path)
            near = get_close_matches(self.function, names, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise RecipeError(f"{self.path} defines no {self.function!r}.{hint}{_listed(names)}")
        return self

    def expect_same(self, sha256: str) -> Program:
        """Make sure that the file is the one that was recorded.

        Raises:
            ArtifactError: it has changed.
        """
        if (self.path.absolute(), sha256) not in _RUN:
            _same_source(self.path, sha256)
        return self

    def make(self, sha256: str | None, facts: dict[str, Any], options: dict[str, Any]) -> nn.Module:
        """Run the file, once a process, and call the function.

        Args:
            sha256: of the file, as it was recorded; None where nothing was.
            facts: keyword arguments; those that the function doesn't take are left out.
            options: keyword arguments that it must take.

        Raises:
            ArtifactError: the file has changed since it was recorded.
            RecipeError: the code fails, or returns no `nn.Module`.
        """
        from torch import nn

        sha256 = sha256 or self.sha256
        path = self.path.absolute()
        if (path, sha256) not in _RUN:
            self.expect()
        with _importable(path.parent):
            try:
                make = getattr(_run(path, sha256), self.function)
                found = make(**_taken(make, facts), **options)
            except ArtifactError:
                raise
            except Exception as error:  # the user's own code: anything can come out of it
                where = _where(error, self.path)
                raise RecipeError(f"{self.short} can't be built: {where}") from error
        if not isinstance(found, nn.Module):
            raise RecipeError(
                f"{self.short} returned {type(found).__name__}; expected a torch.nn.Module that "
                "takes pictures (n, channels, height, width) and gives class scores (n, classes)"
            )
        return found


class _Loader(importlib.abc.SourceLoader):
    """Loads the very bytes whose digest was compared."""

    def __init__(self, path: Path, source: bytes) -> None:
        self._path, self._source = str(path), source

    def get_filename(self, fullname: str) -> str:
        return self._path

    def get_data(self, path: str) -> bytes:
        return self._source


_RUN: dict[tuple[Path, str], Any] = {}


def _run(path: Path, sha256: str) -> Any:
    """The module that the file makes; one that ran with this digest does not run again."""
    if (path, sha256) not in _RUN:
        name = f"hubel_program_{sha256[:16]}"
        loader = _Loader(path, _same_source(path, sha256))
        spec = importlib.util.spec_from_file_location(name, path, loader=loader)
        assert spec is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # dataclasses look their module up there
        try:
            loader.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise
        _RUN[path, sha256] = module
    return _RUN[path, sha256]


@contextmanager
def _importable(folder: Path) -> Generator[None]:
    """Let the file import its neighbours, after everything that is installed."""
    sys.path.append(str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


def _taken(make: Callable[..., Any], given: dict[str, Any]) -> dict[str, Any]:
    parameters = inspect.signature(make).parameters.values()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return given
    names = {p.name for p in parameters if p.kind is not p.POSITIONAL_ONLY}
    return {name: value for name, value in given.items() if name in names}


def _source(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        near = get_close_matches(path.name, [p.name for p in path.parent.glob("*.py")], n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise RecipeError(f"{path} can't be read: {error.strerror}.{hint}") from error


def _same_source(path: Path, sha256: str) -> bytes:
    """What a file holds, if that is what was recorded."""
    source = _source(path)
    found = hashlib.sha256(source).hexdigest()
    if found != sha256:
        raise ArtifactError(
            f"{path} is not the code that the network was made by: its SHA-256 is {found}, "
            f"recorded is {sha256}; give the file as it was then, or train again"
        )
    return source


def _bound_in(path: Path) -> set[str]:
    """Every name that a file gives to something, imports too, without running it."""
    return {name for node in _statements(_source(path), str(path)) for name in _bound(node)}


def _made_in(path: Path) -> list[str]:
    """The functions and classes that a file itself defines, without running it."""
    nodes = _statements(_source(path), str(path))
    return [node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)]


@functools.cache
def _statements(source: bytes, path: str) -> tuple[ast.stmt, ...]:
    try:
        return tuple(ast.parse(source, path).body)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        where = f", line {line}" if line else ""
        raise RecipeError(f"{path}{where}: this is no Python: {error}") from error


def _bound(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [(alias.asname or alias.name).partition(".")[0] for alias in node.names]
    if isinstance(node, ast.Assign):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    return []


def _listed(names: list[str]) -> str:
    return f" It defines: {', '.join(names)}" if names else ""


def _where(error: BaseException, path: Path) -> str:
    """Class and message of an error, with the line of the user's file that it came from."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(path.absolute())]
    where = f"line {lines[-1]}: " if lines else ""
    return f"{where}{type(error).__name__}: {error}"
