"""What Hugging Face's tools write is read with pyarrow alone, and names without a surprise."""

from __future__ import annotations

import http.server
import io
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from hubel.data.sources import open_source
from hubel.data.sources.hub import configs_of
from hubel.errors import DataError, PictureError
from tests.conftest import fill, picture
from tests.data.sources.reading import labelled


def png(seed: int) -> bytes:
    stream = io.BytesIO()
    picture(seed).save(stream, "PNG")
    return stream.getvalue()


def table(count: int, first: int = 0, label: str = "label", kind: str = "ClassLabel") -> Any:
    """As `datasets` writes it: a structure of bytes and path, and names in the metadata."""
    numbers = range(first, first + count)
    labels: list[Any] = [n % 2 for n in numbers]
    feature: Any = {"names": ["cat", "dog"], "_type": "ClassLabel"}
    if kind == "Sequence":
        labels, feature = [[0, 1][: n % 3] for n in numbers], {"feature": feature, "_type": kind}
    rows = [{"image": {"bytes": png(n), "path": f"{n}.png"}, label: one}
            for n, one in zip(numbers, labels, strict=True)]  # fmt: skip
    features = {"image": {"_type": "Image"}, label: feature}
    meta = {"huggingface": json.dumps({"info": {"features": features}})}
    return pa.Table.from_pylist(rows).replace_schema_metadata(meta)


def shards(root: Path) -> Path:
    (root / "data").mkdir(parents=True)
    for number in range(2):
        path = root / "data" / f"train-{number:05}-of-00002.parquet"
        parquet.write_table(table(5, number * 5), path, row_group_size=2)
    parquet.write_table(table(3, 50), root / "data" / "test-00000-of-00001.parquet")
    (root / "README.md").write_text("a card")
    return root


def stream(data: Any, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, data.schema) as writer:
        writer.write_table(data, max_chunksize=2)
    (path.parent / "state.json").write_text("{}")


def test_shards_of_a_hub_have_splits_and_names_of_classes(tmp_path: Path) -> None:
    source = open_source(shards(tmp_path / "beans"))
    found = labelled(source)
    first = "data/train-00001-of-00002.parquet"
    assert {path: what for path, what in found.items() if path.startswith(first)} == {
        f"{first}[{n}]": ("dog" if (n + 5) % 2 else "cat", "train") for n in range(5)
    }
    assert [split for _, split in found.values()].count("test") == 3
    assert {label for label, _ in found.values()} == {"cat", "dog"}  # and no name of a split
    for n in reversed(range(5)):
        assert source.read(f"{first}[{n}]") == png(n + 5)
    with pytest.raises(PictureError, match="no such sample"):
        source.read(f"{first}[5]")


def test_a_lone_parquet_file_may_hold_the_pictures(tmp_path: Path) -> None:
    parquet.write_table(table(4), tmp_path / "t.parquet")
    source = open_source(tmp_path / "t.parquet")
    assert labelled(source)["t.parquet[3]"] == ("dog", None)
    assert source.read("t.parquet[3]") == png(3)


def test_a_sequence_of_classes_is_several_labels(tmp_path: Path) -> None:
    parquet.write_table(table(3, 0, "labels", "Sequence"), tmp_path / "t.parquet")
    entries = open_source(tmp_path / "t.parquet").list().entries
    assert [entry.labels for entry in entries] == [(), ("cat",), ("cat", "dog")]


def test_the_only_column_of_classes_is_the_label(tmp_path: Path) -> None:
    data = table(2, 0, "breed")
    parquet.write_table(data, tmp_path / "t.parquet")
    assert labelled(open_source(tmp_path / "t.parquet"))["t.parquet[1]"] == ("dog", None)
    features = json.loads(data.schema.metadata[b"huggingface"])["info"]["features"]
    features["coarse"] = features["breed"]
    meta = {"huggingface": json.dumps({"info": {"features": features}})}
    both = data.append_column("coarse", data["breed"]).replace_schema_metadata(meta)
    parquet.write_table(both, tmp_path / "t.parquet")
    with pytest.raises(DataError, match=r"breed, coarse all hold classes; say .* \?label=breed"):
        open_source(tmp_path / "t.parquet").list()
    chosen = open_source(f"{tmp_path}/t.parquet?label=coarse")
    assert labelled(chosen)["t.parquet[0]"] == ("cat", None)


def test_a_row_without_a_class_has_that_problem(tmp_path: Path) -> None:
    data = table(2).set_column(1, "label", pa.array([-1, 0]))
    parquet.write_table(
        data.replace_schema_metadata(table(1).schema.metadata), tmp_path / "t.parquet"
    )
    problems = [e.problem for e in open_source(tmp_path / "t.parquet").list().entries]
    assert problems == ["no label", None]


@pytest.mark.parametrize("splits", [True, False])
def test_what_save_to_disk_wrote_is_read(tmp_path: Path, splits: bool) -> None:
    root = tmp_path / "saved"
    if splits:
        for name, first in (("train", 0), ("validation", 10)):
            stream(table(4, first), root / name / "data-00000-of-00001.arrow")
        (root / "dataset_dict.json").write_text('{"splits": ["train", "validation"]}')
    else:
        stream(table(4), root / "data-00000-of-00001.arrow")
    source = open_source(root)
    prefix = "train/" if splits else ""
    name = f"{prefix}data-00000-of-00001.arrow[3]"
    assert labelled(source)[name] == ("dog", "train" if splits else None)
    assert {split for _, split in labelled(source).values()} == (
        {"train", "val"} if splits else {None}
    )
    assert source.read(name) == png(3)


@pytest.mark.parametrize("place", ["", "train/"])
@pytest.mark.parametrize("name", ["metadata.csv", "metadata.jsonl"])
def test_an_image_folder_is_read_by_its_metadata(tmp_path: Path, place: str, name: str) -> None:
    root = tmp_path / "pets"
    fill(root / place / "imgs", 3)
    rows = [("imgs/000.png", "cat"), ("imgs/001.png", "dog")]
    text = "file_name,label\n" + "".join(f"{f},{label}\n" for f, label in rows)
    if name.endswith("jsonl"):
        text = "".join(json.dumps({"file_name": f, "label": label}) + "\n" for f, label in rows)
    (root / place / name).write_text(text)
    source = open_source(root)
    split = "train" if place else None
    assert labelled(source) == {
        f"{place}imgs/000.png": ("cat", split),
        f"{place}imgs/001.png": ("dog", split),
        f"{place}imgs/002.png": (None, None),
    }
    assert [e.problem for e in source.list().entries if e.problem] == [f"not named in {name}"]
    assert source.read(f"{place}imgs/000.png").startswith(b"\x89PNG")


def test_metadata_without_labels_leaves_the_folders_to_say_them(two_classes: Path) -> None:
    (two_classes / "metadata.csv").write_text("file_name,text\ndark/000.png,a dark one\n")
    listing = open_source(two_classes).list()
    assert listing.kind == "class folders"
    assert {entry.label for entry in listing.entries if not entry.problem} == {"dark", "red"}


def test_files_are_grouped_by_configuration() -> None:
    files = ["README.md", "data/test-00000-of-00001.parquet", "b/train/0000.parquet",
             "b/train-00000-of-00001.parquet", "a/test/0000.parquet"]  # fmt: skip
    assert configs_of(files) == {
        "a": ["a/test/0000.parquet"],
        "b": ["b/train-00000-of-00001.parquet", "b/train/0000.parquet"],
        "default": ["data/test-00000-of-00001.parquet"],
    }


class _Hub(http.server.BaseHTTPRequestHandler):
    """A hub with one data set, `pets/two`, and one that has no Parquet files."""

    content = b""
    files: tuple[str, ...] = ()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if "/api/datasets/pets/two/tree" in path:
            size = len(self.content)
            tree = [{"type": "file", "path": n, "size": size, "oid": "e"} for n in self.files]
            self._answer(json.dumps(tree).encode())
        elif "/api/datasets/pets/two" in path and "convert" not in path:
            siblings = [{"rfilename": name} for name in self.files]
            self._answer(
                json.dumps({"id": "pets/two", "sha": "a" * 40, "siblings": siblings}).encode()
            )
        elif path.endswith(".parquet"):
            self._answer(self.content)
        else:
            self.send_response(404)
            self.send_header("content-length", "0")
            self.end_headers()

    do_HEAD = do_GET  # noqa: N815

    def _answer(self, content: bytes) -> None:
        self.send_response(200)
        self.send_header("content-length", str(len(content)))
        self.send_header("etag", '"e"')
        self.send_header("x-repo-commit", "a" * 40)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[_Hub]]:
    from huggingface_hub import constants

    parquet.write_table(table(4), tmp_path / "t.parquet")
    _Hub.content = (tmp_path / "t.parquet").read_bytes()
    _Hub.files = ("README.md", "data/train-00000-of-00001.parquet")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    yield _Hub
    server.shutdown()
    server.server_close()


def test_a_name_is_downloaded_once_and_read_without_a_network_later(
    hub: type[_Hub], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = open_source("hf:pets/two")
    assert source.name == "hf:pets/two"
    assert labelled(source)["data/train-00000-of-00001.parquet[1]"] == ("dog", "train")
    assert source.read("data/train-00000-of-00001.parquet[1]") == png(1)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    assert labelled(open_source("hf:pets/two")) == labelled(source)


def test_a_download_that_broke_off_is_no_data_set(
    hub: type[_Hub], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.files = ("data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet")
    open_source("hf:pets/two")
    next((tmp_path / "hub").rglob("train-00001-of-00002.parquet")).unlink()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(DataError, match="is in the cache in part only, and HF_HUB_OFFLINE forbids"):
        open_source("hf:pets/two")


@pytest.mark.parametrize(
    ("name", "files", "message"),
    [
        ("hf:pets/three", None, r"no data set 'pets/three' that may be read .*answered 404"),
        ("hf:pets/two:small", None, "there is no configuration 'small'; there are: default"),
        (
            "hf:pets/two",
            ("a/train/0.parquet", "b/train/0.parquet"),
            "several configurations: a, b;",
        ),
        ("hf:pets/two", ("a/partial-train/0.parquet",), "of the first part only"),
        ("hf:pets/two", ("README.md",), "has no Parquet files, and the hub has made none of it"),
        ("hf:../etc", None, "expected hf:NAME, hf:OWNER/NAME or hf:OWNER/NAME:CONFIG"),
    ],
)
def test_a_name_that_gives_no_data_is_refused(
    hub: type[_Hub], name: str, files: tuple[str, ...] | None, message: str
) -> None:
    hub.files = files or hub.files
    with pytest.raises(DataError, match=message):
        open_source(name)


def test_without_a_network_one_clear_line_is_said(
    hub: type[_Hub], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(DataError, match=r"the hub can't be reached \(.*\); without a network, d"):
        open_source("hf:pets/two")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(DataError, match="is not in the cache, and HF_HUB_OFFLINE forbids"):
        open_source("hf:pets/two")
