"""IDX files say what their bytes say, as pairs, as splits, and as nothing else."""

from __future__ import annotations

import gzip
import struct
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from hubel.data.decode import decode
from hubel.data.sources import open_source
from hubel.data.sources.idx import read_idx
from hubel.errors import DataError, PictureError
from tests.data.sources.reading import labelled, row

# Code by type, from the page of the format: yann.lecun.com/exdb/mnist
CODES = {">u1": 8, ">i1": 9, ">i2": 11, ">i4": 12, ">f4": 13, ">f8": 14}


def packed(values: NDArray[Any]) -> bytes:
    code = CODES[values.dtype.newbyteorder(">").str.replace("|", ">")]
    header = struct.pack(f">4B{values.ndim}I", 0, 0, code, values.ndim, *values.shape)
    return header + values.astype(values.dtype.newbyteorder(">")).tobytes()


def write(path: Path, values: Any, dtype: str = "u1") -> None:
    content = packed(np.asarray(values, dtype))
    path.write_bytes(gzip.compress(content, 1) if path.suffix == ".gz" else content)


def pictures(count: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, 5, 4), np.uint8)


def mnist(folder: Path, suffix: str = "", prefix: str = "") -> Path:
    """A training split of 4 and a test split of 3, as MNIST names them."""
    folder.mkdir(exist_ok=True)
    for name, count in (("train", 4), ("t10k", 3)):
        write(folder / f"{prefix}{name}-images-idx3-ubyte{suffix}", pictures(count))
        write(folder / f"{prefix}{name}-labels-idx1-ubyte{suffix}", [n % 3 for n in range(count)])
    return folder


@given(
    values=st.sampled_from(sorted(CODES)).flatmap(
        lambda code: arrays.arrays(code, arrays.array_shapes(min_dims=1, max_dims=4))
    ),
    zipped=st.booleans(),
)
def test_what_was_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, values: NDArray[Any], zipped: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / ("x-idx.gz" if zipped else "x-idx")
    content = packed(values)
    path.write_bytes(gzip.compress(content, 1) if zipped else content)
    found = read_idx(path)
    assert found.dtype.newbyteorder("=") == values.dtype.newbyteorder("=")
    np.testing.assert_array_equal(found, values)


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_train_and_t10k_are_the_splits_and_numbers_the_classes(tmp_path: Path, suffix: str) -> None:
    source = open_source(mnist(tmp_path / "m", suffix))
    train, test = "train-images-idx3-ubyte", "t10k-images-idx3-ubyte"
    assert labelled(source) == {
        **{f"{train}[{n}]": (str(n % 3), "train") for n in range(4)},
        **{f"{test}[{n}]": (str(n % 3), "test") for n in range(3)},
    }
    for number, expected in enumerate(pictures(4)):
        content = source.read(f"{train}[{number}]")
        assert content.startswith(b"\x93NUMPY")
        np.testing.assert_array_equal(row(source, f"{train}[{number}]"), expected)
        np.testing.assert_array_equal(decode(content).pixels, expected)
    assert all(len(source.read(e.path)) == e.size for e in source.list().entries)


def test_fashion_mnist_is_read_as_its_authors_count_it(shared: Callable[[str], Path]) -> None:
    counts = Counter(labelled(open_source(shared("fashion-mnist"))).values())
    # github.com/zalandoresearch/fashion-mnist: 60,000 and 10,000, each class alike
    each = (("train", 6_000), ("test", 1_000))
    assert counts == {(str(digit), split): count for digit in range(10) for split, count in each}


def test_one_file_of_a_pair_names_its_set(tmp_path: Path) -> None:
    folder = mnist(mnist(tmp_path / "e", ".gz", "emnist-letters-"), ".gz", "emnist-digits-")
    with pytest.raises(
        DataError, match=r"several data sets \(emnist-digits, emnist-letters\); name"
    ):
        open_source(folder)
    source = open_source(folder / "emnist-letters-train-labels-idx1-ubyte.gz")
    assert {path.partition("-t")[0] for path in labelled(source)} == {"emnist-letters"}
    assert {split for _, split in labelled(source).values()} == {"train", "test"}
    assert any("transposed" in note for note in source.list().notes)
    assert source.key != open_source(folder / "emnist-digits-train-labels-idx1-ubyte.gz").key


def test_emnist_says_which_character_a_label_is(tmp_path: Path) -> None:
    folder = mnist(tmp_path / "e", ".gz", "emnist-letters-")
    (folder / "emnist-letters-mapping.txt").write_text("0 65 97\n1 66 98\n2 67 99\n")
    assert {label for label, _ in labelled(open_source(folder)).values()} == {"Aa", "Bb", "Cc"}


def test_a_class_map_beside_the_files_names_the_classes(tmp_path: Path) -> None:
    folder = mnist(tmp_path / "m")
    (folder / "classes.txt").write_text("shirt\nbag\nboot\n")
    source = open_source(folder)
    assert {label for label, _ in labelled(source).values()} == {"shirt", "bag", "boot"}
    assert any("classes.txt" in note for note in source.list().notes)
    (folder / "classes.txt").write_text("shirt\nbag\n")
    with pytest.raises(
        DataError, match=r"classes\.txt: the label '2' has no name; the ids .* 0, 1"
    ):
        open_source(folder).list()


def test_of_a_file_and_its_gzipped_twin_the_plain_one_is_read(tmp_path: Path) -> None:
    folder = mnist(mnist(tmp_path / "m"), ".gz")
    assert len(labelled(open_source(folder))) == 7


@pytest.mark.parametrize(
    ("dtype", "shape"), [("i2", (3, 6, 5)), ("f4", (3, 7)), ("f8", (3, 5, 6, 3)), ("i4", (3, 2, 2))]
)
def test_other_types_and_ranks_keep_their_values(
    tmp_path: Path, dtype: str, shape: tuple[int, ...]
) -> None:
    values = (np.arange(np.prod(shape)).reshape(shape) * 3 - 7).astype(dtype)
    write(tmp_path / f"train-images-idx{len(shape)}-short", values, dtype)
    write(tmp_path / "train-labels-idx1-ubyte", [0, 1, 0])
    source = open_source(tmp_path)
    for number, entry in enumerate(source.list().entries):
        np.testing.assert_array_equal(row(source, entry.path), values[number])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("train-images-idx3-ubyte", packed(pictures(4))[:-1],
         "train-images-idx3-ubyte is cut short: expected 80 bytes of values, got 79"),
        ("train-images-idx3-ubyte", packed(pictures(4)) + b"x", "is longer than its header says"),
        ("train-images-idx3-ubyte", packed(pictures(4))[:9], "it ends within its header"),
        ("train-images-idx3-ubyte", b"\x89PNG", "is no IDX file: it begins with 89 50 4e 47"),
        ("train-images-idx3-ubyte", b"", "is no IDX file: it begins with nothing"),
        ("train-images-idx3-ubyte.gz", b"\x1f\x8b\x08", "can't be read as an IDX file"),
        ("train-images-idx3-ubyte.gz", gzip.compress(packed(pictures(4))[:-1], mtime=0),
         "is cut short"),
        ("train-images-idx3-ubyte.gz",
         gzip.compress(struct.pack(">4B3I", 0, 0, 8, 3, 1 << 20, 1 << 10, 1 << 10), mtime=0),
         "unpacks to 1,099,511,627,776 bytes; gunzip it"),
        ("train-labels-idx1-ubyte", packed(np.zeros(3, np.uint8)),
         "has 4 samples, and train-labels-idx1-ubyte has 3 labels; they have to be as many"),
        ("train-labels-idx1-ubyte", packed(np.full((4, 2), 7, np.uint8)),
         "has to hold zeros and ones, one column a class"),
        ("train-labels-idx1-ubyte", packed(np.full(4, 0.5, np.float32)),
         "labels that are whole numbers or text, got >f4"),
        ("train-labels-idx1-ubyte", None, "no file of labels beside it, as train-labels-idx1-"),
        ("train-images-idx3-ubyte", None, "no file of images beside it"),
        ("train-images.idx3-ubyte", packed(pictures(4)), "several files of the train split"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_pair_is_said(
    tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    folder = mnist(tmp_path / "m")
    (folder / name.removesuffix(".gz")).unlink(missing_ok=True)
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        open_source(folder).list()


def test_a_row_that_is_not_there_has_that_problem(tmp_path: Path) -> None:
    source = open_source(mnist(tmp_path / "m"))
    for path in ("train-images-idx3-ubyte[4]", "train-images-idx3-ubyte[-1]", "x[0]", "x", ""):
        with pytest.raises(PictureError, match="no such sample"):
            source.read(path)
