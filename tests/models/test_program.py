"""A user's file runs when it is named, once, as it was recorded; its errors say where."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from hubel.errors import ArtifactError, RecipeError
from hubel.models.architecture import Architecture
from hubel.models.program import Program
from hubel.storage import sha256_file

HEAD = """
from pathlib import Path
from torch import nn
with Path(__file__).with_suffix(".log").open("a") as log:
    log.write("ran ")
"""
MAKE = """
def make(in_channels, num_classes):
    return nn.Sequential(nn.Flatten(), nn.LazyLinear(num_classes))
"""
SHAPE = {"in_channels": 3, "num_classes": 2, "image_size": (4, 4)}


def write(folder: Path, body: str, name: str = "net.py", head: str = HEAD) -> Path:
    (folder / name).write_text(head + body)
    return folder / name


def times_run(path: Path) -> int:
    log = path.with_suffix(".log")
    return len(log.read_text().split()) if log.exists() else 0


def architecture(path: Path, function: str = "make") -> Architecture:
    return Architecture(name=f"{path}:{function}", **SHAPE)


LINEAR = "return nn.Sequential(nn.Flatten(), nn.Linear({inside}, {outside}))"
TAKING = {
    "def make(): " + LINEAR.format(inside=48, outside=2): "nothing",
    "def make(num_classes): " + LINEAR.format(inside=48, outside="num_classes"): "one",
    "def make(*, image_size, in_channels, num_classes=9): "
    + LINEAR.format(inside="in_channels * image_size[0] ** 2", outside="num_classes"): "all",
    "def make(num_classes, **rest): "
    + LINEAR.format(inside="rest['in_channels'] * 16", outside="num_classes"): "the rest",
    "class make(nn.Sequential):\n    def __init__(self, num_classes):\n"
    "        super().__init__(nn.Flatten(), nn.Linear(48, num_classes))": "a class",
    "import functools\nmake = functools.partial(lambda c, num_classes: nn.Sequential(nn.Flatten(), "
    "nn.Linear(c, num_classes)), 48)": "a partial",
}


@pytest.mark.parametrize("body", TAKING, ids=list(TAKING.values()))
def test_a_function_gets_only_what_it_takes(body: str, tmp_path: Path) -> None:
    module = architecture(write(tmp_path, body)).build()
    assert module(torch.zeros(5, 3, 4, 4)).shape == (5, 2)


def test_a_file_runs_once_however_often_it_builds(tmp_path: Path) -> None:
    path = write(tmp_path, "def make(num_classes): " + LINEAR.format(inside=48, outside=2))
    network = architecture(path)
    for seed in range(3):
        network.build(seed)
    assert network.check().traits.batch_norm is False
    assert times_run(path) == 1


def test_a_changed_file_is_new_code_for_who_names_it(tmp_path: Path) -> None:
    path = write(tmp_path, "def make(): " + LINEAR.format(inside=48, outside=2))
    assert architecture(path).check().build()(torch.zeros(1, 3, 4, 4)).shape == (1, 2)
    write(tmp_path, "def make(): return nn.Sequential(nn.Flatten(), nn.ReLU(), nn.Linear(48, 2))")
    assert len(architecture(path).check().build()) == 3  # pyright: ignore[reportArgumentType]
    assert times_run(path) == 2


def test_a_file_may_import_its_neighbours_after_what_is_installed(tmp_path: Path) -> None:
    write(tmp_path, "SIDE = 4", "hubel_test_neighbour.py", head="")
    write(tmp_path, "raise SystemError('shadowed')", "torch.py", head="")
    body = "import torch, hubel_test_neighbour as it\ndef make(): " + LINEAR.format(
        inside="3 * it.SIDE ** 2", outside=2
    )
    assert architecture(write(tmp_path, body)).build() is not None


def test_a_dataclass_in_the_file_finds_its_module(tmp_path: Path) -> None:
    body = (
        "from __future__ import annotations\nfrom dataclasses import dataclass\nfrom torch import "
        "nn\n@dataclass\nclass Plan:\n    width: int = 48\ndef make(): "
    ) + LINEAR.format(inside="Plan().width", outside=2)
    assert architecture(write(tmp_path, body, head="")).build() is not None


def test_looking_at_a_name_runs_nothing(tmp_path: Path) -> None:
    path = write(tmp_path, MAKE)
    program = Program.parse(f"{path}:make").expect()
    assert (program.short, len(program.sha256)) == ("net.py:make", 64)
    document = architecture(path).to_json()
    assert document["name"] == "net.py:make"
    assert str(tmp_path) not in json.dumps(document), "no folder of this machine is written down"
    Architecture.from_json(document).with_code(str(path))
    assert times_run(path) == 0


def test_a_description_from_a_file_runs_nothing_until_the_code_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, "def make(): " + LINEAR.format(inside=48, outside=2))
    monkeypatch.chdir(tmp_path)  # where the recorded name would be found
    found = Architecture.from_json(architecture(path).to_json())
    message = r"made by net\.py:make: code that the classifier doesn't hold .* --code path/to/net"
    with pytest.raises(ArtifactError, match=message):
        found.build()
    assert times_run(path) == 0
    assert found.with_code("net.py").build() is not None
    assert found.with_code("net.py:make") == found


@pytest.mark.parametrize("change", [{"sha256": None}, {"code": "net.py:make"}, {"sha256": 7}])
def test_a_description_that_would_run_by_itself_is_refused(
    change: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, MAKE)
    monkeypatch.chdir(tmp_path)
    document = architecture(path).to_json() | change
    with pytest.raises(RecipeError, match=r"SHA-256 of that file is not recorded|can't come from"):
        Architecture.from_json(document)
    assert times_run(path) == 0


def test_other_code_than_was_recorded_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, MAKE)
    found = Architecture.from_json(architecture(path).to_json())
    write(tmp_path, MAKE + "# one more line")
    message = r"net\.py is not the code that the network was made by: its SHA-256 is \w{64}, recor"
    with pytest.raises(ArtifactError, match=message):
        found.with_code(str(path)).build()
    assert times_run(path) == 0


def test_what_was_loaded_stays_while_its_file_changes(tmp_path: Path) -> None:
    path = write(tmp_path, "def make(): " + LINEAR.format(inside=48, outside=2))
    found = Architecture.from_json(architecture(path).to_json()).with_code(str(path))
    before = found.build(1).state_dict()
    write(tmp_path, "def make(): raise SystemError")
    after = found.build(1).state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_code_for_a_network_that_needs_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"code 'net.py' has no effect: the network is linear"):
        Architecture(name="linear", **SHAPE).with_code("net.py")
    path = write(tmp_path, MAKE + "other = make")
    found = Architecture.from_json(architecture(path).to_json())
    with pytest.raises(RecipeError, match=r"made by net\.py:make, and .*:other is another functi"):
        found.with_code(f"{path}:other")


WRONG = {
    "def make(: pass": r"net\.py, line 6: this is no Python: ",
    "def build(): pass": r"net\.py defines no 'make'\. It defines: build$",
    "W = 3\ndef build(): pass\nclass Net(nn.Module): pass\nbad = boom = nn.ReLU\nimport os": r"net"
    r"\.py defines no 'make'\. It defines: build, Net$",
    "W = 3": r"net\.py defines no 'make'\.$",
    "def make_it(): pass": r"defines no 'make'\. Did you mean 'make_it'\? It defines: make_it$",
    "def make(): return 7": r"net\.py:make returned int; expected a torch\.nn\.Module",
    "def make(depth): pass": r"net\.py:make can't be built: TypeError: .* argument: 'depth'",
    "def make():\n    raise ValueError('no')": r"can't be built: line 7: ValueError: no",
    "1 / 0\ndef make(): pass": r"can't be built: line 6: ZeroDivisionError: division by zero",
    "def make(): return nn.Identity()": r"make gives \(2, 3, 4, 4\) for 2 pictures; expected class "
    r"scores, \(2, 2\)",
    "class make(nn.Sequential):\n    def __init__(self): super().__init__(nn.Flatten(), nn.Linear("
    "48, 2))\n    def forward(self, x):\n        y = super().forward(x)\n        return (y, y) if "
    "self.training else y": r"make, in training, gives tuple for 2 pictures; expected class scores",
    "def make(): return nn.Linear(3, 2)": r"doesn't take pictures of 4 x 4 px: mat1 and mat2 shape",
    "class make(nn.Linear):\n    def __init__(self): super().__init__(4, 2)\n    def forward(self, "
    "x): return [x]": r"make gives list for 2 pictures",
}


@pytest.mark.parametrize("body", WRONG, ids=list(range(len(WRONG))))
def test_what_is_wrong_in_the_file_is_said(body: str, tmp_path: Path) -> None:
    path = write(tmp_path, body)
    with pytest.raises(RecipeError, match=WRONG[body]):
        architecture(path).check()


def test_a_file_that_is_not_there_is_told_the_nearest(tmp_path: Path) -> None:
    write(tmp_path, MAKE, "nets.py")
    with pytest.raises(RecipeError, match=r"net\.py can't be read: No such .* mean 'nets\.py'\?"):
        Program.parse(f"{tmp_path / 'net.py'}:make").expect()


@pytest.mark.parametrize("name", ["net.py", "net.py:", "net.py:1x", "a b/net.py:make it"])
def test_a_file_without_a_function_is_refused(name: str) -> None:
    with pytest.raises(RecipeError, match=r"expected FILE\.py:FUNCTION, such as net\.py:make"):
        Program.parse(name)


def test_code_that_looks_at_numbers_is_tried_with_numbers(tmp_path: Path) -> None:
    body = (
        "import torch\nclass Looking(nn.Linear):\n    def forward(self, x):\n        x = "
        "x.flatten(1)\n        return super().forward(x) if float(x.sum()) < 1 else x\n"
        "def make(): return Looking(int(torch.tensor(48).item()), 2)"
    )
    network = architecture(write(tmp_path, body))
    assert network.check().any_size is False
    with torch.device("meta"):
        assert {value.device.type for value in network.build().parameters()} == {"meta"}


def test_the_picture_lies_plainly_in_memory_for_code_that_views_it(tmp_path: Path) -> None:
    body = "class make(nn.Linear):\n    def __init__(self): super().__init__(48, 2)\n" + (
        "    def forward(self, x): return super().forward(x.view(len(x), -1))"
    )
    network = architecture(write(tmp_path, body))
    pictures = torch.zeros(2, 4, 4, 3).permute(0, 3, 1, 2)
    module = network.build()
    with pytest.raises(RuntimeError, match="view size is not compatible"):
        module(pictures)
    laid_out = pictures.contiguous(memory_format=network.memory_format)
    assert isinstance(module, nn.Linear)
    assert module(laid_out).shape == (2, 2)


def test_a_home_folder_is_written_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, MAKE)
    monkeypatch.setenv("HOME", str(tmp_path))
    program = Program.parse("~/net.py:make")
    assert (program.path, program.sha256) == (path, sha256_file(path))
