"""The manifest: what is accepted, what is left out, and how classes are ordered."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubel.data.manifest import SCHEMA, SPLITS, Manifest, natural_order, read_parquet
from hubel.errors import ArtifactError


def manifest(rows: list[dict[str, Any]]) -> Manifest:
    return Manifest(pa.Table.from_pylist(rows, schema=SCHEMA))


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "label": st.one_of(st.none(), st.sampled_from(["cat", "dog10", "dog9"])),
            "split": st.sampled_from(SPLITS),
            "problem": st.one_of(st.none(), st.just("empty file")),
        }
    ),
    max_size=30,
).map(
    lambda rows: [
        row | {"file": f"{n}", "path": b"%d" % n, "problem": row["problem"] or
               (None if row["label"] else "no label")}
        for n, row in enumerate(rows)
    ]
)  # fmt: skip


@given(ROWS)
def test_counts_add_up(rows: list[dict[str, Any]]) -> None:
    found = manifest(rows)
    assert found.accepted.sum() + len(found.problems()) == len(found) == len(rows)
    assert sum(found.counts().values()) == found.accepted.sum()
    for split in SPLITS:
        expected = [n for n, row in enumerate(rows) if row["split"] == split and not row["problem"]]
        assert found.rows(split).tolist() == expected
        assert found.files(found.rows(split)) == [str(n) for n in expected]


@given(ROWS)
def test_targets_are_places_in_the_classes(rows: list[dict[str, Any]]) -> None:
    found = manifest(rows)
    for row, target in zip(rows, found.targets, strict=True):
        if row["problem"]:
            assert target == -1
        else:
            assert found.classes[target] == row["label"]
    assert sorted(set(found.targets[found.accepted])) == list(range(len(found.classes)))


def test_problems_say_file_reason_and_error() -> None:
    row = {"file": "a", "path": b"a", "problem": "broken or truncated", "error": "OSError: cut"}
    assert manifest([row]).problems() == [
        {"file": "a", "reason": "broken or truncated", "error": "OSError: cut"}
    ]


@given(ROWS)
def test_a_file_gives_back_the_same_manifest(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "manifest.parquet"
    found = manifest(rows)
    found.write(path)
    assert Manifest.read(path).table.equals(found.table)


def test_any_name_and_digest_come_back(tmp_path: Path) -> None:
    digest = hashlib.sha256(b"x").digest()
    names = [b"a b/\n.png", b"caf\xe9.png", "日本".encode()]
    found = manifest([{"file": "x", "path": name, "digest": digest} for name in names])
    found.write(tmp_path / "m.parquet")
    again = Manifest.read(tmp_path / "m.parquet")
    assert [again.path(row).encode("utf-8", "surrogateescape") for row in range(3)] == names
    np.testing.assert_array_equal(again.digests, np.tile(np.frombuffer(digest, np.uint8), (3, 1)))


def test_a_file_that_was_not_read_has_a_digest_of_zeros() -> None:
    assert manifest([{"file": "x", "path": b"x"}]).digests.tolist() == [[0] * 32]


def test_what_is_no_manifest_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.parquet"
    with pytest.raises(ArtifactError, match=r"m\.parquet can't be read as Parquet: .*No such file"):
        Manifest.read(path)
    path.write_bytes(b"hello")
    with pytest.raises(ArtifactError, match=r"m\.parquet can't be read as Parquet"):
        read_parquet(path)
    from pyarrow import parquet

    parquet.write_table(pa.table({"file": ["x"]}), path)
    with pytest.raises(ArtifactError, match=r"expected the columns .*'label'.*, got \['file'\]"):
        Manifest.read(path)


@pytest.mark.parametrize(
    "ordered",
    [
        ["2", "10", "100"],
        ["img1", "img9", "img10"],
        ["a2b", "a10a"],
        ["Apple", "banana", "Cherry"],
        ["1", "a"],
        ["v1.9", "v1.10"],
        ["a", "a1"],
    ],
)
def test_names_are_ordered_as_people_order_them(ordered: list[str]) -> None:
    backwards = ordered[::-1]
    assert sorted(backwards, key=natural_order) == ordered


@given(st.sets(st.text(st.characters(codec="utf-8"), max_size=8), max_size=8), st.randoms())
def test_the_order_of_names_is_total(names: set[str], draws: Any) -> None:
    shuffled = sorted(names)
    draws.shuffle(shuffled)
    assert sorted(shuffled, key=natural_order) == sorted(names, key=natural_order)


@given(st.lists(st.integers(0, 10**30), unique=True))
def test_numbers_are_ordered_by_value(numbers: list[int]) -> None:
    names = [f"class {number}" for number in numbers]
    assert sorted(names, key=natural_order) == [f"class {n}" for n in sorted(numbers)]


def test_a_name_of_very_many_digits_is_ordered_too() -> None:
    names = ["9" * 6000, "1" + "0" * 6000, "2"]
    assert sorted(names, key=natural_order) == ["2", "9" * 6000, "1" + "0" * 6000]
