"""What can be named is found by its name, and measured once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import timm
from torchvision import models

from hubel.analysis import listing
from hubel.analysis.listing import Listed, find_networks, measured
from hubel.errors import RecipeError
from hubel.models.catalogue import CATALOGUE
from hubel.models.registered import NETWORKS

ZOOS = {
    "timm": timm.list_models(),
    "torchvision": models.list_models(module=models),
}


def names(pattern: str | None = None) -> list[str]:
    return [network.name for network in find_networks(pattern)]


def test_without_a_pattern_there_are_our_own() -> None:
    assert names() == [*NETWORKS, *CATALOGUE]
    assert all(network.title for network in find_networks())


@pytest.mark.parametrize("zoo", ZOOS)
def test_a_zoo_is_listed_whole(zoo: str) -> None:
    assert names(f"{zoo}:*") == [f"{zoo}:{name}" for name in ZOOS[zoo]]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("lenet5*", ["lenet5", "lenet5-1998"]),
        ("torchvision:resnet??", [f"torchvision:resnet{n}" for n in (18, 34, 50)]),
        ("test_vit[23]", ["timm:test_vit2", "timm:test_vit3"]),
        ("ReGNet_X_8", ["torchvision:regnet_x_800mf", "torchvision:regnet_x_8gf"]),
        ("timm:resnet18", ["timm:resnet18", "timm:resnet18d"]),
    ],
)
def test_a_pattern_is_a_glob_or_a_part_of_a_name(pattern: str, found: list[str]) -> None:
    assert names(pattern) == found


def test_a_pattern_without_a_match_is_told_the_nearest() -> None:
    with pytest.raises(
        RecipeError, match=r"no network's name matches 'lenett'\. Did you mean lene"
    ):
        find_networks("lenett")
    with pytest.raises(RecipeError, match=r"matches '0/0'\.$"):
        find_networks("0/0")


MEASURED = [
    # torchvision's own tables: parameters; multiply-adds to three digits (meta["_ops"])
    ("torchvision:resnet18", 11_689_512, 1.814, [435, 435], "exact"),
    ("torchvision:alexnet", 61_100_840, 0.714, [195, 195], "exact"),
    ("torchvision:vit_b_32", 88_224_232, 4.409, [224, 224], "whole"),
    ("torchvision:mobilenet_v2", 3_504_872, 0.301, [491, 491], "exact"),
]


@pytest.mark.parametrize(
    ("name", "parameters", "billions", "size", "kind"), MEASURED, ids=[row[0] for row in MEASURED]
)
def test_a_network_is_measured_as_published(
    name: str, parameters: int, billions: float, size: list[int], kind: str
) -> None:
    """Receptive fields: 435 and 491 as torchlens 2.36 finds them; AlexNet's conv5 sees 163 at
    stride 16 (google-research/receptive_field), and the pooling after it 2 * 16 more."""
    found = measured(Listed(name=name))
    assert found["parameters"] == parameters
    assert round(found["multiply_adds"] / 1e9, 3) == billions
    assert found["receptive_field"] == {"size": size, "kind": kind}
    assert (found["input"], found["error"]) == ([3, 224, 224], None)


def test_what_was_measured_is_remembered(monkeypatch: pytest.MonkeyPatch, own_cache: Path) -> None:
    first = measured(Listed(name="lenet5", input=(1, 32, 32), num_classes=10))

    def fail(network: Listed) -> None:
        raise AssertionError("measured again")

    monkeypatch.setattr(listing, "_measure", fail)
    assert measured(Listed(name="lenet5", input=(1, 32, 32), num_classes=10)) == first
    assert len(list((own_cache / "networks").glob("*.json"))) == 1
    with pytest.raises(AssertionError, match="measured again"):
        measured(Listed(name="lenet5", input=(1, 28, 28), num_classes=10))


def test_what_cannot_be_measured_says_why() -> None:
    found = measured(Listed(name="torchvision:maxvit_t", input=(3, 64, 64)))
    assert found["parameters"] is None
    assert "partition size" in found["error"]


def test_our_own_are_listed_without_torch_and_so_are_the_zoos_the_second_time() -> None:
    find_networks("timm:*")
    code = "import sys\nfrom hubel.analysis.listing import find_networks as f\n"
    code += "print(len(f()), len(f('timm:*')), 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    own, zoo, torch = done.stdout.split()
    assert (int(own), int(zoo), torch) == (len(names()), len(ZOOS["timm"]), "False")
