"""How far predicted times are from measured ones, layer by layer, on the machine that runs.

    python benchmarks/roofline.py [repeats]

One thread, and its processor time: what other programs take of a shared machine is not counted,
though what they do to its caches and memory is. The machine is measured anew before each network.
Beside the prediction stands what a plain roofline says: the one peak of arithmetic, the one of
main memory, nothing else.
"""

from __future__ import annotations

import math
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import timm
import torch
from record import spread, write
from torch import nn
from torchvision import models

from hubel.analysis.budget.comparison import Comparison, compare
from hubel.analysis.budget.loads import Load, loads_of
from hubel.analysis.budget.machine import Kind, Machine
from hubel.analysis.budget.measure import measure_layers
from hubel.analysis.budget.roofline import roofline
from hubel.analysis.budget.this_machine import measure_machine
from hubel.analysis.recording.trace import Traceable, trace

INPUT = (3, 224, 224)
NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "resnet18": models.resnet18,
    "resnet50": models.resnet50,
    "mobilenet_v2": models.mobilenet_v2,
    "convnext_tiny": models.convnext_tiny,
    "timm:vit_small_patch16_224": lambda: timm.create_model("vit_small_patch16_224"),
}


def plain(machine: Machine) -> Machine:
    """What a data sheet would say of it."""
    return replace(machine, ceilings={}, caches=(), fresh=None, overhead=0.0)


def kind_of_layer(loads: list[Load]) -> str:
    """The kind of most of its work; a view only where there is nothing else."""
    kinds = [load.kind for load in sorted(loads, key=lambda x: (x.multiply_adds, x.moved))]
    return str(([kind for kind in kinds if kind is not Kind.VIEW] or kinds)[-1])


def one(name: str, batch: int, repeats: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """One network at one batch; and its layers."""
    with torch.device("meta"):
        module = NETWORKS[name]()
    loads = loads_of(trace(Traceable.of(module), (1, *INPUT))[0])
    machine = measure_machine("cpu", seconds=3, clock=time.thread_time)
    measured = measure_layers(module, INPUT, batch, repeats, clock=time.thread_time)
    found = compare(roofline(loads, machine, batch=batch), measured)
    simple = compare(roofline(loads, plain(machine), batch=batch), measured)
    by_layer: dict[str, list[Load]] = defaultdict(list)
    for load in loads:
        by_layer[load.layer].append(load)
    layers = [
        {
            "name": layer.name,
            "kind": kind_of_layer(by_layer[layer.name]),
            "predicted": layer.predicted,
            "measured": layer.measured.median,
        }
        for layer in found.layers
    ]
    summary = {
        "name": name,
        "batch": batch,
        "peak": machine.peak(),
        "bandwidth": machine.bandwidth,
        "measured": found.measured.to_json(),
        "layer_spread": found.spread,
        "hubel": figures(found),
        "plain": figures(simple),
        "worst": worst(layers),
    }
    return summary, layers


def figures(found: Comparison) -> dict[str, float]:
    """What is published of one prediction."""
    return {
        "predicted": found.predicted,
        "ratio": round(found.ratio, 3),
        "median_factor": round(found.median_factor, 3),
    }


def worst(layers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The three layers whose predictions are off by most seconds."""
    far = sorted(layers, key=lambda x: abs(x["predicted"] - x["measured"]), reverse=True)
    return far[:3]


def by_kind(layers: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Of each kind of operator: its layers, their share of the time, and how far off they are."""
    total = sum(layer["measured"] for layer in layers)
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for layer in layers:
        groups[layer["kind"]].append(layer)
    return {
        kind: {
            "layers": len(group),
            "share": round(sum(x["measured"] for x in group) / total, 4),
            "median_ratio": round(
                statistics.median(x["predicted"] / x["measured"] for x in group if x["measured"]), 3
            ),
        }
        for kind, group in sorted(groups.items(), key=lambda x: -sum(y["measured"] for y in x[1]))
    }


def main(repeats: int) -> None:
    """Measure all networks at two batches."""
    torch.set_num_threads(1)
    networks, layers = [], []
    for name in NETWORKS:
        for batch in (1, 8):
            summary, some = one(name, batch, repeats)
            networks.append(summary)
            layers += some
            print(name, batch, summary["hubel"], summary["plain"], flush=True)
    logs = [
        abs(math.log(x["predicted"] / x["measured"]))
        for x in layers
        if x["measured"] and x["predicted"]
    ]
    measured = {
        "threads": 1,
        "repeats": repeats,
        "networks": networks,
        "kinds": by_kind(layers),
        "layers": len(layers),
        "median_factor": round(math.exp(statistics.median(logs)), 3),
        "ratio": spread([x["hubel"]["ratio"] for x in networks]),
        "plain ratio": spread([x["plain"]["ratio"] for x in networks]),
    }
    write("roofline", f"python benchmarks/roofline.py {repeats}", measured)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
