"""Which device computes, and what it is called."""

from __future__ import annotations

import platform

import torch

from hubel.analysis.budget.timing import processor, synchronize
from hubel.errors import RecipeError

__all__ = ["choose_device", "describe_device", "supports_bfloat16", "synchronize"]


def choose_device(name: str) -> tuple[torch.device, str]:
    """The device and why it was chosen.

    Args:
        name: "auto", "cpu", "cuda", "cuda:1", "mps".

    Raises:
        RecipeError: there is no such name, or PyTorch does not see such a device here.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda"), "a CUDA device is there"
        if torch.backends.mps.is_available():
            return torch.device("mps"), "Apple's GPU is there"
        return torch.device("cpu"), "no GPU is there"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise RecipeError(
            f"device: expected auto, cpu, cuda, cuda:0 or mps, got {name!r}"
        ) from error
    seen = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if not seen[device.type]:
        there = ", ".join(kind for kind, found in seen.items() if found)
        raise RecipeError(f"device: {name!r} is not to be had here; PyTorch sees: {there}")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise RecipeError(f"device: there is no {name!r}; PyTorch sees {torch.cuda.device_count()}")
    return device, "set by the user"


def describe_device(device: torch.device) -> str:
    """One line that names the hardware."""
    if device.type == "cuda":
        return f"{device}: {torch.cuda.get_device_name(device)}"
    if device.type == "mps":
        return f"mps: {platform.processor() or 'Apple GPU'}"
    threads = torch.get_num_threads()
    return f"cpu: {processor(device)}, {threads} thread{'s' * (threads != 1)}"


def supports_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 is fast there; on most CPUs it is many times slower than float32."""
    return device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
