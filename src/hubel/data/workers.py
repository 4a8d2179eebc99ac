"""How many threads read and decode."""

from __future__ import annotations

import os

__all__ = ["workers_by_rule"]


def workers_by_rule() -> int:
    """One thread for each core that this process may use, at most 8."""
    count = getattr(os, "sched_getaffinity", None)
    return min(8, len(count(0)) if count is not None else os.cpu_count() or 1)
