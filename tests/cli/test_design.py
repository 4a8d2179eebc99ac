"""`hubel design`: the table, the document, and the way out when something is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Command

LINE = "[conv3x3(32) relu]*2 maxpool2 flatten fc(10)"
PARAMETERS = 32 * 28 + 32 * 289 + 10 * (32 * 256 + 1)
KEPT = """
import sys
sys.argv = ["hubel", *{words}]
from hubel.cli.main import main
try:
    main()
finally:
    assert "torch" not in sys.modules, "an answer that is kept needs no torch"
"""


def test_json_is_the_document_of_the_design(hubel: Command) -> None:
    done = hubel("design", LINE, "--input", "3x32x32", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["total"]["parameters"] == PARAMETERS
    first = document["layers"][0]
    assert first["output"] == [32, 32, 32]
    assert first["output_formula"] == "N x 32 x H x W"
    assert (first["receptive_field"]["size"], first["receptive_field"]["start"]) == (3, -1)


def test_a_repeated_question_is_answered_without_torch(hubel: Command) -> None:
    words = ["design", LINE, "--input", "3x32x32"]
    first = hubel(*words)
    again = subprocess.run(
        [sys.executable, "-c", KEPT.format(words=words)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert again.returncode == 0, again.stderr
    assert again.stdout == first.stdout


def test_the_users_file_is_read_again_when_it_has_changed(hubel: Command, tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    source = "from torch import nn\ndef make():\n    return nn.Conv2d(3, {}, 3)\n"
    counts = []
    for width in (4, 8):
        file.write_text(source.format(width))
        done = hubel("design", f"{file}:make", "--input", "3x8x8", "--json")
        assert done.returncode == 0, done.stderr
        counts.append(json.loads(done.stdout)["total"]["parameters"])
    assert counts == [4 * 28, 8 * 28]


def test_what_the_users_file_imports_is_read_again_too(hubel: Command, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(
        "from torch import nn\nfrom widths import W\ndef make():\n    return nn.Conv2d(3, W, 3)\n"
    )
    counts = []
    for width in (4, 8):
        (tmp_path / "widths.py").write_text(f"W = {width}")
        words = ("design", f"{tmp_path / 'net.py'}:make", "--input", "3x8x8", "--json")
        command = [sys.executable, "-m", "hubel", *words]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        counts.append(json.loads(done.stdout)["total"]["parameters"])
    assert counts == [4 * 28, 8 * 28]


def test_a_named_line_takes_an_initialisation(hubel: Command) -> None:
    done = hubel("design", "lenet5", "--init", "zeros")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("lenet5 on 1x32x32")
    assert "its filters stay identical" in done.stdout


@pytest.mark.parametrize("times", ["x", "X", "×"])
def test_sides_are_written_with_any_cross(hubel: Command, times: str) -> None:
    done = hubel("design", LINE, "--input", times.join(("3", "32", "32")))
    assert done.stdout.splitlines()[0].endswith("on 3x32x32")


def test_figures_beyond_the_design_are_rows_of_the_comparison(hubel: Command) -> None:
    done = hubel("design", LINE, "lenet5", "--input", "3x32x32", "--fits", "1MB", "--machine", "T4")
    rows = {line[:18].strip(): line[18:].split("  ")[-2:] for line in done.stdout.splitlines()}
    assert rows["trains in 1MB"][-1].strip() == "no batch"
    assert "on t4" in done.stdout


def test_memory_that_nothing_fits_names_the_smallest_step(hubel: Command) -> None:
    """The memory that it names is enough, and one byte less isn't."""
    asked = ("design", LINE, "--input", "3x32x32", "--json", "--fits")
    none = json.loads(hubel(*asked, "1kB").stdout)["fits"]
    assert none["batch"] == 0
    assert json.loads(hubel(*asked, f"{none['peak']}B").stdout)["fits"]["batch"] == 1
    assert json.loads(hubel(*asked, f"{none['peak'] - 1}B").stdout)["fits"]["batch"] == 0


def test_several_are_set_side_by_side(hubel: Command) -> None:
    done = hubel("design", LINE, "conv3x3(8) relu gap fc", "--input", "3x32x32")
    assert done.returncode == 0, done.stderr
    assert "receptive field" in done.stdout
    assert "6 /2" in done.stdout
    both = hubel("design", LINE, LINE, "--input", "3x32x32", "--json")
    assert len(json.loads(both.stdout)["designs"]) == 2


def test_markdown_is_a_table(hubel: Command) -> None:
    done = hubel("design", LINE, "--input", "3x32x32", "--markdown", "--view", "formulas")
    assert "| conv1 | N x 32 x H x W | 32·(3·3·3) + 32 |" in done.stdout


def test_the_graph_is_drawn_into_a_file(hubel: Command, tmp_path: Path) -> None:
    done = hubel("design", LINE, "--input", "3x32x32", "--svg", tmp_path / "net.svg")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "net.svg").read_text().startswith("<svg")


def test_a_machine_predicts_and_memory_bounds_the_batch(hubel: Command) -> None:
    asked = ("design", LINE, "--input", "3x32x32", "--machine", "t4", "--fits", "1GB", "--json")
    document = json.loads(hubel(*asked).stdout)
    assert document["roofline"]["seconds"] > 0
    assert document["fits"]["peak"] <= 1e9
    assert document["fits"]["batch"] > 100


def test_a_linear_stack_collapses(hubel: Command) -> None:
    line = "conv3x3(8) conv3x3(8) conv3x3(4) avgpool2 flatten relu fc"
    done = hubel("design", line, "--input", "3x16x16", "--collapse", "--json")
    document = json.loads(done.stdout)["collapse"]
    assert len(document["stacks"]) == 1
    assert document["difference"] < 1e-5


@pytest.mark.parametrize(
    ("words", "code", "match"),
    [
        (["conv3x3(8) relo gap fc"], 1, "did you mean relu?\n  conv3x3(8) relo gap fc\n             ^^^^"),  # noqa: E501
        (["resnet18", "--input", "224"], 2, "expected channels and one to three sides"),
        (["resnet18", "--view", "coast"], 2, "expected one of cost, formulas, memory, fields"),
        (["resnet18", "--count", "thopp"], 1, "Did you mean 'thop'?"),
        (["resnet18", "--machine", "h1000"], 1, "h100"),
        (["resnet18", "--fits", "much"], 1, "expected a size such as 16GB"),
        (["resnet18", "--json", "--markdown"], 1, "exclude each other"),
        (["resnet18", "vgg16", "--collapse"], 1, "--collapse takes one network"),
        (["resnet18", "vgg16", "--view", "fields"], 1, "--view takes one network"),
        (["resnet18", "vgg16", "--depth", "1"], 1, "--depth takes one network"),
        (["resnet18", "vgg16", "--svg", "x.svg"], 1, "--svg takes one network"),
        (["resnet18", "--svg", "."], 1, "name a file in it, as net.svg"),
        (["resnet18", "--optimizer", "sgd"], 1, "--optimizer has no effect without --fits"),
        (["timm:resnet18", "--init", "zeros"], 1, "init has no effect on timm:resnet18"),
        (["resnet18", "--classes", "0"], 2, "greater than or equal to 1"),
        (["resnet18", "--batch", "0"], 2, "greater than or equal to 1"),
        (["resnet18", "--measure", "--machine", "h100"], 1, "leave --machine out"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_the_way_out(
    hubel: Command, words: list[str], code: int, match: str
) -> None:
    done = hubel("design", *words)
    assert done.returncode == code
    assert match in done.stderr
    assert "Traceback" not in done.stderr
