"""The page of the notation says what is so: its table, its lines, its errors, its Python."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

from hubel.models.notation import NotationError, build, check
from hubel.models.notation.reference import word_table

PAGE = Path(__file__).parents[3] / "docs" / "notation.md"
TEXT = PAGE.read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^(\S+) {2,}(.+)$|^(\S{8,9}) (.+)$", TEXT.split("```")[1], re.MULTILINE)
LINES = {name or long_name: line or long_line for name, line, long_name, long_line in EXAMPLES}
ERRORS = re.findall(r'^\$ hubel design "(.+)" --input (\S+)\n((?:.+\n)+)', TEXT, re.MULTILINE)


def test_the_table_of_words_is_the_table() -> None:
    assert word_table() in TEXT


def test_the_page_has_lines_and_errors() -> None:
    assert (len(LINES), len(ERRORS)) == (10, 8)


@pytest.mark.parametrize("name", LINES)
def test_its_lines_build(name: str) -> None:
    import torch

    side = 224 if name == "ViT-S/16" else 32
    with torch.device("meta"):
        module = build(LINES[name], (3, side, side), 10)
        assert module(torch.empty(2, 3, side, side)).shape == (2, 10)


@pytest.mark.parametrize(("line", "size", "printed"), ERRORS)
def test_its_errors_are_what_is_printed(line: str, size: str, printed: str) -> None:
    shape = tuple(int(side) for side in size.split("x"))
    with pytest.raises(NotationError) as caught:
        check(line, shape)
    assert f"error: {caught.value}" == printed.replace("```", "").strip()


def test_its_python_runs() -> None:
    assert doctest.testfile(str(PAGE), module_relative=False).failed == 0
