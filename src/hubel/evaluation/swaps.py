"""The swap test: had the two classifiers traded their answers, sample by sample, would the
difference look as it does?

If neither is better in any respect, each sample's two answers might as well carry each other's
names. The test is then exact, for every metric and any number of samples: its p-value is below
5% at most 5 times in 100.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from hubel.data.keyed import generator
from hubel.evaluation.metrics import Floats

__all__ = ["NUM_DRAWS", "swap_test"]

NUM_DRAWS = 9_999
_CHUNK = 4_000_000


def swap_test(
    statistic: Callable[[Floats], Floats],
    rows_a: Floats,
    rows_b: Floats,
    *,
    seed: int = 0,
    draws: int = NUM_DRAWS,
) -> float:
    """Two-sided p-value that the answers of two classifiers may be traded freely.

    Args:
        statistic: the metric of sums over samples, (..., m) to (...).
        rows_a: (n, m) what each sample adds to the sums of the first.
        rows_b: (n, m) what it adds to those of the second.
        seed: of the draws; the same seed gives the same p-value.
        draws: random trades; the p-value is never below 1 / (draws + 1).

    Source: Fisher (1935), The Design of Experiments, section 21; the count of Phipson and Smyth
    (2010), Stat. Appl. Genet. Mol. Biol. 9:39, keeps a p-value from drawn trades exact.

    Example:
        >>> right = np.array([[1.0], [1.0], [1.0], [1.0], [1.0], [1.0]])
        >>> swap_test(lambda sums: sums[..., 0], right, 0 * right, draws=999) < 0.06
        True
    """
    middle, half = (rows_a + rows_b).sum(axis=0) / 2, (rows_a - rows_b) / 2
    half = half[(half != 0).any(axis=1)]
    if len(half) == 0:
        return 1.0

    def size(offset: Floats) -> Floats:
        return np.abs(statistic(middle + offset) - statistic(middle - offset))

    # What rounding makes of a tie is a tie.
    seen = float(size(half.sum(axis=0))) - 1e-9
    as_large = sum(int((size(s @ half) >= seen).sum()) for s in _signs(len(half), draws, seed))
    return (1 + as_large) / (1 + draws)


def _signs(n: int, draws: int, seed: int) -> Iterator[Floats]:
    """(some draws, n) of plus and minus 1, in chunks that fit in memory."""
    rng = generator(seed, "swap", 0)
    step = max(1, _CHUNK // n)
    for start in range(0, draws, step):
        rows = min(step, draws - start)
        bits = np.frombuffer(rng.bytes((rows * n + 7) // 8), dtype=np.uint8)
        yield np.unpackbits(bits)[: rows * n].reshape(rows, n).astype(np.float64) * 2 - 1
