"""Networks of every kind of name are trained, saved, loaded, and answer as they did in the run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hubel
from hubel.classifier import load
from hubel.data.manifest import read_parquet
from hubel.errors import ArtifactError, Interrupted, RecipeError
from hubel.job.desk import Sitting
from hubel.job.report import rewrite_report
from hubel.runs import Run
from tests.job.runs import Heard, outcome
from tests.job.runs import hubel as command

SETTINGS: dict[str, Any] = {"size": 16, "epochs": 2, "batch_size": 8}
LINE = "conv3x3(8) bn relu maxpool2 [residual(conv3x3(8) bn relu conv3x3(8) bn) relu]*2 gap fc"
NET = """
from torch import nn

class View(nn.Module):
    def forward(self, x):
        return x.view(x.shape[0], -1)

def make(in_channels, num_classes, image_size):
    height, width = image_size
    return nn.Sequential(
        nn.Conv2d(in_channels, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(),
        View(), nn.Dropout(0.2), nn.Linear(8 * height * width, num_classes),
    )
"""


@pytest.fixture
def net(tmp_path: Path) -> Path:
    (tmp_path / "code").mkdir()
    path = tmp_path / "code" / "net.py"
    path.write_text(NET)
    return path


def expect_same_answers(run: Run, data: Path, code: str | None = None) -> None:
    """A classifier from the disk says of each test picture what the evaluation says."""
    classifier = load(run.folder, code=code)
    rows = read_parquet(run.folder / "predictions.parquet").to_pylist()
    answers = classifier.predict([str(data / row["file"]) for row in rows])
    assert len(rows) > 0
    for row, answer in zip(rows, answers, strict=True):
        found = dict(zip(answer.labels, answer.probabilities, strict=True))
        for name, probability in found.items():
            assert probability == pytest.approx(row[f"probability:{name}"], abs=1e-6)


MODELS = [LINE, "lenet5", "torchvision:mobilenet_v3_small", "timm:test_resnet", "timm:test_vit"]


@pytest.mark.parametrize("model", MODELS)
def test_a_network_is_trained_and_answers_from_the_disk_as_in_the_run(
    model: str, two_classes: Path, tmp_path: Path
) -> None:
    run = hubel.train(two_classes, out=tmp_path / "run", model=model, **SETTINGS)
    assert run.facts["status"] == "done"
    assert run.facts["recipe"]["model"]["value"] == model
    assert run.facts["code"] is None
    assert run.classifier.architecture.name == model
    assert run.facts["parameters"] == sum(
        value.numel() for value in run.classifier.module.parameters()
    )
    assert model.rpartition(":")[2][:20] in run.ladder["rungs"][-1]["name"]
    expect_same_answers(run, two_classes)


def test_the_same_seed_twice_gives_the_same_zoo_network(two_classes: Path, tmp_path: Path) -> None:
    settings = SETTINGS | {"model": "timm:test_resnet"}
    one = hubel.train(two_classes, out=tmp_path / "one", **settings)
    other = hubel.train(two_classes, out=tmp_path / "other", workers=2, **settings)
    assert outcome(one.folder) == outcome(other.folder)


@pytest.mark.parametrize("model", [LINE, "timm:test_resnet", "net.py:make"])
def test_a_run_goes_on_as_if_it_had_not_been_stopped(
    model: str, two_classes: Path, tmp_path: Path, net: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(net.parent)
    settings = SETTINGS | {"model": model}
    whole = hubel.train(two_classes, out=tmp_path / "whole", **settings)
    with pytest.raises(Interrupted):
        hubel.train(
            two_classes, out=tmp_path / "cut", sitting=Sitting(reporter=Heard(4)), **settings
        )
    monkeypatch.chdir(tmp_path)  # the file is found again from anywhere
    resumed = hubel.resume(tmp_path / "cut")
    assert outcome(whole.folder) == outcome(resumed.folder)


def test_what_was_adapted_is_said_and_written_down(two_classes: Path, tmp_path: Path) -> None:
    heard = Heard()
    run = hubel.train(
        two_classes,
        out=tmp_path / "run",
        sitting=Sitting(reporter=heard),
        model="torchvision:mobilenet_v3_small",
        channels="grey",
        **SETTINGS | {"epochs": 1},
    )
    assert "network: features.0.0: takes 1 channel instead of 3" in heard.said
    assert run.classifier.architecture.options == {"small_stem": True}
    assert run.facts["recipe"]["small_stem"]["set_by"] == "rule"
    expect_same_answers(run, two_classes)


def test_training_begins_with_the_zoos_weights_and_what_they_expect(
    two_classes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from torchvision import models

    state = models.squeezenet1_1(weights=None).state_dict()
    fetched: list[str] = []

    def fetch(url: str, **_: Any) -> Any:
        fetched.append(url)
        return dict(state)

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", fetch)
    run = hubel.train(
        two_classes,
        out=tmp_path / "run",
        model="torchvision:squeezenet1_1",
        pretrained=True,
        **SETTINGS | {"epochs": 1, "size": 32, "lr": 0.0, "averaging": 0.0},
    )
    assert len(fetched) == 1, "once, by the trainer, and never to load what was trained"
    assert run.classifier.preprocess.mean == (0.485, 0.456, 0.406)
    found = run.classifier.weights
    same = [name for name in state if np.array_equal(found[name].numpy(), state[name].numpy())]
    assert set(state) - set(same) == {"classifier.1.weight", "classifier.1.bias"}
    assert run.ladder["rungs"][-1]["note"] == "from the zoo's weights"


# A user's own file


def test_a_users_file_is_trained_and_answers_where_it_is_given(
    two_classes: Path, tmp_path: Path, net: Path
) -> None:
    run = hubel.train(two_classes, out=tmp_path / "run", model=f"{net}:make", **SETTINGS)
    assert run.facts["code"]["name"] == f"{net}:make"
    document = (run.folder / "classifier" / "classifier.json").read_text()
    described = json.loads(document)["architecture"]
    assert (described["name"], described["sha256"]) == ("net.py:make", run.facts["code"]["sha256"])
    assert str(net.parent) not in document, "no folder of this machine leaves with the classifier"
    assert run.classifier.module is not None, "who trained it has named the code in that call"
    expect_same_answers(run, two_classes, code=str(net))
    expect_same_answers(run, two_classes, code=f"{net}:make")
    with pytest.raises(ArtifactError, match=r"give it with code='path/to/net\.py:make'"):
        load(run.folder)
    with pytest.raises(ArtifactError, match=r"code that the classifier doesn't hold"):
        _ = Run.open(run.folder).classifier
    rewrite_report(Run.open(run.folder))
    assert run.report.is_file(), "a report needs no code"

    pictures = str(next(two_classes.rglob("*.png")))
    done = command("predict", run.folder, pictures, cwd=net.parent)
    assert done.returncode == 1
    assert "or with --code path/to/net.py:make (hubel predict)" in done.stderr
    done = command("predict", run.folder, pictures, "--code", "net.py:make", cwd=net.parent)
    assert (done.returncode, done.stderr) == (0, "")

    net.write_text(NET.replace("0.2", "0.3"))
    done = command("predict", run.folder, pictures, "--code", net)
    assert done.returncode == 1
    assert "net.py is not the code that the network was made by: its SHA-256 is" in done.stderr


def test_a_run_whose_code_has_changed_does_not_go_on(
    two_classes: Path, tmp_path: Path, net: Path
) -> None:
    settings = SETTINGS | {"model": f"{net}:make"}
    with pytest.raises(Interrupted):
        hubel.train(
            two_classes, out=tmp_path / "cut", sitting=Sitting(reporter=Heard(4)), **settings
        )
    net.write_text(NET + "# a remark")
    done = command("train", "--resume", tmp_path / "cut")
    assert done.returncode == 1
    assert "is not the code that the network was made by" in done.stderr
    net.write_text(NET)
    assert command("train", "--resume", tmp_path / "cut").returncode == 0


def test_code_for_who_needs_none_is_refused(two_classes: Path, tmp_path: Path) -> None:
    run = hubel.train(two_classes, out=tmp_path / "run", model="linear", epochs=1)
    with pytest.raises(RecipeError, match=r"code 'net\.py' has no effect: the network is linear"):
        load(run.folder, code="net.py")


ODD = """
import torch
from torch import nn

class Odd(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.second = nn.Conv2d(8, 8, 3, padding=1)
        self.third = nn.Conv2d(8, 8, 3, padding=1)
        self.third.weight = self.second.weight
        self.fc = nn.Linear(8, num_classes)
        self.unused = nn.Parameter(torch.zeros(0))
        self.register_buffer("mask", torch.ones(8, dtype=torch.bool))
        self.register_buffer("halves", torch.ones(3, dtype=torch.float16))

    def forward(self, x):
        x = self.third(self.second(self.first(x).relu()).relu()).relu()
        return self.fc((x * self.mask[:, None, None]).mean((2, 3)))
"""


def test_tied_empty_and_boolean_tensors_are_trained_and_kept(
    two_classes: Path, tmp_path: Path
) -> None:
    (tmp_path / "odd.py").write_text(ODD)
    name = f"{tmp_path / 'odd.py'}:Odd"
    run = hubel.train(two_classes, out=tmp_path / "run", model=name, **SETTINGS)
    module = run.classifier.module
    shared = [module.get_parameter(f"{which}.weight") for which in ("second", "third")]
    assert shared[0] is shared[1]
    assert run.facts["parameters"] == 834  # 216 + 8, 576 + 8, 8, 16 + 2
    expect_same_answers(run, two_classes, code=name)
