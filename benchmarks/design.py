"""How long a design takes, and whether the count is right, beside the tools that people use.

    python benchmarks/design.py [repeats]

Each in a new process, timed once torch is imported, in turn:
- hubel: `hubel.design("resnet50")` with formulas, sizes, memory, fields and advice;
- totals: the same without formulas and sizes, which is more than the rivals tell;
- again: the command line answering the same question a second time, the whole process;
- torchinfo, fvcore: the counts of torchvision's module, built on the meta device where they can
  (fvcore can't). They need `pip install torchinfo fvcore`; where absent they are left out.
The ratio is rival / totals. Their multiply-adds of ViT-B/16 (17.56 billion) stand beside.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time

from record import spread, write

OURS = """
from hubel import design
found = design({name!r}, formulas={all}, sizes={all})
count = found.total.multiply_adds
"""
NAMES = {"resnet50": ("resnet50", "resnet50"), "vit_b_16": ("vit-b", "vit_b_16")}
TORCHINFO = """
from torchvision.models import {zoo} as build
from torchinfo import summary
with torch.device("meta"):
    module = build()
count = summary(module, (1, 3, 224, 224), verbose=0, device="meta").total_mult_adds
"""
FVCORE = """
import logging
logging.disable()
from torchvision.models import {zoo} as build
from fvcore.nn import FlopCountAnalysis
count = FlopCountAnalysis(build().eval(), torch.empty(1, 3, 224, 224)).total()
"""
TIMED = """
import json, time, warnings
warnings.filterwarnings("ignore")
import torch
start = time.perf_counter()
{body}
print(json.dumps([time.perf_counter() - start, count]))
"""


def answer(body: str) -> tuple[float, int] | None:
    """Seconds and multiply-adds from a process of its own; nothing where the tool is absent."""
    done = subprocess.run(
        [sys.executable, "-c", TIMED.format(body=body)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "No module named" in done.stderr:
        return None
    if done.returncode:
        raise SystemExit(done.stderr)
    seconds, count = json.loads(done.stdout.splitlines()[-1])
    return seconds, count


def again() -> float:
    """Seconds of the whole second process."""
    with tempfile.TemporaryDirectory() as cache:
        command = [sys.executable, "-m", "hubel", "design", "resnet50", "--json"]
        environment = os.environ | {"HUBEL_CACHE": cache}
        for _ in range(2):
            start = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True, env=environment)
        return time.perf_counter() - start


def bodies(network: str) -> dict[str, str]:
    """What each tool runs for a network."""
    name, zoo = NAMES[network]
    return {
        "hubel": OURS.format(name=name, all=True),
        "totals": OURS.format(name=name, all=False),
        "torchinfo": TORCHINFO.format(zoo=zoo),
        "fvcore": FVCORE.format(zoo=zoo),
    }


def main(repeats: int) -> None:
    """Time ResNet-50 in turn, and count ViT-B/16 once."""
    times: dict[str, list[float]] = {}
    counts: dict[str, dict[str, int]] = {"resnet50": {}, "vit_b_16": {}}
    for _ in range(repeats):
        for tool, body in bodies("resnet50").items():
            found = answer(body)
            if found is not None:
                times.setdefault(tool, []).append(found[0])
                counts["resnet50"][tool] = found[1]
        times.setdefault("again", []).append(again())
    for tool, body in bodies("vit_b_16").items():
        found = answer(body)
        if found is not None:
            counts["vit_b_16"][tool] = found[1]
    measured = {tool: spread(values) for tool, values in times.items()}
    for rival in ("torchinfo", "fvcore"):
        if rival in times:
            pairs = zip(times[rival], times["totals"], strict=True)
            measured[f"{rival} / totals"] = spread([theirs / ours for theirs, ours in pairs])
    facts = {"design seconds": measured, "multiply_adds": counts}
    write("design", "python benchmarks/design.py", facts)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
