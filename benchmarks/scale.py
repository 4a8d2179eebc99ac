"""A million files: a scan that is killed goes on, in how much memory, and how long splitting takes.

    python benchmarks/scale.py [files]

The source is made up: each file is one of 64 small JPEGs with a number behind its end, so that all
are decoded and hashed, and all differ. Each step is a process of its own; memory is the most
that it held at once (the kernel's VmHWM), pixels that are mapped from the cache with it.

- killed: SIGKILL after about a third of the files.
- resumed: the same scan again, to its end; `read` says how many files it opened.
- again: a third scan, which opens none but the few that choose the size of the input.
- split: of the manifest by class, by class with groups of five, and by time.
"""

from __future__ import annotations

import io
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from record import write

FILES = 1_000_000
CLASSES = 100


class MadeUp:
    """A source of so many files, of which none is on a disk."""

    name = "made up"
    key = "made-up"

    def __init__(self, count: int) -> None:
        self.count, self.reads = count, 0
        draws = np.random.default_rng(0).integers(0, 256, (64, 8, 8, 3), np.uint8)
        self._pictures: list[bytes] = []
        for pixels in draws:
            stream = io.BytesIO()
            Image.fromarray(pixels).save(stream, "JPEG")
            self._pictures.append(stream.getvalue())

    def list(self) -> Any:
        """Every file, with a class, a group of five, and a time."""
        from hubel.data.folders import Entry
        from hubel.data.sources import Listing

        labels = [f"class-{number:03}" for number in range(CLASSES)]
        entries = tuple(
            Entry(
                path=f"{labels[n % CLASSES]}/picture-{n:07}.jpg",
                label=labels[n % CLASSES],
                group=f"group-{n // 5}" if os.environ.get("GROUPS") else None,
                size=len(self._pictures[n % 64]) + 7,
                stamp=n,
                time=float(n // 3) if os.environ.get("TIMES") else None,
            )
            for n in range(self.count)
        )
        return Listing("made up", entries)

    def read(self, path: str) -> bytes:
        """One of the pictures, made unlike all others."""
        self.reads += 1
        number = path[-11:-4]
        return self._pictures[int(number) % 64] + number.encode()


def step(kind: str, count: int) -> dict[str, Any]:
    """One step, in this process."""
    from hubel.data.dataset import Wish, open_dataset, survey
    from hubel.data.split import SplitRule, assign, samples_of

    source = MadeUp(count)
    start = time.monotonic()
    found = survey(source, Wish(), 2, lambda _: None)
    document: dict[str, Any] = {"scan_seconds": time.monotonic() - start, "read": source.reads}
    if kind == "split":
        by = "time" if os.environ.get("TIMES") else "stratified"
        rule = SplitRule(kind=by)
        start = time.monotonic()
        manifest = open_dataset(source, found, 0, rule).manifest
        document["checked_and_split_seconds"] = time.monotonic() - start
        samples = samples_of(manifest)
        blank = type(samples)(samples.labels, samples.digests, samples.groups, [None] * count,
                              samples.times)  # fmt: skip
        start = time.monotonic()
        assign(blank, 0, rule)
        document["split_seconds"] = time.monotonic() - start
        document["counts"] = manifest.counts()
    document["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {key: round(v, 2) if isinstance(v, float) else v for key, v in document.items()}


def run(kind: str, count: int, cache: Path, **environment: str) -> dict[str, Any]:
    """One step, in a process of its own."""
    command = [sys.executable, __file__, "--step", kind, str(count)]
    surroundings = os.environ | {"HUBEL_CACHE": str(cache)} | environment
    done = subprocess.run(command, env=surroundings, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def kill(count: int, cache: Path) -> dict[str, Any]:
    """A scan that is killed when about a third of it is kept."""
    command = [sys.executable, __file__, "--step", "scan", str(count)]
    process = subprocess.Popen(command, env=os.environ | {"HUBEL_CACHE": str(cache)})
    parts = cache / "scans" / "made-up.parts"
    start = time.monotonic()
    while len(list(parts.glob("[0-9]*.parquet"))) * 2048 < count / 3:
        time.sleep(0.05)
        if process.poll() is not None:
            raise SystemExit("the scan ended before it could be killed")
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = len(list(parts.glob("[0-9]*.parquet"))) * 2048
    return {"seconds": round(time.monotonic() - start, 1), "files_kept": kept}


def main(count: int) -> None:
    """All steps, in turn."""
    with tempfile.TemporaryDirectory() as scratch:
        cache = Path(scratch)
        measured: dict[str, Any] = {"files": count, "killed": kill(count, cache)}
        measured["resumed"] = run("scan", count, cache)
        measured["again"] = run("scan", count, cache)
        measured["split by class"] = run("split", count, cache)
        measured["split by class and group"] = run("split", count, cache, GROUPS="1")
        measured["split by time"] = run("split", count, cache, TIMES="1")
    write("scale", f"python benchmarks/scale.py {count}", measured)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--step"]:
        print(json.dumps(step(sys.argv[2], int(sys.argv[3]))))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else FILES)
