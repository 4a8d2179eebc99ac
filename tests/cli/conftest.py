"""The finished run of the job's tests, for those that only look at it."""

from __future__ import annotations

from tests.job.conftest import finished, one_thread

__all__ = ["finished", "one_thread"]
