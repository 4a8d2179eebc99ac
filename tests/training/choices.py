"""Every setting with values that a user may give it, and how they are typed."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from hubel.training.choices import BALANCES, LOSSES, OPTIMIZERS
from hubel.training.selection import MONITORS


def _floats(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high)


def _resolutions() -> st.SearchStrategy[tuple[tuple[float, float], ...]]:
    ends = st.lists(st.floats(0.01, 0.99), max_size=3, unique=True).map(sorted)
    shares = st.lists(st.floats(0.1, 1), min_size=4, max_size=4)
    return st.tuples(ends, shares).map(lambda p: tuple(zip([*p[0], 1.0], p[1], strict=False)))


CHOICES: dict[str, st.SearchStrategy[Any]] = {
    "model": st.sampled_from(["convnet", "linear"]),
    "widths": st.lists(st.integers(1, 512), min_size=1, max_size=5).map(tuple),
    "features": st.sampled_from(["pixels", "histogram + hog(cell=4)"]),
    "pretrained": st.booleans(),
    "small_stem": st.booleans(),
    "size": st.tuples(st.integers(1, 512), st.integers(1, 512)),
    "kind": st.sampled_from(["picture", "signal", "volume"]),
    "channels": st.sampled_from(["rgb", "grey", "rgba", "5"]),
    "shape": st.sampled_from(["squash", "crop", "pad", "bucket"]),
    "split": st.sampled_from(["stratified", "time"]),
    "test_share": _floats(0.01, 0.45),
    "val_share": _floats(0.01, 0.45),
    "missing_classes": st.sampled_from(["refuse", "allow"]),
    "reduced": st.booleans(),
    "epochs": st.integers(1, 1000),
    "budget": _floats(1, 1e6),
    "batch_size": st.integers(2, 65_536),
    "loss": st.sampled_from(sorted(LOSSES)),
    "margin": _floats(1e-6, 100),
    "squared": st.booleans(),
    "focal_gamma": _floats(0, 10),
    "balance": st.sampled_from(sorted(BALANCES)),
    "effective_beta": _floats(0, 0.999999),
    "monitor": st.sampled_from(MONITORS),
    "optimizer": st.sampled_from(sorted(OPTIMIZERS)),
    "lr": _floats(0, 1e3),
    "norm_lr": _floats(0, 100),
    "momentum": _floats(1e-3, 0.9999),  # none is for some optimizers only: test_rules.py
    "weight_decay": _floats(0, 10),
    "l1": _floats(0, 10),
    "sam_radius": _floats(0, 10),
    "warmup": _floats(0, 0.9),
    "final_lr": _floats(0, 1),
    "label_smoothing": _floats(0, 0.99),
    "flip": st.booleans(),
    "shift": _floats(0, 0.5),
    "zoom": _floats(0, 0.95),
    "aspect": _floats(0, 2),
    "color": _floats(0, 1),
    "erase": _floats(0, 1),
    "mixup": _floats(0, 5),
    "cutmix": _floats(0, 5),
    "resolutions": _resolutions(),
    "averaging": _floats(0, 1),
    "precision": st.sampled_from(["float32", "bfloat16"]),
    "compile": st.booleans(),
    "device": st.just("cpu"),
    "workers": st.integers(0, 256),
    "seed": st.integers(0, 2**62),
}

EACH = st.sampled_from(sorted(CHOICES)).flatmap(
    lambda name: st.tuples(st.just(name), CHOICES[name])
)


def typed(value: Any) -> str:
    """What a user types for a value."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple) and value and isinstance(value[0], tuple):
        return ",".join(f"{until!r}:{share!r}" for until, share in value)
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value)
