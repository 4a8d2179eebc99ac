"""The machine that runs, measured in some seconds and remembered for some days."""

from __future__ import annotations

import hashlib
import statistics
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from hubel.analysis.budget.machine import Kind, Machine, named_machine
from hubel.analysis.budget.microbenchmarks import Bench
from hubel.analysis.budget.timing import Clock, processor
from hubel.caches import cache_folder
from hubel.errors import DesignError, StorageError
from hubel.storage import canonical_json, read_json, write_json

__all__ = ["find_machine", "measure_machine", "this_machine"]

_VERSION = 2  # of what is measured
_DAYS = 7.0
_ABOVE = 32 << 20  # the largest tensor that glibc keeps the memory of, mallopt(3)


def measure_machine(
    device: str = "cpu", seconds: float = 3.0, clock: Clock = time.perf_counter
) -> Machine:
    """Find out what a device of this machine can do.

    Args:
        device: "cpu", "cuda", "cuda:1" or "mps".
        seconds: for all measurements together, about.
        clock: gives seconds; `time.thread_time` leaves out other programs' time, for one thread.

    Returns:
        A machine with a ceiling for each kind of operator, and how far the measurements spread.

    Raises:
        DesignError: PyTorch sees no such device.

    Example:
        >>> measure_machine("cpu", seconds=0.1).peak() > 0
        True
    """
    place, load = _device(device), _load()
    found = Bench(place, clock, seconds, _ABOVE).findings()
    started = [one.overhead for one in found.ceilings.values() if one.overhead is not None]
    return Machine(
        name="this",
        title=_title(place),
        multiply_adds=found.multiply_adds,
        bandwidth=found.bandwidth,
        memory=_memory(place),
        overhead=statistics.median(started),
        is_overlapped=place.type != "cpu",
        ceilings={str(kind): one for kind, one in found.ceilings.items()},
        caches=found.caches,
        fresh=found.fresh,
        fresh_above=_ABOVE,
        spread=found.spread,
        source=f"measured {datetime.now(UTC):%Y-%m-%d %H:%M} UTC{load}, torch {torch.__version__}; "
        "of up to three rounds the shortest median",
    )


def this_machine(device: str = "cpu", seconds: float = 3.0, *, again: bool = False) -> Machine:
    """What `measure_machine` found within the last seven days, or finds now.

    Args:
        device: "cpu", "cuda", "cuda:1" or "mps".
        seconds: to measure for.
        again: measure also where a recent measurement is known.

    Raises:
        DesignError: PyTorch sees no such device.
    """
    path = _path(device)
    if not again:
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            kept = read_json(path)
            if 0 <= time.time() - kept["time"] < _DAYS * 86_400:
                return Machine.from_json(kept["machine"])
    machine = measure_machine(device, seconds)
    with suppress(StorageError):  # it costs the same seconds next time, no more
        write_json(path, {"time": time.time(), "machine": machine.to_json()})
    return machine


def find_machine(name: str, device: str = "cpu") -> Machine:
    """The machine that runs where its name is "this"; else one of the table.

    Raises:
        DesignError: the table has no such machine; near names are suggested.
    """
    return this_machine(device) if name.strip().lower() == "this" else named_machine(name)


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise DesignError(
            f"device: {name!r} is not to be had here ({str(error).splitlines()[0]}); cpu always is"
        ) from error
    return device


def _load() -> str:
    """How busy the machine was before: what others do to it is in the figures."""
    import os

    if not hasattr(os, "getloadavg"):  # not on Windows
        return ""
    return f" under a load of {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"


def _title(device: torch.device) -> str:
    count = torch.get_num_threads()
    threads = f", {count} thread{'s' * (count != 1)}" if device.type == "cpu" else ""
    return f"{processor(device)}{threads}"


def _memory(device: torch.device) -> int | None:
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory
    import os

    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not on Windows
        return None


def _path(device: str) -> Path:
    """One file for each device, number of threads and version of what would be measured."""
    key: dict[str, Any] = {
        "version": _VERSION,
        "device": device,
        "hardware": _title(_device(device)),
        "torch": str(torch.__version__),
        "kinds": [str(kind) for kind in Kind],
    }
    return cache_folder() / "machines" / f"{hashlib.sha256(canonical_json(key)).hexdigest()}.json"
