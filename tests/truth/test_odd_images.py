"""Over a thousand odd, old, broken and hostile files: each is used, or named with a reason."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from hubel.data.decode import FORMATS
from hubel.data.warned import quiet_decoders
from tests.conftest import SHARED, tree_hash

# PngSuite's own list of corrupted files, www.schaik.com/pngsuite: signature, colour type, bit
# depth, data, line feeds. Of `xcsn0g01` only the checksum of the pixels is wrong; all are there.
CORRUPT = {
    *("xc1n0g08", "xc9n2c08", "xcrn0g04", "xd0n2c08", "xd3n2c08", "xd9n2c08", "xdtn0g01"),
    *("xhdn0g08", "xlfn0g04", "xs1n0g01", "xs2n0g01", "xs4n0g01", "xs7n0g01"),
}
WRONG_CHECKSUM = "xcsn0g01"


# `hubel` that also says, in a file, how much memory it and its children held at most, in KiB.
WEIGHED = """
import resource, sys
from hubel.cli.main import main
out = sys.argv.pop(1)
try:
    main()
finally:
    # `ru_maxrss` of the process itself would begin with what held the process that started it.
    own = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    held = (int(own.split()[1]), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
    open(out, "w").write(str(max(held)))
"""


@dataclass(frozen=True)
class Look:
    """What `hubel data --json` said over the odd images."""

    root: Path
    before: str
    returncode: int
    stdout: str
    stderr: str

    @property
    def document(self) -> dict[str, Any]:
        return json.loads(self.stdout)

    @property
    def files(self) -> set[str]:
        found = (path for path in self.root.rglob("*") if path.is_file())
        return {str(path.relative_to(self.root)) for path in found}

    @property
    def accepted(self) -> set[str]:
        return self.files - {problem["file"] for problem in self.document["problems"]}


@pytest.fixture(scope="module")
def look(tmp_path_factory: pytest.TempPathFactory) -> Look:
    archive = SHARED / "odd-images.tar.xz"
    if not archive.exists():
        pytest.skip("needs odd-images.tar.xz of the shared data, which is not beside this checkout")
    folder = tmp_path_factory.mktemp("odd")
    root = folder / "data"
    with tarfile.open(archive) as packed:
        for member in packed:
            if member.isfile():
                top, _, rest = member.name.removeprefix("./").partition("/")
                name = f"{'pillow' if top == 'pillow' else 'others'}/{rest.replace('/', '~')}"
                packed.extract(member.replace(name=name), root, filter="data")
    before = tree_hash(root)
    done = subprocess.run(
        [sys.executable, "-c", WEIGHED, str(folder / "held"), "data", "--json", str(root)],
        env=os.environ | {"HUBEL_CACHE": str(folder / "cache"), "PYTHONUTF8": "1"},
        capture_output=True,
        check=False,
        timeout=500,
    )
    return Look(root, before, done.returncode, done.stdout.decode(), done.stderr.decode())


def test_it_ends_well_and_no_library_prints(look: Look) -> None:
    assert look.stderr == ""
    assert look.returncode == 0
    assert look.document["error"] is None


def test_the_counts_add_up(look: Look) -> None:
    document = look.document
    assert document["files"] == document["accepted"] + document["rejected"] == len(look.files)
    assert document["files"] > 1200
    assert document["rejected"] == len(document["problems"]) > 0
    assert document["accepted"] == len(look.accepted) == sum(document["splits"].values())
    assert sum(sum(of.values()) for of in document["classes"].values()) == document["accepted"]


def test_it_never_holds_a_gigabyte(look: Look) -> None:
    assert int((look.root.parent / "held").read_text()) < 1_000_000


def test_what_decoders_said_is_listed_for_their_files(look: Look) -> None:
    warnings = look.document["warnings"]
    assert {warned["file"] for warned in warnings} <= look.files
    assert len({warned["file"] for warned in warnings}) == len(warnings) > 20
    assert all(warned["warning"] for warned in warnings)


def test_every_file_left_out_is_named_once_with_a_reason(look: Look) -> None:
    problems = look.document["problems"]
    names = [problem["file"] for problem in problems]
    assert len(set(names)) == len(names)
    assert set(names) <= look.files
    assert all(problem["reason"] for problem in problems)
    for problem in problems:
        assert problem["error"] or "broken" not in problem["reason"], problem


def test_every_file_that_is_used_decodes_in_pillow(look: Look) -> None:
    failed: list[str] = []
    with quiet_decoders():
        for name in sorted(look.accepted):
            try:
                with Image.open(look.root / name, formats=FORMATS) as image:
                    image.load()
            except Exception as error:  # foreign bytes
                failed.append(f"{name}: {error!r}")
    assert failed == []


def test_most_pictures_of_pillows_own_tests_are_used(look: Look) -> None:
    used = {name for name in look.accepted if name.startswith("pillow/")}
    there = {name for name in look.files if name.startswith("pillow/")}
    assert len(used) > 0.6 * len(there)


def test_of_the_corrupted_files_of_pngsuite_only_a_wrong_checksum_is_used(look: Look) -> None:
    stems = {Path(name).stem: name for name in look.files if name.startswith("others/x")}
    assert set(stems) == {*CORRUPT, WRONG_CHECKSUM}
    assert {stem for stem, name in stems.items() if name in look.accepted} == {WRONG_CHECKSUM}


def test_all_sound_pictures_of_pngsuite_are_used_or_are_copies(look: Look) -> None:
    reasons = {problem["file"]: problem["reason"] for problem in look.document["problems"]}
    for name in look.files:
        if name.startswith("others/") and name.endswith(".png") and name[7] != "x":
            assert "same picture" in reasons.get(name, "the same picture"), (name, reasons[name])


def test_nothing_in_the_folder_has_changed(look: Look) -> None:
    assert tree_hash(look.root) == look.before


def test_reading_an_odd_folder_twice_says_the_same(look: Look, shared: Callable[..., Path]) -> None:
    again = subprocess.run(
        [sys.executable, "-m", "hubel", "data", "--json", str(look.root)],
        env=os.environ | {"HUBEL_CACHE": str(look.root.parent / "cache"), "PYTHONUTF8": "1"},
        capture_output=True,
        check=False,
        timeout=500,
    )
    assert again.stdout.decode() == look.stdout
