"""Named arrays of .npz, .npy and HDF5 files: one rule for all of them."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from hubel.data.decode import decode
from hubel.data.sources import open_source
from hubel.data.sources.roles import role_of
from hubel.errors import DataError
from tests.data.sources.reading import labelled, row

Named = dict[str, NDArray[Any]]


def stored(folder: Path, arrays: Named) -> Path:
    np.savez(folder / "data.npz", **arrays)
    return folder / "data.npz"


def packed(folder: Path, arrays: Named) -> Path:
    np.savez_compressed(folder / "data.npz", **arrays)
    return folder / "data.npz"


def side_by_side(folder: Path, arrays: Named) -> Path:
    for name, values in arrays.items():
        np.save(folder / f"{name}.npy", values)
    return folder


def hdf5(folder: Path, arrays: Named) -> Path:
    h5py = pytest.importorskip("h5py")
    with h5py.File(folder / "data.h5", "w") as file:
        for name, values in arrays.items():
            file[name] = values if values.dtype.kind != "U" else values.astype("S")
    return folder / "data.h5"


def groups(folder: Path, arrays: Named) -> Path:
    return hdf5(folder, {name.replace("_", "/"): values for name, values in arrays.items()})


every_file = pytest.mark.parametrize("make", [stored, packed, side_by_side, hdf5])


def draw(shape: tuple[int, ...], dtype: str = "u1") -> NDArray[Any]:
    return np.random.default_rng(0).integers(0, 100, shape).astype(dtype)


@pytest.mark.parametrize("make", [stored, packed, side_by_side, hdf5, groups])
@pytest.mark.parametrize(
    ("x", "y"), [("{}_images", "{}_labels"), ("x_{}", "y_{}"), ("{}_set_x", "{}_set_y"),
                 ("X_{}", "Y_{}")]
)  # fmt: skip
def test_splits_and_roles_are_read_from_the_names(
    tmp_path: Path, make: Callable[[Path, Named], Path], x: str, y: str
) -> None:
    arrays: Named = {}
    for split, count in (("train", 5), ("val", 3), ("test", 2)):
        arrays[x.format(split)] = draw((count, 6, 5, 3))
        arrays[y.format(split)] = np.arange(count).reshape(-1, 1) % 2
    source = open_source(make(tmp_path, arrays))
    splits = [split for _, split in labelled(source).values()]
    assert {name: splits.count(name) for name in ("train", "val", "test")} == {
        "train": 5, "val": 3, "test": 2,
    }  # fmt: skip
    for path, (label, _) in labelled(source).items():
        name, _, number = path.removesuffix("]").partition("[")
        values = arrays[name.replace("/", "_")][int(number)]
        assert label == str(int(number) % 2)
        np.testing.assert_array_equal(decode(source.read(path)).pixels, values)


@every_file
@pytest.mark.parametrize(
    ("x", "y"), [("x", "y"), ("images", "labels"), ("X", "y"), ("data", "target")]
)
def test_without_a_split_in_the_names_none_is_given(
    tmp_path: Path, make: Callable[[Path, Named], Path], x: str, y: str
) -> None:
    source = open_source(make(tmp_path, {x: draw((3, 4, 4)), y: np.array(["cat", "dog", "cat"])}))
    assert labelled(source) == {
        f"{x}[0]": ("cat", None), f"{x}[1]": ("dog", None), f"{x}[2]": ("cat", None),
    }  # fmt: skip
    assert all(entry.size == len(source.read(entry.path)) for entry in source.list().entries)


def test_a_split_without_labels_is_named_sample_by_sample(tmp_path: Path) -> None:
    arrays = {"x_train": draw((2, 4, 4)), "y_train": np.arange(2), "x_test": draw((3, 4, 4))}
    entries = open_source(stored(tmp_path, arrays)).list().entries
    assert [(e.split, e.problem) for e in entries] == [("train", None)] * 2 + [
        ("test", "no label")
    ] * 3


def test_plain_arrays_beside_a_test_split_are_for_training(tmp_path: Path) -> None:
    arrays = {"x": draw((2, 4, 4)), "y": np.arange(2)}
    arrays |= {"x_test": draw((1, 4, 4)), "y_test": np.zeros(1, int)}
    listing = open_source(stored(tmp_path, arrays)).list()
    assert [entry.split for entry in listing.entries] == ["train", "train", "test"]
    assert listing.notes == ("arrays whose names say no split are taken for training",)


def test_arrays_that_are_not_read_are_named(tmp_path: Path) -> None:
    arrays = {"x": draw((2, 4, 4)), "y": np.arange(2), "weights": np.ones(2)}
    assert open_source(stored(tmp_path, arrays)).list().notes == (
        "arrays that are not read: weights",
    )


def test_names_of_classes_may_stand_in_the_file(tmp_path: Path) -> None:
    arrays = {"x": draw((2, 4, 4)), "y": np.array([1, 0]), "class_names": np.array(["a", "b"])}
    assert [label for label, _ in labelled(open_source(stored(tmp_path, arrays))).values()] == [
        "b", "a",
    ]  # fmt: skip


def test_names_of_classes_may_be_named(tmp_path: Path) -> None:
    path = stored(tmp_path, {"x": draw((2, 4, 4)), "y": np.array([1, 0])})
    (tmp_path / "names.json").write_text('{"0": "cat", "1": "dog"}')
    source = open_source(f"{path}?classes=names.json")
    assert [label for label, _ in labelled(source).values()] == ["dog", "cat"]
    assert labelled(open_source(source.name)) == labelled(source)


def test_any_pair_can_be_named(tmp_path: Path) -> None:
    path = stored(tmp_path, {"arr_0": draw((2, 4, 4)), "arr_1": np.arange(2)})
    with pytest.raises(
        DataError,
        match=r"no array of samples; .*the arrays are arr_0, arr_1; others are named as \?x=",
    ):
        open_source(path).list()
    assert len(labelled(open_source(f"{path}?x=arr_0&y=arr_1"))) == 2


@every_file
def test_one_hot_rows_name_one_class_and_other_rows_several(
    tmp_path: Path, make: Callable[[Path, Named], Path]
) -> None:
    targets = np.array([[0, 1, 0], [1, 0, 0], [0, 0, 1]])
    listing = open_source(make(tmp_path, {"x": draw((3, 4, 4)), "y": targets})).list()
    assert [entry.label for entry in listing.entries] == ["1", "0", "2"]
    assert listing.notes == ("y: one-hot rows of 3 classes",)
    targets[0] = 0
    targets[1] = 1
    listing = open_source(make(tmp_path, {"x": draw((3, 4, 4)), "y": targets})).list()
    assert [entry.labels for entry in listing.entries] == [(), ("0", "1", "2"), ("2",)]
    assert [entry.label for entry in listing.entries] == [None] * 3


def test_channels_first_are_turned_to_last_and_it_is_said(tmp_path: Path) -> None:
    values = draw((2, 3, 8, 7))
    source = open_source(stored(tmp_path, {"x": values, "y": np.arange(2)}))
    np.testing.assert_array_equal(row(source, "x[1]"), np.moveaxis(values[1], 0, -1))
    assert source.list().notes == (
        "x: rows of (3, 8, 7) have their channels first, and are turned",
    )


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((3, 8, 7), (8, 7, 3)), ((1, 8, 7), (8, 7)), ((8, 7, 1), (8, 7)), ((8, 7, 3), (8, 7, 3)),
     ((5, 8, 7), (5, 8, 7)), ((3, 3, 3), (3, 3, 3)), ((9,), (9,)), ((4, 5, 6, 7), (4, 5, 6, 7))],
)  # fmt: skip
def test_the_rule_of_axes(
    tmp_path: Path, shape: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    source = open_source(stored(tmp_path, {"x": draw((2, *shape)), "y": np.arange(2)}))
    assert row(source, "x[0]").shape == expected


@given(
    values=st.lists(st.integers(-(2**40), 2**40), min_size=2, max_size=2),
    dtype=st.sampled_from(["i8", ">i8"]),
)
def test_wide_integers_keep_their_values(
    tmp_path_factory: pytest.TempPathFactory, values: list[int], dtype: str
) -> None:
    wide = np.array(values, dtype).reshape(2, 1, 1) * np.ones((1, 2, 2), dtype)
    source = open_source(stored(tmp_path_factory.getbasetemp(), {"x": wide, "y": np.arange(2)}))
    found = np.stack([row(source, f"x[{n}]") for n in range(2)])
    np.testing.assert_array_equal(found, wide)
    assert found.dtype.str.lstrip("<|") in ("u1", "u2", "i2", "f8")


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [("u1", "|u1"), (">u2", "<u2"), ("i2", "<i2"), ("f2", "<f4"), ("f4", "<f4"), (">f8", "<f8"),
     ("?", "|u1"), ("i1", "|u1"), ("u8", "|u1")],
)  # fmt: skip
def test_types_become_the_nearest_that_a_picture_needs(
    tmp_path: Path, dtype: str, expected: str
) -> None:
    source = open_source(stored(tmp_path, {"x": draw((2, 4, 4), dtype), "y": np.arange(2)}))
    assert row(source, "x[0]").dtype.str == expected


class Trap:
    """Unpickling it would leave a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("make", [stored, packed, side_by_side])
def test_nothing_is_ever_unpickled(tmp_path: Path, make: Callable[[Path, Named], Path]) -> None:
    trap = tmp_path / "sprung"
    pickle.loads(pickle.dumps(Trap(trap)))
    assert trap.exists()  # the trap works
    trap.unlink()
    objects = np.array([Trap(trap), Trap(trap)], dtype=object)
    (tmp_path / "d").mkdir()
    path = make(tmp_path / "d", {"x": objects, "y": np.arange(2)})
    with pytest.raises(
        DataError, match=r"x.* holds Python objects.*save numbers or text, as numpy"
    ):
        open_source(path).list()
    assert not trap.exists()


@every_file
@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (
            {"x": (4, 5, 5), "y": (3,)},
            "x has 4 samples, and y has 3 labels; they have to be as many",
        ),
        ({"x": (4,), "y": (4,)}, r"x has shape \(4,\); expected an axis of samples, and at least"),
        (
            {"x": (4, 5, 5), "data": (4, 5, 5), "y": (4,)},
            "data and x have the same role; say which",
        ),
        (
            {"x_train": (2, 5, 5), "y_train": (2,), "y_test": (2,)},
            "y_test has no samples beside it",
        ),
        (
            {"x": (2, 5, 5), "x_test": (2, 5, 5), "y_test": (2,)},
            "x has no labels; the arrays are x",
        ),
    ],
)
def test_arrays_that_do_not_fit_are_named(
    tmp_path: Path,
    make: Callable[[Path, Named], Path],
    arrays: dict[str, tuple[int, ...]],
    message: str,
) -> None:
    path = make(tmp_path, {name: draw(shape) for name, shape in arrays.items()})
    with pytest.raises(DataError, match=message):
        open_source(path).list()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("x.npz", r"x\.npz can't be read as NumPy arrays: BadZipFile"),
        ("x.h5", r"x\.h5 can't be read as HDF5"),
        (
            "lone.npy",
            r"lone\.npy is one array; expected samples and labels side by side, as x\.npy",
        ),
    ],
)
def test_a_file_that_holds_no_arrays_is_refused(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / name).write_bytes(b"nothing of the kind")
    with pytest.raises(DataError, match=message):
        open_source(tmp_path / name).list()


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("clases=a.json", r"there is no option 'clases'; did you mean 'classes'\? \(there are: "),
        ("colour=red", "there is no option 'colour'; it would have no effect"),
        ("x", r"expected options as name\?option=value&option=value, got 'x'"),
        ("x=a&x=b", "the option 'x' stands twice"),
        ("x=a", "go together; got only one of them"),
        ("x=a&y=y", "there is no array 'a'; the arrays are x, y"),
        ("classes=gone.json", r"gone\.json can't be read as a class map: FileNotFoundError"),
    ],
)
def test_an_option_that_means_nothing_is_refused(tmp_path: Path, query: str, message: str) -> None:
    path = stored(tmp_path, {"x": draw((2, 4, 4)), "y": np.arange(2)})
    with pytest.raises(DataError, match=message):
        open_source(f"{path}?{query}").list()


def test_a_source_without_options_refuses_them_all(two_classes: Path) -> None:
    with pytest.raises(DataError, match=r"no option 'classes'; .* \(there are none here\)"):
        open_source(f"{two_classes}?classes=a.json")


def test_a_question_mark_may_be_part_of_a_name(two_classes: Path) -> None:
    renamed = two_classes.rename(two_classes.parent / "is it?x=y")
    assert len(open_source(renamed).list().entries) == 60


@pytest.mark.parametrize("name", ["weights", "x_y", "train_test_x", "train", "", "img_x_2"])
def test_a_name_that_says_nothing_has_no_role(name: str) -> None:
    assert role_of(name) is None
