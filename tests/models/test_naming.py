"""A name is read by its form; a misspelled one is told the nearest, half a line what it lacks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hubel.errors import RecipeError
from hubel.models.catalogue import CATALOGUE
from hubel.models.naming import Kind, expect_network, kind_of, own_names, short_name
from hubel.models.notation import NotationError
from hubel.models.registered import NETWORKS

KINDS = [
    ("convnet", Kind.REGISTERED),
    ("lenet5", Kind.NAMED),
    ("lenet", Kind.NAMED),
    ("timm:resnet18", Kind.ZOO),
    ("timm:resnet18.a1_in1k", Kind.ZOO),
    ("torchvision:resnet18", Kind.ZOO),
    ("conv3x3(8) relu gap fc", Kind.LINE),
    ("flatten fc", Kind.LINE),
]


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_a_name_is_of_one_kind_and_there(name: str, kind: Kind) -> None:
    assert kind_of(name) is kind
    expect_network(name)


@pytest.mark.parametrize("name", [*NETWORKS, *CATALOGUE])
def test_every_name_of_ours_is_a_network(name: str) -> None:
    expect_network(name)
    assert name in own_names()


@pytest.mark.parametrize(
    "name", ["net.py:make", "a/b c/net.py:Net", "C:\\nets\\net.py:make", "net.py", "timm:x.py:make"]
)
def test_a_python_file_is_known_by_its_ending(name: str) -> None:
    assert kind_of(name) is Kind.PROGRAM


@pytest.mark.parametrize("name", NETWORKS)
def test_a_misspelled_name_is_told_the_nearest(name: str) -> None:
    message = (
        rf"no network '{name[:-1]}x'\. Did you mean '{name}'\? There are: {', '.join(NETWORKS)}"
    )
    with pytest.raises(RecipeError, match=message):
        expect_network(name[:-1] + "x")


UNKNOWN = [
    ("convnt", r"no network 'convnt'\. Did you mean 'convnet'\? There are: convnet, linear, "),
    ("lenet6", r"no network 'lenet6'\. Did you mean 'lenet"),
    ("resnet34", r"'resnet34'\. Did you mean 'timm:resnet34' or 'torchvision:resnet34'\?"),
    ("resnett34", r"Did you mean 'timm:resnet34' or 'torchvision:resnet34'\?"),
    ("relu", r"'relu' is a word of the notation, but alone it gives no class scores\. There are"),
    ("conv3x3", r"'conv3x3' is a word of the notation, but alone it gives no class scores"),
    ("zzzzzz", r"no network 'zzzzzz'\. There are: .*; timm:NAME; torchvision:NAME; FILE\.py:FUNC"),
    ("", r"no network ''\. There are: .* lines of notation such as 'conv3x3\(32\) bn relu gap fc"),
    ("timm:resnet_18", r"timm has no network 'resnet_18'\. Did you mean timm:resnet18, "),
    ("torchvision:resnet18.x", r"torchvision has no network 'resnet18\.x'\. Did you mean torchv"),
    ("torchvision:", r"torchvision has no network ''\. List them with: hubel models 'torchvision:"),
    ("tim:resnet18", r"no zoo 'tim'\. Did you mean timm:resnet18\? There are: timm, torchvision"),
    ("hub:resnet18", r"no zoo 'hub'\. There are: timm, torchvision; a Python file's function is"),
]


@pytest.mark.parametrize(("name", "message"), UNKNOWN, ids=[name for name, _ in UNKNOWN])
def test_an_unknown_name_is_told_what_there_is(name: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        expect_network(name)


def test_a_line_that_cannot_be_read_is_pointed_at() -> None:
    with pytest.raises(NotationError, match=r"\n  conv3x3\(8\) rellu gap fc\n +\^\^\^\^\^$"):
        expect_network("conv3x3(8) rellu gap fc")


def test_a_name_fits_into_a_table() -> None:
    assert short_name("/home/someone/nets/net.py:make") == "net.py:make"
    assert short_name("timm:resnet18") == "timm:resnet18"
    line = "[conv3x3(64) bn relu]*2 maxpool2 [conv3x3(128) bn relu]*2 maxpool2 gap fc"
    assert (len(short_name(line)), line.startswith(short_name(line)[:-3])) == (60, True)


@pytest.mark.parametrize(
    ("name", "slow"),
    [("lenet5", set[str]()), ("flatten fc", set[str]()), ("torchvision:resnet18", {"timm"})],
)
def test_a_name_loads_only_what_it_needs(name: str, slow: set[str], tmp_path: Path) -> None:
    """Our own names need no torch; one zoo does not need the other."""
    code = f"import sys\nfrom hubel.models.naming import expect_network\nexpect_network({name!r})\n"
    code += "print(*sorted({'torch', 'timm', 'torchvision'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert loaded == ({"torch", "torchvision"} if slow else set())
