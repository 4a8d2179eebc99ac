"""The same data and seed give the same run, whatever the data; what cannot be is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hubel
from hubel.errors import BudgetError, RecipeError, StorageError
from hubel.storage import sha256_file
from tests.conftest import fill, tree_hash
from tests.job.conftest import Finished
from tests.job.runs import TINY, outcome, weights


def test_the_data_folder_is_untouched_and_nothing_is_left_beside(
    two_classes: Path, tmp_path: Path
) -> None:
    before = tree_hash(two_classes)
    hubel.train(two_classes, out=tmp_path / "run", model="linear", epochs=1)
    assert tree_hash(two_classes) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run", "two"]


def test_the_same_seed_twice_gives_the_same_classifier(two_classes: Path, tmp_path: Path) -> None:
    one = hubel.train(two_classes, out=tmp_path / "one", **TINY)
    other = hubel.train(two_classes, out=tmp_path / "other", workers=3, **TINY)
    assert outcome(one.folder) == outcome(other.folder)
    files = [run.folder / "classifier" / "classifier.json" for run in (one, other)]
    assert sha256_file(files[0]) == sha256_file(files[1])
    third = hubel.train(two_classes, out=tmp_path / "third", seed=1, **TINY)
    assert weights(one.folder) != weights(third.folder)


def test_the_cache_changes_nothing(
    two_classes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warm = [hubel.train(two_classes, out=tmp_path / name, **TINY) for name in ("cold", "warm")]
    monkeypatch.setenv("HUBEL_CACHE", str(tmp_path / "elsewhere"))
    cold = hubel.train(two_classes, out=tmp_path / "other", **TINY)
    assert outcome(warm[0].folder) == outcome(warm[1].folder) == outcome(cold.folder)


def test_grey_pictures_make_a_grey_classifier(tmp_path: Path) -> None:
    from PIL import Image

    fill(tmp_path / "grey" / "dark", 12)
    fill(tmp_path / "grey" / "light", 12, hue=120)
    for path in (tmp_path / "grey").rglob("*.png"):
        Image.open(path).convert("L").save(path)
    run = hubel.train(tmp_path / "grey", out=tmp_path / "run", model="linear", epochs=1)
    assert run.classifier.preprocess.channels == "grey"
    assert run.facts["recipe"]["channels"]["value"] == "grey"
    coloured = run.classifier.predict(next((tmp_path / "grey").rglob("*.png")))
    assert coloured.error is None


def test_many_classes_in_oblong_pictures(tmp_path: Path) -> None:
    from PIL import Image

    for number in range(12):
        fill(tmp_path / "many" / str(number), 5, hue=10 * number)
    for path in (tmp_path / "many").rglob("*.png"):
        Image.open(path).resize((24, 12)).save(path)
    run = hubel.train(tmp_path / "many", out=tmp_path / "run", widths="8", epochs=1)
    assert run.classifier.classes == tuple(map(str, range(12)))
    assert (run.classifier.preprocess.height, run.classifier.preprocess.width) == (12, 24)
    assert np.shape(run.evaluation["confusion"]["counts"]) == (12, 12)


def test_a_budget_is_planned_and_kept(two_classes: Path, tmp_path: Path) -> None:
    run = hubel.train(two_classes, out=tmp_path / "run", budget="60s", model="linear", size=4)
    facts = run.facts
    assert facts["budget_seconds"] == 60
    assert facts["plan"]["text"].startswith(f"planned {facts['plan']['epochs']} epoch")
    assert 1 <= facts["plan"]["epochs"] <= 200
    assert facts["recipe"]["budget"]["set_by"] == "user"


def test_a_budget_below_one_epoch_is_refused(two_classes: Path, tmp_path: Path) -> None:
    message = r"the budget is too short for one epoch: 0\.0 s are left .* give --budget .* more"
    with pytest.raises(BudgetError, match=message):
        hubel.train(two_classes, out=tmp_path / "run", **TINY | {"budget": "2s", "epochs": None})


def test_epochs_beyond_the_budget_are_refused(two_classes: Path, tmp_path: Path) -> None:
    settings = TINY | {"budget": "60s", "epochs": 1_000_000}
    message = r"1000000 epochs don't fit into the budget: planned \d+ epochs .* leave out --epochs"
    with pytest.raises(BudgetError, match=message):
        hubel.train(two_classes, out=tmp_path / "run", **settings)


WRONG = [
    ({"size": 2}, r"a picture of 2 x 2 pixels is too small: .* 2 \+ 1 \* \(2\^1 - 1\) = 3 pixels"),
    ({"model": "convnt"}, r"there is no network 'convnt'\. Did you mean 'convnet'\?"),
    ({"model": "conv7x7(8, valid) gap fc", "size": 5}, r"5 - 7 \+ 1 = -1; pad by 1 or use a kern"),
    ({"model": "torchvision:maxvit_t", "size": 64}, r"can't be built: .*: give --size 224"),
    ({"model": "net.py:make"}, r"net\.py can't be read: No such file or directory"),
    ({"optimiser": "sgd"}, r"no setting 'optimiser'\. Did you mean 'optimizer'\?"),
    ({"epochs": 0}, "epochs: expected at least 1, got 0"),
    ({"epochs": 1.5}, "epochs: expected a whole number, got 1.5"),
    ({"budget": "soon"}, "budget: expected a duration such as 90s, 10m or 1h30m, got 'soon'"),
    ({"batch_size": 1000}, "batch_size: expected at most the 42 pictures of the training split"),
    ({"device": "tpu"}, "device: expected one of auto, cpu, cuda, mps; got 'tpu'"),
    ({"device": "cuda:x"}, "device: expected auto, cpu, cuda, cuda:0 or mps, got 'cuda:x'"),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "message"), WRONG, ids=[str(s) for s, _ in WRONG])
def test_a_setting_that_cannot_be_is_refused_before_a_folder_is_made(
    settings: dict[str, Any], message: str, two_classes: Path, tmp_path: Path
) -> None:
    with pytest.raises(RecipeError, match=message):
        hubel.train(two_classes, out=tmp_path / "run", **settings)
    assert not (tmp_path / "run").exists()


def test_a_run_is_never_written_over(finished: Finished, two_classes: Path) -> None:
    before = tree_hash(finished.run.folder)
    with pytest.raises(StorageError, match=r"is not empty; choose another --out"):
        hubel.train(two_classes, out=finished.run.folder, epochs=1)
    assert tree_hash(finished.run.folder) == before
