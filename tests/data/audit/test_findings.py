"""Each flaw that is put into a folder is found under its name, and nothing is found without one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFilter

from hubel.data.audit.alike import find_alike
from hubel.data.audit.columns import audit_columns, with_findings
from hubel.data.audit.files import file_findings
from hubel.data.audit.findings import FINDINGS, Finding, parse_fail_on
from hubel.data.audit.sets import group_findings, name_groups, same_findings
from hubel.data.dataset import Wish, open_dataset, survey
from hubel.data.sources import open_source
from hubel.errors import RecipeError
from tests.data.audit.pictures import copy, encoded, scene


def put(path: Path, image: Image.Image, **options: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    root = tmp_path / "photos"
    for seed in range(44):
        put(root / "train" / "ab"[seed % 2] / f"{seed}.jpg", scene(seed, 160, 120))
    for seed in range(100, 106):
        put(root / "test" / "ab"[seed % 2] / f"{seed}.jpg", scene(seed, 160, 120))
    return root


def found(root: Path) -> dict[str, Finding]:
    source = open_source(root)
    seen = survey(source, Wish(), 2, lambda _: None)
    alike = find_alike(source, seen)
    table = audit_columns(*seen)
    kinds = [*file_findings(table), *same_findings(table, alike), *group_findings(table)]
    whole = with_findings(table, kinds, alike.cluster)
    files = np.array(table["file"].to_pylist(), object)
    for one in kinds:
        assert set(np.flatnonzero(whole[one.name].to_numpy())) == set(one.rows.tolist())
        object.__setattr__(one, "why", sorted(files[one.rows].tolist()))
    return {one.name: one for one in kinds if len(one)}


def test_clean_photographs_have_no_findings(clean: Path) -> None:
    assert found(clean) == {}


def flaw(root: Path, name: str) -> list[str]:
    """Put one flaw in; the files that should then be named."""
    train, test = root / "train" / "a", root / "test" / "a"
    first = (train / "0.jpg").read_bytes()
    contents: dict[str, dict[Path, bytes]] = {
        "broken": {train / "x.jpg": first[: len(first) // 2]},
        "empty": {train / "x.jpg": b""},
        "foreign": {train / "x.txt": b"hello" * 20},
        "two-classes": {root / "train" / "b" / "x.jpg": first},
        "leak": {test / "x.jpg": first},
        "equal": {train / "x.jpg": first},
        "near-leak": {test / "x.jpg": encoded(copy(scene(0, 160, 120), "cropped", 1))},
        "near-two-classes": {root / "train" / "b" / "x.jpg": encoded(scene(0, 160, 120), 60)},
        "near": {train / "x.jpg": encoded(copy(scene(0, 160, 120), "brightened", 1))},
        "extension": {train / "x.png": encoded(scene(99, 160, 120))},
        "dark": {train / "x.jpg": encoded(scene(99, 160, 120).point(lambda v: v // 12))},
        "bright": {
            train / "x.jpg": encoded(scene(99, 160, 120).point(lambda v: 255 - (255 - v) // 12))
        },
        "blank": {train / "x.jpg": encoded(Image.new("RGB", (160, 120), (9, 90, 9)))},
        "blurred": {
            train / "x.jpg": encoded(scene(99, 160, 120).filter(ImageFilter.GaussianBlur(3)), 95)
        },
        "odd-size": {train / "x.jpg": encoded(scene(99, 960, 720))},
        "odd-aspect": {train / "x.jpg": encoded(scene(99, 300, 70))},
        "other-files": {root / "train" / ".hidden": b"x"},
    }
    both = {"two-classes", "leak", "equal", "near", "near-leak", "near-two-classes"}
    for path, content in contents[name].items():
        path.write_bytes(content)
    named = [str(path.relative_to(root)) for path in contents[name]]
    return sorted([*named, "train/a/0.jpg"] if name in both else named)


FLAWS = ("broken", "empty", "foreign", "two-classes", "leak", "equal", "near-leak",
         "near-two-classes", "near", "extension", "dark", "bright", "blank", "blurred", "odd-size",
         "odd-aspect", "other-files")  # fmt: skip


@pytest.mark.parametrize("name", FLAWS)
def test_a_flaw_is_found_under_its_name_alone(clean: Path, name: str) -> None:
    files = flaw(clean, name)
    kinds = found(clean)
    assert list(kinds) == [name]
    assert kinds[name].why == files


def test_several_frames_are_a_note(clean: Path) -> None:
    frames = [scene(seed, 160, 120) for seed in (201, 202)]
    put(clean / "train" / "a" / "x.gif", frames[0], save_all=True, append_images=frames[1:])
    assert list(found(clean)) == ["animated"]


def test_a_small_class_is_named(clean: Path) -> None:
    put(clean / "train" / "c" / "x.jpg", scene(99, 160, 120))
    assert found(clean)["small-class"].why == ["train/c/x.jpg"]


def test_names_that_look_like_groups_are_a_hint_only_where_splits_tear_them() -> None:
    files = [f"x/patient{who}_{shot:02}.jpg" for who in range(8) for shot in range(4)]
    torn = ["train", "train", "test", "train"] * 8
    assert len(name_groups(files, torn)) == 8
    assert name_groups(files, ["train"] * 16 + ["test"] * 16) == []


@pytest.mark.parametrize(
    "files",
    [
        [f"glass/glass{n}.jpg" for n in range(60)],
        [f"glass/IMG_{n:04}.jpg" for n in range(60)],
        [f"glass/{n:05}.png" for n in range(60)],
        [f"glass/DSC_2019_{n:04}.jpg" for n in range(60)],
        [f"a/{n * 7919:x}.jpg" for n in range(60)],
    ],
)
def test_plain_running_numbers_are_no_groups(files: list[str]) -> None:
    assert name_groups(files, ["train", "test", "train"] * 20) == []


def test_near_duplicates_stay_together_where_splits_are_drawn(tmp_path: Path) -> None:
    root = tmp_path / "photos"
    for seed in range(40):
        put(root / "ab"[seed % 2] / f"{seed}.jpg", scene(seed, 160, 120))
        put(root / "ab"[seed % 2] / f"{seed}c.jpg", copy(scene(seed, 160, 120), "cropped", seed))
    source = open_source(root)
    seen = survey(source, Wish(), 2, lambda _: None)
    alike = find_alike(source, seen)
    apart, together = (open_dataset(source, seen, 3, alike=given) for given in (None, alike))

    def torn(table: Any) -> int:
        splits = dict(zip(table["file"].to_pylist(), table["split"].to_pylist(), strict=True))
        return sum(splits[f] != splits[f.replace("c.jpg", ".jpg")] for f in splits if "c" in f)

    assert torn(apart.manifest.table) > 5
    assert len(alike.pairs) >= 38
    assert torn(together.manifest.table) <= 40 - len(alike.pairs)
    assert any("pictures are near-duplicates" in note for note in together.notes)
    clusters = together.manifest.table["cluster"]
    assert len(set(clusters.drop_null().to_pylist())) == len(alike.pairs)


def test_near_duplicates_over_given_splits_are_told_and_kept(clean: Path) -> None:
    flaw(clean, "near-leak")
    source = open_source(clean)
    seen = survey(source, Wish(), 2, lambda _: None)
    dataset = open_dataset(source, seen, 0, alike=find_alike(source, seen))
    assert len(dataset.manifest.rows("test")) == 7
    assert any("2 pictures are near-duplicates of pictures in another split" in note
               for note in dataset.notes)  # fmt: skip


def test_thumbnails_that_the_cache_has_lost_are_made_again(clean: Path, own_cache: Path) -> None:
    from shutil import rmtree

    flaw(clean, "near-leak")
    source = open_source(clean)
    seen = survey(source, Wish(), 2, lambda _: None)
    before = find_alike(source, seen)
    for folder in ("pixels", "duplicates"):
        rmtree(own_cache / folder)
    again = find_alike(source, seen)
    assert again.pairs.places.tolist() == before.pairs.places.tolist() != []
    assert again.skipped == 0


@pytest.mark.parametrize("text", ["eror", "leaks", "warning,nothing"])
def test_an_unknown_finding_is_refused(text: str) -> None:
    with pytest.raises(RecipeError, match=r"--fail-on: there is no finding '(eror|leaks|nothing)'"):
        parse_fail_on(text)


def test_a_grade_stands_for_all_that_are_as_grave() -> None:
    kinds = {grade: set(parse_fail_on(grade)) for grade in ("error", "warning", "note")}
    assert kinds["error"] < kinds["warning"] < kinds["note"] == set(FINDINGS)
