"""A class map turns ids into names, whatever file it stands in, and no two ids into one."""

from __future__ import annotations

from pathlib import Path

import pytest

from hubel.data.classmap import find_class_map, read_class_map
from hubel.errors import DataError


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("classes.json", '["cat", "dog"]'),
        ("classes.json", '{"0": "cat", "1": "dog"}'),
        ("classes.json", '{"cat": 0, "dog": 1}'),
        ("classes.txt", "cat\ndog\n"),
        ("classes.txt", "\ufeffcat\r\ndog\r\n\r\n"),
        ("classes.csv", "id,name\n0,cat\n1,dog\n"),
        ("classes.csv", "colour,name,id\nred,cat,0\nred,dog,1\n"),
    ],
)
def test_every_kind_of_map_says_the_same(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_bytes(content.encode())
    found = find_class_map(tmp_path)
    assert found is not None
    assert found.names == {"0": "cat", "1": "dog"}
    assert found.name("dog") == "dog"  # a label that is a name already stays


def test_there_may_be_none(tmp_path: Path) -> None:
    assert find_class_map(tmp_path) is None


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "classes.json",
            '["cat", "cat"]',
            "ids '0' and '1' are both called 'cat', which would make",
        ),
        ("classes.json", "[", "can't be read as a class map: JSONDecodeError"),
        ("classes.json", "7", "expected a list of names, or an object of names by id"),
        ("classes.json", "[]", "names no classes"),
        ("classes.json", '["cat", ["dog"]]', r"expected a name, got \['dog'\]"),
        ("classes.txt", "cat\n\ndog", "the id '1' has an empty name"),
        ("classes.csv", "0,cat\n1,dog\n", "expected the columns id and name"),
        ("classes.csv", "id,name\n0,cat\n0,dog\n", "the id '0' stands twice"),
        ("classes.yaml", "", r"expected a class map that ends in \.json, \.txt, \.csv"),
    ],
)
def test_a_map_that_says_something_else_is_refused(
    tmp_path: Path, name: str, content: str, message: str
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=message):
        read_class_map(tmp_path / name)


def test_two_maps_in_a_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "classes.txt").write_text("cat")
    (tmp_path / "classes.json").write_text('["dog"]')
    with pytest.raises(DataError, match=r"classes\.json and classes\.txt both name classes; keep"):
        find_class_map(tmp_path)
