"""Whatever bytes a disk takes as a name: learned from, shown, printed, and found again."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import torch

from tests.conftest import fill
from tests.job.user import command, learn, left_out


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


NAMES = [b"with space", b"two\nlines", b"caf\xe9", "日本".encode(), b"<b>&'\"", b"-x", b"\x1b[31m"]


@pytest.mark.parametrize("name", NAMES, ids=repr)
def test_any_name_of_data_folder_class_and_file_is_taken(tmp_path: Path, name: bytes) -> None:
    odd = os.fsdecode(name)
    root = tmp_path / odd
    fill(root / odd, 8)
    fill(root / "red", 8, hue=120)
    (root / odd / "000.png").rename(root / odd / f"{odd}.png")
    (root / odd / f"{odd}.gif").write_bytes(b"no")
    run = learn(root, tmp_path / "run")
    shown = name.decode("utf-8", "backslashreplace")
    assert set(run.facts["data"]["classes"]) == {shown, "red"}
    assert left_out(run) == {f"{shown}/{shown}.gif": "not a picture of a format that Hubel reads"}
    (answer,) = run.classifier.predict([root / odd / f"{odd}.png"])
    assert answer.error is None
    assert {shown, "red"} == set(answer.labels)


@pytest.mark.parametrize("name", NAMES, ids=repr)
def test_any_name_is_printed_as_json_and_for_people(tmp_path: Path, name: bytes) -> None:
    odd = os.fsdecode(name)
    root = tmp_path / odd
    fill(root / odd, 4)
    (root / odd / f"{odd}.gif").write_bytes(b"no")
    shown = name.decode("utf-8", "backslashreplace")
    document = json.loads(command("data", "--json", "--", root).stdout)
    assert document["source"] == str(root)
    assert document["problems"][0]["file"] == f"{shown}/{shown}.gif"
    assert document["accepted"] + document["rejected"] == document["files"] == 5
    assert "only one class" in document["error"]
    people = command("data", "--", root)
    assert (people.returncode, people.stderr) == (0, "")
    assert all(character.isprintable() or character == "\n" for character in people.stdout)
