"""`hubel predict`: any way to name pictures, any form of answer, one way to compute it."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path
from typing import Any

import pytest

from hubel.classifier import load
from tests.cli.conftest import Command
from tests.conftest import fill
from tests.job.conftest import Finished
from tests.job.runs import environment
from tests.job.runs import hubel as process


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Four pictures, one of them in a folder of its own."""
    fill(tmp_path / "in", 3)
    fill(tmp_path / "in" / "deep", 1, hue=120)
    return tmp_path / "in"


def answers(hubel: Command, run: Path, *words: str | Path, **options: Any) -> list[dict[str, Any]]:
    done = hubel("predict", run, *words, "--json", **options)
    assert done.stderr == ""
    return json.loads(done.stdout)


ALL = ["000.png", "001.png", "002.png", "deep/000.png"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["{p}/001.png"], ["001.png"]),
        (["{p}/002.png", "{p}/000.png"], ["002.png", "000.png"]),
        (["{p}"], ALL),
        (["{p}/"], ALL),
        (["{p}/*.png"], ALL[:3]),
        (["{p}/**/*.png"], ALL),
        (["{p}/0*.png", "{p}/deep"], ALL),
        (["{p}/00[12].png"], ALL[1:3]),
    ],
)
def test_files_folders_and_globs(
    hubel: Command, words: list[str], expected: list[str], finished: Finished, pictures: Path
) -> None:
    found = answers(hubel, finished.run.folder, *(word.format(p=pictures) for word in words))
    assert sorted(answer["file"] for answer in found) == sorted(f"{pictures}/{n}" for n in expected)
    assert [a["file"] for a in found] == [f"{pictures}/{n}" for n in expected] or "**" in words[0]


def test_a_list_on_standard_input(hubel: Command, finished: Finished, pictures: Path) -> None:
    listed = f"{pictures}/002.png\n\n{pictures}/deep\n"
    found = answers(hubel, finished.run.folder, "-", input=listed)
    assert [a["file"] for a in found] == [f"{pictures}/002.png", f"{pictures}/deep/000.png"]


def test_json_is_what_python_gives(hubel: Command, finished: Finished, pictures: Path) -> None:
    paths = [pictures / name for name in ALL]
    found = answers(hubel, finished.run.folder, *paths, "--top", "2")
    for answer, expected in zip(found, load(finished.run.folder).predict(paths), strict=True):
        assert answer.keys() == {"file", "top", "error"}
        assert answer["error"] is None
        assert [entry["label"] for entry in answer["top"]] == list(expected.labels)
        for entry, probability in zip(answer["top"], expected.probabilities, strict=True):
            assert entry["probability"] == pytest.approx(probability, abs=1e-6)


@pytest.mark.parametrize("top", [1, 2, 3, 9])
def test_as_many_classes_as_asked_and_there_are(
    hubel: Command, top: int, finished: Finished, pictures: Path
) -> None:
    (found,) = answers(hubel, finished.run.folder, pictures / "000.png", "--top", str(top))
    assert len(found["top"]) == min(top, 2)


def test_a_classifier_folder_will_do(hubel: Command, finished: Finished, pictures: Path) -> None:
    picture = pictures / "000.png"
    folder = finished.run.folder
    assert answers(hubel, folder / "classifier", picture) == answers(hubel, folder, picture)


def test_csv_has_a_row_a_picture(hubel: Command, finished: Finished, pictures: Path) -> None:
    done = hubel("predict", finished.run.folder, pictures, "--format", "csv")
    assert (done.returncode, done.stderr) == (0, "")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    names = ["file", "label_1", "probability_1", "label_2", "probability_2", "error"]
    assert list(rows[0]) == names
    assert [row["file"] for row in rows] == [f"{pictures}/{name}" for name in ALL]
    for row in rows:
        total = float(row["probability_1"]) + float(row["probability_2"])
        assert total == pytest.approx(1)
        assert row["error"] == ""


def test_a_table_has_a_line_a_picture(hubel: Command, finished: Finished, pictures: Path) -> None:
    done = hubel("predict", finished.run.folder, pictures, "--top", "1")
    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert [line.split("  ")[0] for line in lines] == [f"{pictures}/{name}" for name in ALL]
    assert all(line.endswith("%") for line in lines)


def broken(folder: Path) -> list[str]:
    (folder / "text.png").write_text("no picture")
    half = (folder / "000.png").read_bytes()
    (folder / "half.png").write_bytes(half[: len(half) // 2])
    return [str(folder / name) for name in ("text.png", "000.png", "half.png", "gone.png")]


def test_a_picture_that_cannot_be_read_has_a_row_and_the_code_is_1(
    hubel: Command, finished: Finished, pictures: Path
) -> None:
    names = broken(pictures)
    done = hubel("predict", finished.run.folder, *names, "--json")
    assert (done.returncode, done.stderr) == (1, "")
    found = json.loads(done.stdout)
    assert [answer["file"] for answer in found] == names
    assert [bool(answer["error"]) for answer in found] == [True, False, True, True]
    assert [bool(answer["top"]) for answer in found] == [False, True, False, False]
    assert found[3]["error"] == "no such file"


@pytest.mark.parametrize("form", ["csv", "table"])
def test_errors_have_rows_in_every_form(
    hubel: Command, form: str, finished: Finished, pictures: Path
) -> None:
    names = broken(pictures)
    done = hubel("predict", finished.run.folder, *names, "--format", form)
    assert (done.returncode, done.stderr) == (1, "")
    lines = done.stdout.splitlines()[form == "csv" :]
    assert [line.startswith(name) for line, name in zip(lines, names, strict=True)] == [True] * 4
    assert ["no such file" in line for line in lines] == [False, False, False, True]


ODD = ["two words.png", "new\nline.png", "\x1b[31mred\x07.png", "größe 猫.png", "-.png", "[a].png",
       "tab\t.png", '"quoted", it.png']  # fmt: skip


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    fill(tmp_path / "good", 1)
    folder = tmp_path / "odd"
    folder.mkdir()
    content = (tmp_path / "good" / "000.png").read_bytes()
    for name in [os.fsencode(name) for name in ODD] + [b"caf\xe9.png"]:
        (Path(os.fsdecode(os.fsencode(folder) + b"/" + name))).write_bytes(content)
    return folder


@pytest.mark.parametrize("locale", ["C.UTF-8", "C"])
@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_odd_names_are_answered_and_printed_safely(
    form: str, locale: str, finished: Finished, odd: Path
) -> None:
    env = environment(LC_ALL=locale)
    del env["PYTHONIOENCODING"]
    done = process("predict", finished.run.folder, odd, "--format", form, env=env)
    assert (done.returncode, done.stderr) == (0, "")
    assert r"caf\xe9.png" in done.stdout.replace("\\\\", "\\")
    assert "\x1b" not in done.stdout or form == "csv"
    if form == "table":
        assert len(done.stdout.splitlines()) == len(ODD) + 1
        assert r"\x1b[31mred\x07.png" in done.stdout
        assert r"new\nline.png" in done.stdout
    elif form == "csv":
        found = {row["file"] for row in csv.DictReader(io.StringIO(done.stdout, newline=""))}
        assert found >= {f"{odd}/{name}" for name in ODD}
    else:
        assert {a["file"] for a in json.loads(done.stdout)} >= {f"{odd}/{name}" for name in ODD}


def test_a_name_that_looks_like_a_glob_is_a_file_first(
    hubel: Command, finished: Finished, odd: Path
) -> None:
    (found,) = answers(hubel, finished.run.folder, odd / "[a].png")
    assert (found["file"], found["error"]) == (f"{odd}/[a].png", None)


def test_names_on_standard_input_may_be_any_bytes(
    hubel: Command, finished: Finished, odd: Path
) -> None:
    listed = os.fsencode(odd) + b"/caf\xe9.png\n" + os.fsencode(odd) + "/größe 猫.png\n".encode()
    done = hubel("predict", finished.run.folder, "-", "--json", input=listed)
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert [answer["error"] for answer in found] == [None, None]
    assert found[0]["file"] == rf"{odd}/caf\xe9.png"
    assert found[1]["file"] == f"{odd}/größe 猫.png"


def test_hidden_files_of_a_folder_are_passed_over(
    hubel: Command, finished: Finished, pictures: Path
) -> None:
    (pictures / ".DS_Store").write_bytes(b"\0")
    assert len(answers(hubel, finished.run.folder, pictures)) == 4


def test_an_empty_folder_has_no_answers(hubel: Command, finished: Finished, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert answers(hubel, finished.run.folder, tmp_path / "empty") == []
