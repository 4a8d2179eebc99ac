"""What is compared with what, and what is not: said, and bounded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hubel.data.audit import duplicates
from hubel.data.audit.alike import find_alike
from hubel.data.audit.duplicates import near_duplicates
from hubel.data.dataset import Wish, survey
from hubel.data.sources import open_source
from tests.conftest import fill
from tests.data.audit.pictures import copy, pixels, scene


@pytest.mark.parametrize(("side", "skipped"), [(31, 4), (32, 0)])
def test_pictures_that_are_too_small_are_compared_with_none_and_that_is_said(
    tmp_path: Path, side: int, skipped: int
) -> None:
    fill(tmp_path / "data" / "a", 4, side=side)
    source = open_source(tmp_path / "data")
    alike = find_alike(source, survey(source, Wish(), 1, lambda _: None))
    assert (len(alike.pairs), alike.skipped) == (0, skipped)
    assert alike.note.startswith(f"near-duplicates: {skipped} pictures not compared (under 32 px")


def test_of_too_many_candidates_the_likeliest_are_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    images = [scene(seed) for seed in range(6)]
    copies = [copy(image, "reencoded", seed) for seed, image in enumerate(images)]
    sides = np.full(12, 240, np.int64)
    monkeypatch.setattr(duplicates, "_CLOSE", 0.0)  # half of all pairs are candidates
    monkeypatch.setattr(duplicates, "_PAIRS", 1)
    found = near_duplicates(pixels([*images, *copies]), sides)
    assert found.places.tolist() == [[seed, seed + 6] for seed in range(6)]
    assert found.unseen > 6
