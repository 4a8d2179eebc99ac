"""The shape of the code: imports point one way, sizes have limits, the start stays light."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

import hubel

ROOT = Path(hubel.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))
LAYERS = (
    {"errors", "storage", "caches"},
    {"data", "features", "models", "analysis"},
    {"training", "evaluation"},
    {"classifier", "runs", "artifact", "reports", "tuning"},
    {"job"},
    {"cli"},
    {"__main__"},
)
LEVEL = {part: level for level, layer in enumerate(LAYERS) for part in layer}
NO_MORE = {"module": 400, "function": 40, "parameters": 6}
VERBS = ROOT / "cli"  # an option of a verb is an argument of its function

Function = ast.FunctionDef | ast.AsyncFunctionDef


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


every_module = pytest.mark.parametrize("path", MODULES, ids=shown)


def part_of(path: Path) -> str:
    """The top-level part that a module belongs to; empty for the package itself."""
    first = path.relative_to(ROOT).parts[0].removesuffix(".py")
    return "" if first == "__init__" else first


def imported(path: Path) -> set[str]:
    """The parts of hubel that a module imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: imports are absolute"
            names.add(node.module)
    return {name.split(".")[1] for name in names if name.startswith("hubel.")}


def functions(path: Path) -> Iterator[Function]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, Function):
            yield node


def code_lines(path: Path, function: Function) -> int:
    """Lines of a function with code in them: signature and body, without its docstring."""
    lines = path.read_text(encoding="utf-8").splitlines()
    first = function.body[0]
    inside = set(range(function.lineno, (function.end_lineno or 0) + 1))
    if ast.get_docstring(function) is not None:
        inside -= set(range(first.lineno, (first.end_lineno or 0) + 1))
    texts = (lines[number - 1].strip() for number in inside)
    return sum(1 for text in texts if text and not text.startswith("#"))


@every_module
def test_imports_point_one_way(path: Path) -> None:
    part = part_of(path)
    if part:  # the package itself only names where its public names live
        above = {name for name in imported(path) if LEVEL[name] > LEVEL[part]}
        assert above == set()


def test_no_two_parts_import_each_other() -> None:
    uses: dict[str, set[str]] = {part: set() for part in LEVEL}
    for path in MODULES:
        if part_of(path):
            uses[part_of(path)] |= imported(path) - {part_of(path)}
    free: set[str] = set()
    while len(free) < len(uses):
        ready = {part for part in uses.keys() - free if uses[part] <= free}
        assert ready, f"a circle among {sorted(uses.keys() - free)}"
        free |= ready


@every_module
def test_no_module_is_too_long(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= NO_MORE["module"]


@every_module
def test_no_function_is_too_long(path: Path) -> None:
    long = {f.name: code_lines(path, f) for f in functions(path)}
    assert {name: n for name, n in long.items() if n > NO_MORE["function"]} == {}


@every_module
def test_no_function_takes_too_much(path: Path) -> None:
    if path.parent == VERBS:
        return
    counts = {
        f.name: len({a.arg for a in (*f.args.posonlyargs, *f.args.args, *f.args.kwonlyargs)}
                    - {"self", "cls"})
        for f in functions(path)
    }  # fmt: skip
    assert {name: n for name, n in counts.items() if n > NO_MORE["parameters"]} == {}


def test_modules_and_functions_are_small() -> None:
    lengths = [len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES]
    sizes = [code_lines(path, function) for path in MODULES for function in functions(path)]
    assert median(lengths) < 150
    assert median(sizes) < 12


@pytest.mark.parametrize("folder", sorted({p.parent for p in MODULES} - {ROOT}), ids=shown)
def test_every_folder_says_what_belongs_there(folder: Path) -> None:
    tree = ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))
    assert len(ast.get_docstring(tree) or "") > 40


@every_module
def test_nothing_in_a_file_is_ever_executed(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    words = ("pickle.load", "torch.load", "import pickle", "allow_pickle=True", "eval(", "exec(")
    calls = {word for word in words if word in text.replace(".eval(", "").replace("_eval(", "")}
    assert calls == set()


@every_module
def test_names_that_are_offered_are_there_and_sorted(path: Path) -> None:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    module = importlib.import_module(".".join(part for part in parts if part != "__init__"))
    names = list(getattr(module, "__all__", []))
    assert names == sorted(names, key=lambda name: (not name.isupper(), name[0].islower(), name))
    assert [name for name in names if not hasattr(module, name)] == []


def test_the_public_names_are_sorted_and_there() -> None:
    assert hubel.__all__ == sorted(hubel.__all__)
    assert all(getattr(hubel, name).__doc__ for name in hubel.__all__)
    assert set(hubel.__all__) <= set(dir(hubel))
    with pytest.raises(AttributeError, match="module 'hubel' has no attribute 'trian'"):
        _ = hubel.trian


SLOW = (
    "torch",
    "matplotlib",
    "pyarrow",
    "scipy",
    "sklearn",
    "numpy",
    "PIL",
    "pydantic",
    "optuna",
    "sqlalchemy",
)


@pytest.mark.parametrize("module", ["hubel", "hubel.errors", "hubel.cli.main"])
def test_importing_loads_nothing_slow(module: str) -> None:
    code = f"import sys, {module}; print(*sorted(set({SLOW}) & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize("package", ["hubel.evaluation.evaluation", "hubel.reports.build"])
def test_numbers_and_reports_need_no_torch(package: str) -> None:
    code = f"import sys, {package}; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
