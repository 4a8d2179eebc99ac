"""How long until something happens: the help text, and the first batch over a folder.

    python benchmarks/start_up.py FOLDER_OF_CIFAR10 [repeats]

- help: `hubel --help`, a new process each time.
- cold: `hubel train FOLDER`, nothing in Hubel's cache: from the start of the process until the
  first batch has gone through the network.
- warm: the same again, with the cache of the run before.
- rival: the plain script that people write: one process that opens every file with Pillow and
  stacks the arrays, without hashing, checking, splitting, or a network. The ratio is rival / cold.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from record import spread, write

RIVAL = """
import sys, numpy
from pathlib import Path
from PIL import Image
files = sorted(Path(sys.argv[1]).rglob("*.jpg"))
numpy.stack([numpy.asarray(Image.open(file).convert("RGB")) for file in files])
"""


def seconds(command: list[str], cache: str) -> float:
    """Wall time of a process."""
    start = time.monotonic()
    environment = os.environ | {"HUBEL_CACHE": cache}
    subprocess.run(command, check=True, capture_output=True, env=environment)
    return time.monotonic() - start


def first_batch(folder: str, cache: str, out: Path) -> float:
    """Seconds from the command to the first batch, as the run wrote them down."""
    hubel = [sys.executable, "-m", "hubel", "train", folder, "--out", str(out)]
    process = subprocess.Popen(
        [*hubel, "--budget", "10m"],
        env=os.environ | {"HUBEL_CACHE": cache},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(3_000):
            time.sleep(0.1)
            try:
                facts = json.loads((out / "run.json").read_text())
            except (OSError, ValueError):
                continue
            if "first_batch" in facts:
                return facts["first_batch"]
            if facts["status"] != "running":
                raise SystemExit(f"the run {facts['status']}: {facts['error']}")
        raise SystemExit("no first batch within five minutes")
    finally:
        process.kill()
        process.wait()


def main(folder: str, repeats: int) -> None:
    """Measure all four, in turn, `repeats` times."""
    found: dict[str, list[float]] = {"help": [], "cold": [], "warm": [], "rival": []}
    for number in range(repeats):
        with tempfile.TemporaryDirectory() as scratch:
            cache = f"{scratch}/cache"
            found["help"].append(seconds([sys.executable, "-m", "hubel", "--help"], cache))
            found["cold"].append(first_batch(folder, cache, Path(scratch) / "cold"))
            found["warm"].append(first_batch(folder, cache, Path(scratch) / "warm"))
            found["rival"].append(seconds([sys.executable, "-c", RIVAL, folder], cache))
        print(f"{number + 1} of {repeats}", {key: values[-1] for key, values in found.items()})
    measured = {key: spread(values) for key, values in found.items()}
    ratios = [rival / cold for rival, cold in zip(found["rival"], found["cold"], strict=True)]
    measured["rival / cold"] = spread(ratios)
    write("start-up", "python benchmarks/start_up.py CIFAR10_FOLDER", {"seconds": measured})


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 3)
