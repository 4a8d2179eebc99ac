"""A scan that is killed goes on where it was; nothing of the user's changes meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from hubel.data.dataset import Wish, survey
from hubel.data.scan import ScanCache
from hubel.data.sources import FolderSource
from tests.conftest import fill, tree_hash

# Blocks of 50 files, each read slowly and written down by name.
SCAN = """
import sys, time
from hubel.data import scan
from hubel.data.dataset import Wish, survey
from hubel.data.sources import FolderSource

class Slow(FolderSource):
    def read(self, path):
        time.sleep(0.002)
        with open(sys.argv[2], "a") as log:
            log.write(path + "\\n")
        return super().read(path)

scan._BLOCK, scan._CHUNK = 50, 5
from pathlib import Path
survey(Slow(Path(sys.argv[1])), Wish(size=(8, 8)), 2, lambda _: None)
"""


def test_a_killed_scan_goes_on_where_it_was(tmp_path: Path, own_cache: Path) -> None:
    root, log = tmp_path / "data", tmp_path / "log"
    fill(root / "dark", 200, side=8)
    fill(root / "red", 200, hue=120, side=8)
    before = tree_hash(root)
    command = [sys.executable, "-c", SCAN, str(root), str(log)]
    first = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    parts = own_cache / "scans" / f"{FolderSource(root).key}.parts"
    deadline = time.monotonic() + 120
    while len(list(parts.glob("[0-9]*.parquet"))) < 3:
        assert first.poll() is None, "the scan ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.005)
    first.send_signal(signal.SIGKILL)
    first.wait()
    kept = len(ScanCache(parts.with_suffix(".parquet")).known)
    assert 150 <= kept < 400
    log.unlink()
    subprocess.run(command, check=True)
    again = [name for name in log.read_text().splitlines() if name]
    # A few headers are read twice, to choose the size of the input.
    assert len(set(again)) <= 400 - kept + 64
    assert not parts.exists()
    source = FolderSource(root)
    _, found = survey(source, Wish(size=(8, 8)), 2, lambda _: None)
    assert len(found) == len({record.digest for record in found}) == 400
    assert os.environ["HUBEL_CACHE"] == str(own_cache)
    _, fresh = survey_elsewhere(root, tmp_path / "other")
    assert found == fresh
    assert tree_hash(root) == before


def survey_elsewhere(root: Path, cache: Path):
    """The same by a scan that nobody killed."""
    kept = os.environ["HUBEL_CACHE"]
    os.environ["HUBEL_CACHE"] = str(cache)
    try:
        return survey(FolderSource(root), Wish(size=(8, 8)), 2, lambda _: None)
    finally:
        os.environ["HUBEL_CACHE"] = kept
