"""One finished run for all tests of a process that only look at it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from hubel.job.work import train
from hubel.runs import Run
from tests.conftest import fill
from tests.job.runs import TINY


@dataclass(frozen=True)
class Finished:
    """A run, its data (with a broken picture in the test split), and the cache that it used."""

    run: Run
    data: Path
    cache: Path


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """As a resumed run would have it, and kind to the other tests."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    root = tmp_path_factory.mktemp("finished")
    data = root / "data"
    for split, first, count in (("train", 0, 24), ("test", 100, 12)):
        fill(data / split / "dark", count, first=first)
        fill(data / split / "red", count, hue=120, first=first)
    half = (data / "test" / "red" / "100.png").read_bytes()[:300]
    (data / "test" / "red" / "broken.png").write_bytes(half)
    (data / "train" / "dark" / "notes.txt").write_text("not a picture")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUBEL_CACHE", str(root / "cache"))
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        run = train(data, out=root / "run", **TINY | {"epochs": 8})
        torch.set_num_threads(before)
    return Finished(run, data, root / "cache")


@pytest.fixture
def whole(two_classes: Path, tmp_path: Path) -> Path:
    """The run that nobody interrupts."""
    return train(two_classes, out=tmp_path / "whole", **TINY).folder
