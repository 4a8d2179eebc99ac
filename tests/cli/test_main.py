"""Exit codes that scripts can trust, and nothing on standard output but the answer."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hubel import __version__
from hubel.training.recipe import setting_names
from tests.cli.conftest import Command
from tests.conftest import tree_hash
from tests.job.conftest import Finished
from tests.job.runs import REPO, TINY_OPTIONS, environment
from tests.job.runs import hubel as process

VERBS = ("train", "predict", "data", "models", "report")

IMPORTED = """
import sys
sys.argv = ["hubel", *{words}]
try:
    from hubel.cli.main import main
    main()
finally:
    slow = {{"torch", "numpy", "pyarrow", "scipy", "sklearn", "matplotlib", "PIL"}}
    print(sorted(slow & sys.modules.keys()), file=sys.stderr)
"""


@pytest.mark.parametrize(
    "words", [["--help"], *([verb, "--help"] for verb in VERBS), ["--version"]]
)
def test_help_loads_nothing_slow(words: list[str]) -> None:
    code = IMPORTED.format(words=words)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"
    assert done.stdout


def test_help_names_every_verb(hubel: Command) -> None:
    done = hubel("--help")
    assert done.returncode == 0
    assert all(f"  {verb} " in done.stdout for verb in VERBS)
    assert "From labelled pictures to a classifier" in done.stdout
    assert done.stderr == ""


HELP = {
    "train": ["--out", "--resume", "--budget", "--epochs", "--model", "--size", "--batch-size",
              "--lr", "--seed", "--device", "--workers", "--set", "--settings", "--json"],
    "predict": ["--top", "--format", "--json", "--code"],
    "models": ["--measure", "--json"],
    "data": ["--seed", "--json"],
    "report": ["--help"],
}  # fmt: skip


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_a_verb_names_its_options(hubel: Command, verb: str) -> None:
    done = hubel(verb, "--help")
    assert done.returncode == 0
    assert [option for option in HELP[verb] if option not in done.stdout] == []
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_without_words_there_is_help(hubel: Command) -> None:
    done = hubel()
    assert done.returncode == 2
    assert "Usage: hubel" in done.stdout + done.stderr


def test_the_version_is_printed(hubel: Command) -> None:
    assert hubel("--version").stdout == f"hubel {__version__}\n"


@pytest.mark.parametrize(
    "words",
    [["trian"], ["train", "--epoch", "3"], ["train", "--epochs", "three"], ["predict"],
     ["predict", "run"], ["predict", "run", "x.png", "--top", "0"], ["report"], ["data"],
     ["predict", "run", "x.png", "--format", "xml"], ["train", "a", "b"]],
    ids=" ".join,
)  # fmt: skip
def test_wrong_usage_is_2(hubel: Command, words: list[str]) -> None:
    done = hubel(*words)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Error" in done.stderr
    assert "Traceback" not in done.stderr


FAULTS = [
    (["train", "nowhere"], r"nowhere: no such file or folder"),
    (["train", "sample:mnist"], "there is no built-in sample 'sample:mnist'"),
    (["train", "{data}", "--set", "mixupp=1"], "no setting 'mixupp'. Did you mean 'mixup'?"),
    (["train", "{data}", "--set", "mixup"], "--set mixup: expected name=value"),
    (["train", "{data}", "--lr", "1", "--set", "lr=2"], "lr is set twice"),
    (["train", "{data}", "--set", "lr=2", "--set", "lr=2"], "lr is set twice"),
    (["train", "{data}", "--budget", "soon"], "budget: expected a duration such as 90s, 10m"),
    (["train", "{data}", "--size", "big"], "size: expected pixels such as 64, or 96x128"),
    (["train", "{data}", "--out", "{run}"], "is not empty; choose another --out"),
    (["predict", "{data}", "x.png"], "no classifier.json there; expected a run folder"),
    (["predict", "{run}", "no*.png"], "no*.png: no file matches"),
    (["report", "{data}"], "no run.json there; expected the folder of a run"),
    (["data", "nowhere"], "nowhere: no such file or folder"),
    (["train", "--resume", "{data}"], "no run.json there; expected the folder of a run"),
]


@pytest.mark.parametrize(("words", "message"), FAULTS, ids=[" ".join(w) for w, _ in FAULTS])
def test_the_users_fault_is_1_and_one_line(
    hubel: Command, words: list[str], message: str, finished: Finished
) -> None:
    places = {"run": finished.run.folder, "data": finished.data}
    done = hubel(*(word.format(**places) for word in words))
    assert done.returncode == 1
    assert done.stdout == ""
    last = done.stderr.rstrip().splitlines()[-1]
    assert last.startswith("error: ")
    assert message in last
    assert "Traceback" not in done.stderr


RESUMED = [["{data}"], ["--epochs", "9"], ["--set", "mixup=0.1"], ["--out", "x"], ["--seed", "0"],
           ["--budget", "1m"]]  # fmt: skip


@pytest.mark.parametrize("words", RESUMED, ids=" ".join)
def test_resuming_takes_no_other_settings(
    hubel: Command, words: list[str], finished: Finished
) -> None:
    extra = [word.format(data=finished.data) for word in words]
    done = hubel("train", "--resume", finished.run.folder, *extra)
    assert done.returncode == 1
    assert "--resume goes on exactly as the run began, so " in done.stderr
    name = "DATA" if words == ["{data}"] else words[-2].removeprefix("--")
    named = {"set": "mixup", "out": "--out"}.get(name, name)
    assert f"so {named} would have no effect" in done.stderr


def test_resuming_a_finished_run_says_so_and_shows_it(hubel: Command, finished: Finished) -> None:
    before = tree_hash(finished.run.folder)
    done = hubel("train", "--resume", finished.run.folder)
    assert done.returncode == 0
    assert "is complete: there is nothing to resume" in done.stderr
    assert f"report   {finished.run.report}" in done.stdout
    assert tree_hash(finished.run.folder) == before


def test_our_own_fault_is_3_and_asks_for_a_report() -> None:
    code = (
        "import sys; sys.argv = ['hubel', 'data', 'x']\n"
        "from hubel.cli import main\n"
        "import hubel.job.inspect\n"
        "hubel.job.inspect.examine = lambda *_, **__: 1 / 0\n"
        "main.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "ZeroDivisionError" in done.stderr
    assert done.stderr.rstrip().endswith(
        "this is a bug of hubel: please report it with the lines above"
    )


@pytest.mark.parametrize("text", ["", "stopped at step 3; go on with: hubel train --resume x"])
def test_an_interrupt_is_130_and_its_message_is_told(text: str) -> None:
    code = (
        "import sys; sys.argv = ['hubel', 'data', 'x']\n"
        "from hubel.cli import main\n"
        "from hubel.errors import Interrupted\n"
        "import hubel.job.inspect\n"
        f"error = Interrupted({text!r}) if {text!r} else KeyboardInterrupt()\n"
        "def stop(*_, **__): raise error\n"
        "hubel.job.inspect.examine = stop\n"
        "main.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == (text or "interrupted") + "\n"


CODES = [(["data", "{data}"], 0), (["data", "nowhere"], 1), (["data"], 2)]


@pytest.mark.parametrize(("words", "code"), CODES)
def test_the_process_leaves_with_the_code(words: list[str], code: int, finished: Finished) -> None:
    assert process(*(word.format(data=finished.data) for word in words)).returncode == code


def test_a_reader_that_leaves_is_no_error(finished: Finished) -> None:
    command = [sys.executable, "-m", "hubel", "predict", str(finished.run.folder)]
    pictures = [str(next(finished.data.rglob("*.png")))] * 4000
    reading = subprocess.Popen(
        [*command, *pictures, "--format", "csv"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=environment(), cwd=REPO,
    )  # fmt: skip
    assert reading.stdout is not None
    assert reading.stderr is not None
    reading.stdout.readline()
    reading.stdout.close()
    with reading.stderr:
        errors = reading.stderr.read()
    assert reading.wait() == 0
    assert errors == b""


def test_settings_are_listed_with_meaning_and_default(hubel: Command) -> None:
    done = hubel("train", "--settings")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    for line, (name, default, meaning) in zip(lines, setting_names(), strict=True):
        shown = "by rule" if default is None else default
        assert line.startswith(name)
        assert line.endswith(f"{meaning} [{shown}]")


def test_training_prints_the_ladder_and_where_all_is(
    hubel: Command, two_classes: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    done = hubel("train", two_classes, "--out", out, *TINY_OPTIONS)
    assert done.returncode == 0, done.stderr
    for name in ("largest class", "linear on pixels", "network (convnet)"):
        assert name in done.stdout
    assert done.stdout.rstrip().splitlines()[-2:] == [
        f"report   {out / 'report.html'}",
        f"use it   hubel predict {out} PICTURES...",
    ]
    table = done.stdout.split("\nreport ")[0]
    assert max(map(len, table.splitlines())) <= 80
    assert "60 pictures of 2 classes (42 train, 6 val, 12 test); 0 left out" in done.stderr
    facts = json.loads((out / "run.json").read_text())
    assert facts["command"] == [
        "hubel",
        "train",
        str(two_classes),
        "--out",
        str(out),
        *TINY_OPTIONS,
    ]


def test_json_of_a_training_is_one_document(two_classes: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    done = process("train", two_classes, "--out", out, *TINY_OPTIONS, "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["run"] == str(out)
    assert document["status"] == "done"
    assert document["evaluation"] == json.loads((out / "evaluation.json").read_text())
    assert document["ladder"] == json.loads((out / "ladder.json").read_text())


def test_the_report_is_made_again_from_the_folder(hubel: Command, finished: Finished) -> None:
    report = finished.run.report
    before = report.read_text(encoding="utf-8")
    report.unlink()
    done = hubel("report", finished.run.folder)
    assert (done.returncode, done.stdout) == (0, f"{report}\n")
    assert len(report.read_text(encoding="utf-8")) == pytest.approx(len(before), rel=0.05)
