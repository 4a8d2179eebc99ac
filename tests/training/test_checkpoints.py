"""Whatever a crash does to the newest checkpoint: an older one is used, or an error says why."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hubel.errors import ArtifactError, StorageError
from hubel.storage import atomic_folder
from hubel.training.checkpoints import Checkpoint, Checkpoints
from tests.conftest import tree_hash
from tests.places import files_no_longer_than

FILES = ("state.safetensors", "state.json")


def checkpoint(step: int, size: int = 50) -> Checkpoint:
    tensors = {"a": torch.full((size,), float(step)), "b/c": torch.arange(step + 1)}
    return Checkpoint(step, tensors, {"plan": [[0, 0.0], [9, 1.0]], "seconds": step / 3})


def equal(found: Checkpoint | None, expected: Checkpoint) -> bool:
    return (
        found is not None
        and (found.step, found.facts) == (expected.step, expected.facts)
        and found.tensors.keys() == expected.tensors.keys()
        and all(torch.equal(found.tensors[k], v) for k, v in expected.tensors.items())
        and all(found.tensors[k].dtype == v.dtype for k, v in expected.tensors.items())
    )


def remove(path: Path) -> None:
    path.unlink()


def empty(path: Path) -> None:
    path.write_bytes(b"")


def halve(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def zero_the_end(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:-40] + bytes(40))


def garble(path: Path) -> None:
    path.write_bytes(bytes(255 - byte for byte in path.read_bytes()))


def take_the_older_ones(path: Path) -> None:
    older = min(path.parent.parent.iterdir())
    shutil.copy(older / path.name, path)


def write_another_document(path: Path) -> None:
    path.write_text("[]")


def make_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGES = (
    remove,
    empty,
    halve,
    zero_the_end,
    garble,
    take_the_older_ones,
    write_another_document,
    make_a_folder,
)


@pytest.fixture
def two(tmp_path: Path) -> Checkpoints:
    """The checkpoints of steps 3 and 8."""
    found = Checkpoints(tmp_path / "checkpoints")
    found.save(checkpoint(3))
    found.save(checkpoint(8))
    return found


def newest(checkpoints: Checkpoints) -> Path:
    return max(checkpoints.folder.iterdir())


def names(checkpoints: Checkpoints) -> list[str]:
    return sorted(path.name for path in checkpoints.folder.iterdir())


def test_what_is_saved_is_loaded(two: Checkpoints) -> None:
    assert equal(two.load(), checkpoint(8))


def test_without_any_there_is_none(tmp_path: Path) -> None:
    assert Checkpoints(tmp_path / "nowhere").load() is None


def test_two_are_kept(two: Checkpoints) -> None:
    two.save(checkpoint(10))
    assert names(two) == ["step-0000000008", "step-0000000010"]


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_newest_is_named_and_the_older_one_used(
    damage: Callable[[Path], None], file: str, two: Checkpoints
) -> None:
    damage(newest(two) / file)
    with pytest.warns(UserWarning, match="step-0000000008 is damaged and passed over"):
        found = two.load()
    assert equal(found, checkpoint(3))


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("damage", [remove, empty, halve, garble])
@pytest.mark.filterwarnings("ignore:.*is damaged and passed over")
def test_when_all_are_damaged_training_never_begins_anew(
    damage: Callable[[Path], None], file: str, two: Checkpoints
) -> None:
    for folder in two.folder.iterdir():
        damage(folder / file)
    with pytest.raises(ArtifactError, match=r"every checkpoint in .* is damaged; start a new run"):
        two.load()


@given(place=st.integers(0, 1 << 20), bit=st.integers(0, 7), file=st.sampled_from(FILES))
@pytest.mark.filterwarnings("ignore:.*is damaged and passed over")
def test_any_flipped_bit_is_noticed_or_without_meaning(
    place: int, bit: int, file: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    checkpoints = Checkpoints(tmp_path_factory.mktemp("flip"))
    checkpoints.save(checkpoint(3))
    checkpoints.save(checkpoint(8))
    path = newest(checkpoints) / file
    content = bytearray(path.read_bytes())
    content[place % len(content)] ^= 1 << bit
    path.write_bytes(content)
    found = checkpoints.load()
    assert equal(found, checkpoint(3)) or (file == "state.json" and equal(found, checkpoint(8)))


def test_a_damaged_one_never_counts_as_the_older_one(two: Checkpoints) -> None:
    garble(newest(two) / "state.json")
    two.save(checkpoint(3))  # as resuming does
    two.save(checkpoint(9))
    garble(newest(two) / "state.json")
    with pytest.warns(UserWarning, match="step-0000000009 is damaged"):
        assert equal(two.load(), checkpoint(3))


def test_what_a_crash_left_half_written_is_no_checkpoint_and_goes(two: Checkpoints) -> None:
    half = two.folder / ".step-0000000011.abc"
    shutil.copytree(newest(two), half)
    assert equal(two.load(), checkpoint(8))
    assert not half.exists()


def test_what_another_process_is_filling_stays(two: Checkpoints) -> None:
    path = two.folder / "step-0000000011"
    with atomic_folder(path) as half:
        shutil.copytree(newest(two), half, dirs_exist_ok=True)
        assert equal(two.load(), checkpoint(8))
        assert half.exists()
    assert path.exists()


def test_the_only_copy_of_a_checkpoint_comes_back(two: Checkpoints) -> None:
    aside = two.folder / ".step-0000000008.old.abc"
    aside.mkdir()
    newest(two).rename(aside / "step-0000000008")
    assert equal(two.load(), checkpoint(8))
    assert names(two) == ["step-0000000003", "step-0000000008"]


def test_an_old_copy_of_a_checkpoint_goes(two: Checkpoints) -> None:
    aside = two.folder / ".step-0000000008.old.abc"
    shutil.copytree(two.folder / "step-0000000003", aside / "step-0000000008")
    assert equal(two.load(), checkpoint(8))
    assert names(two) == ["step-0000000003", "step-0000000008"]


def test_one_that_is_whole_is_not_written_again(two: Checkpoints) -> None:
    before = two.folder.stat().st_mtime_ns, tree_hash(two.folder)
    later = checkpoint(8)
    two.save(replace(later, facts=later.facts | {"seconds": 77.0}))
    assert (two.folder.stat().st_mtime_ns, tree_hash(two.folder)) == before


@pytest.mark.parametrize(
    "changed",
    [
        replace(checkpoint(8), facts={"plan": [[0, 0.0], [8, 0.9]], "seconds": 8 / 3}),
        replace(checkpoint(8), tensors={"a": torch.zeros(50), "b/c": torch.arange(9)}),
        replace(checkpoint(8), tensors=checkpoint(8).tensors | {"c": torch.zeros(1)}),
        replace(checkpoint(8), tensors={k: v.double() for k, v in checkpoint(8).tensors.items()}),
    ],
    ids=["a cut plan", "values", "one more", "type"],
)
def test_what_has_changed_is_written(changed: Checkpoint, two: Checkpoints) -> None:
    two.save(changed)
    assert equal(two.load(), changed)
    assert names(two) == ["step-0000000003", "step-0000000008"]


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_one_of_the_same_step_is_replaced(
    damage: Callable[[Path], None], file: str, two: Checkpoints
) -> None:
    damage(newest(two) / file)
    two.save(checkpoint(8))
    assert equal(two.load(), checkpoint(8))
    assert names(two) == ["step-0000000003", "step-0000000008"]


def test_a_later_one_goes_only_when_it_is_damaged(two: Checkpoints) -> None:
    two.save(checkpoint(5))
    assert names(two) == [f"step-000000000{step}" for step in (3, 5, 8)]
    garble(newest(two) / "state.safetensors")
    two.save(checkpoint(6))
    assert names(two) == ["step-0000000005", "step-0000000006"]


def test_the_older_one_that_stays_is_the_newest_that_is_whole(two: Checkpoints) -> None:
    garble(newest(two) / "state.safetensors")
    two.save(checkpoint(10))
    assert names(two) == ["step-0000000003", "step-0000000010"]


@pytest.mark.parametrize("limit", [0, 150, 100_000])
def test_a_full_disk_is_an_error_and_the_older_ones_stay(limit: int, two: Checkpoints) -> None:
    before = tree_hash(two.folder)
    with (
        files_no_longer_than(limit),
        pytest.raises(StorageError, match=r"the disk is full: could not write .*step-0000000012"),
    ):
        two.save(checkpoint(12, size=100_000))
    assert tree_hash(two.folder) == before
    assert equal(two.load(), checkpoint(8))
