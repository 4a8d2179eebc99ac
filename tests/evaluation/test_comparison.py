from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from hubel.errors import DataError
from hubel.evaluation.calibration import softmax
from hubel.evaluation.comparison import UNTOLD, compare, compare_all, compare_evaluations
from hubel.evaluation.evaluation import Evaluation
from hubel.evaluation.metrics import MAX_LOSS
from hubel.evaluation.paired import METRICS
from hubel.evaluation.paired_counts import mcnemar, tango

cells = st.tuples(*[st.integers(0, 40)] * 4).filter(lambda c: sum(c) > 0)


def pair(both: int, only_a: int, only_b: int, neither: int):
    a = np.repeat([True, True, False, False], [both, only_a, only_b, neither])
    b = np.repeat([True, False, True, False], [both, only_a, only_b, neither])
    return a, b


@given(cells)
@settings(deadline=None)
def test_verdict_interval_and_p_value_say_the_same(counts: tuple[int, ...]) -> None:
    found = compare(*pair(*counts), "a", "b")
    difference = found.difference
    assert -1 <= difference.low <= difference.value <= difference.high <= 1
    expected = {
        "a is better": difference.low > 0 and found.p_value < 0.05,
        "b is better": difference.high < 0 and found.p_value < 0.05,
        "these data can't tell": difference.low <= 0 <= difference.high and found.p_value >= 0.05,
    }
    assert expected[found.verdict]


def test_the_exact_test_is_never_bolder_than_the_score_interval() -> None:
    """The law behind `_reconciled`: p < 0.05 puts Tango's interval to one side of 0.

    At a difference of 0 Tango's statistic is McNemar's, (b - c) / sqrt(b + c), whatever n.
    """
    for total in range(1, 3000):
        few = np.arange(total // 2 + 1)
        p_values = 2 * np.cumsum(np.exp(_log_binomial(total, few) - total * np.log(2)))
        statistic = (total - 2 * few) / np.sqrt(total)
        assert (statistic[p_values < 0.05] > 1.959964).all()


def _log_binomial(n: int, k: np.ndarray) -> np.ndarray:
    from scipy.special import gammaln

    return gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)


@given(cells)
@settings(deadline=None)
def test_the_other_way_round_is_the_mirror_image(counts: tuple[int, ...]) -> None:
    a, b = pair(*counts)
    one, other = compare(a, b, "a", "b"), compare(b, a, "a", "b")
    mirrored = (-other.difference.high, -other.difference.low)
    assert (one.difference.low, one.difference.high) == pytest.approx(mirrored, abs=1e-9)
    assert one.p_value == other.p_value


@given(st.integers(0, 200), st.integers(0, 200))
@settings(deadline=None)
def test_mcnemar_agrees_with_scipy(only_a: int, only_b: int) -> None:
    total = only_a + only_b
    theirs = binomtest(only_a, total).pvalue if total else 1.0
    assert mcnemar(only_a, only_b) == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize("counts", [(0, 0, 0, 5), (5, 0, 0, 0), (0, 5, 0, 0), (0, 0, 5, 0)])
def test_one_kind_of_sample_alone_has_an_interval(counts: tuple[int, ...]) -> None:
    difference = compare(*pair(*counts), "a", "b").difference
    assert difference.high - difference.low > 0.3


def test_order_of_samples_does_not_matter() -> None:
    a, b = pair(30, 9, 2, 9)
    order = np.random.default_rng(0).permutation(50)
    assert compare(a, b, "a", "b") == compare(a[order], b[order], "a", "b")


@pytest.mark.parametrize("shares", [(0.5, 0.25, 0.15), (0.7, 0.1, 0.1), (0.6, 0.3, 0.02)])
@pytest.mark.parametrize("n", [20, 100])
def test_coverage_of_the_difference(shares: tuple[float, float, float], n: int) -> None:
    """Exact but for 4,000 draws: two standard errors are 0.007."""
    draws = np.random.default_rng(0).multinomial(n, [*shares, 1 - sum(shares)], size=4000)
    seen: dict[tuple[int, int], bool] = {}
    held = 0
    for _, only_a, only_b, _ in draws.tolist():
        key = (only_a, only_b)
        if key not in seen:
            interval = tango(only_a, only_b, n)
            seen[key] = interval.low <= shares[1] - shares[2] <= interval.high
        held += seen[key]
    assert 0.93 < held / len(draws) < 0.975


def test_json_is_the_contract() -> None:
    entry = compare([True] * 8, [False] * 8, "network", "largest class").to_json()
    old = ["a", "b", "difference", "p_value", "n", "verdict"]
    assert list(entry) == [*old, "p_adjusted", "confidence", "metric"]
    assert entry["p_adjusted"] == entry["p_value"]
    assert list(entry["difference"]) == ["value", "low", "high"]
    assert entry["verdict"] == "a is better"
    assert entry["n"] == 8


@pytest.mark.parametrize(
    ("a", "b", "match"),
    [
        ([], [], "expected one flag a sample for 'net'"),
        ([True], [True, False], "the same samples: 'net' has 1, 'linear' 2"),
        ([0.5], [True], "expected true or false for 'net'"),
    ],
)
def test_bad_input_is_named(a: list[object], b: list[object], match: str) -> None:
    with pytest.raises(DataError, match=match):
        compare(a, b, "net", "linear")


names = st.lists(st.integers(0, 25), min_size=2, max_size=6)


@given(names, st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_in_a_family_verdict_interval_and_p_values_say_the_same(lost: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    right = {f"rung {i}": rng.permutation(60) >= count for i, count in enumerate(lost)}
    family = compare_all(right)
    assert len(family) == len(right) * (len(right) - 1) // 2
    for found in family:
        told = found.verdict != UNTOLD
        low, high = found.difference.low, found.difference.high
        assert told == (found.p_adjusted < 0.05) == (low > 0 or high < 0)
        assert found.p_value <= found.p_adjusted
        assert 0.95 <= found.confidence <= 1 - 0.05 / len(family) + 1e-12
        assert (found.better is None) == (not told)


def test_deep_in_the_tail_p_value_and_interval_still_agree() -> None:
    """Nineteen of 20 differing samples; far out the exact test alone would be the bolder one."""
    rungs = {f"r{i}": [0] * 25 for i in range(40)} | {"best": [1] * 24 + [0]}
    for found in compare_all(rungs, "best"):
        assert found.verdict == "a is better"
        assert found.difference.low > 0


def test_one_pair_alone_is_not_corrected() -> None:
    a, b = pair(30, 9, 2, 9)
    (found,) = compare_all({"a": a, "b": b})
    assert found == compare(a, b, "a", "b")


def test_more_comparisons_widen_the_interval() -> None:
    a, b = pair(30, 9, 2, 9)
    few, many = compare_all({"a": a, "b": b}), compare_all({"a": a, "b": b, "c": b, "d": b}, "a")
    assert many[0].difference.low < few[0].difference.low
    assert many[0].p_adjusted > many[0].p_value == few[0].p_value


def evaluation(probabilities: np.ndarray, labels: np.ndarray, broken: int = 0) -> Evaluation:
    shown = probabilities.copy()
    shown[:broken] = np.nan
    return Evaluation(
        files=tuple(f"{i}.png" for i in range(len(labels))),
        labels=labels,
        classes=("a", "b", "c", "d")[: probabilities.shape[1]],
        probabilities=shown,
        errors=("broken",) * broken + (None,) * (len(labels) - broken),
        split="test",
    )


@pytest.fixture(scope="module")
def three() -> dict[str, Evaluation]:
    """A good classifier, nearly the same, and a bad one that is too sure."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 150)
    seen = 2.0 * rng.normal(size=(150, 3)) + 4.0 * np.eye(3)[labels]
    near, bad = seen + 0.1 * rng.normal(size=seen.shape), 4 * rng.normal(size=seen.shape)
    logits = {"good": seen, "near": near, "bad": bad}
    return {name: evaluation(softmax(x), labels, name == "near") for name, x in logits.items()}


@pytest.mark.parametrize("metric", ["accuracy", *METRICS])
def test_every_metric_tells_good_from_bad_and_not_from_near(three, metric: str) -> None:
    near, bad = compare_evaluations(three, "good", metric, draws=999)
    assert (near.b, near.n, near.verdict) == ("near", 149, UNTOLD)
    assert near.difference.low <= 0 <= near.difference.high
    assert (bad.n, bad.better, bad.metric) == (150, "good", metric)
    assert near.difference.low <= near.difference.value <= near.difference.high


@pytest.mark.parametrize("metric", ["balanced accuracy", "macro F1", "log loss"])
def test_the_other_way_round_a_metric_is_the_mirror_image(three, metric: str) -> None:
    pairs = [{name: three[name] for name in order} for order in (("good", "bad"), ("bad", "good"))]
    one, other = (compare_evaluations(pair, metric=metric, draws=999)[0] for pair in pairs)
    mirrored = (-other.difference.high, -other.difference.low)
    assert (one.difference.low, one.difference.high) == pytest.approx(mirrored, abs=1e-9)
    assert one.better == other.better == "good"


@pytest.mark.parametrize("metric", METRICS)
def test_the_same_predictions_can_not_be_told_apart(three, metric: str) -> None:
    (found,) = compare_evaluations({"one": three["good"], "two": three["good"]}, metric=metric)
    assert (found.p_value, found.verdict, found.difference.value) == (1.0, UNTOLD, 0.0)


def test_differences_are_those_of_the_evaluations(three) -> None:
    a, b = three["good"], three["bad"]
    expected = {
        "accuracy": a.accuracy.value - b.accuracy.value,
        "balanced accuracy": a.balanced_accuracy.value - b.balanced_accuracy.value,
        "macro F1": a.macro_f1.value - b.macro_f1.value,
        "log loss": a.log_loss.value - b.log_loss.value,
        "calibration error": a.ece.value - b.ece.value,
    }
    for metric, value in expected.items():
        (found,) = compare_evaluations({"a": a, "b": b}, metric=metric, draws=99)
        assert found.difference.value == pytest.approx(value)


def test_bad_families_are_named(three) -> None:
    with pytest.raises(DataError, match=r"needs two classifiers or more; got \['net'\]"):
        compare_all({"net": [1]})
    with pytest.raises(DataError, match="nothing is called 'best'; there are a, b"):
        compare_all({"a": [1], "b": [0]}, "best")
    with pytest.raises(DataError, match="no metric 'f1'; there are accuracy, balanced"):
        compare_evaluations(three, metric="f1")
    other = evaluation(np.full((150, 3), 1 / 3), np.zeros(150, np.int64))
    with pytest.raises(DataError, match="same samples and classes in the same order: 'a' and 'b'"):
        compare_evaluations({"a": three["good"], "b": other})
    broken = evaluation(np.full((150, 3), 1 / 3), three["good"].labels, broken=150)
    with pytest.raises(DataError, match="no sample was answered by both 'a' and 'b'"):
        compare_evaluations({"a": three["good"], "b": broken})


def answers(rng: np.random.Generator, kind: str, labels: np.ndarray, num: int) -> np.ndarray:
    """(n, num) probabilities of a classifier of this kind."""
    return {
        "random": rng.dirichlet(np.ones(num), len(labels)),
        "guesses": np.eye(num)[rng.integers(0, num, len(labels))],
        "right": np.eye(num)[labels],
        "wrong": np.eye(num)[(labels + 1) % num],
    }[kind]


kinds = st.sampled_from(["random", "guesses", "right", "wrong"])


@pytest.mark.parametrize("metric", ["accuracy", *METRICS])
@given(
    seed=st.integers(0, 2**32),
    n=st.integers(1, 12),
    num=st.integers(1, 4),
    seen=st.integers(1, 4),
    pair_of=st.tuples(kinds, kinds | st.just("the same")),
)
@settings(max_examples=150, deadline=None)
def test_few_samples_of_any_kind_are_compared(metric, seed, n, num, seen, pair_of) -> None:
    kind_a, kind_b = pair_of
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, min(seen, num), n)
    a = answers(rng, kind_a, labels, num)
    b = a if kind_b == "the same" else answers(rng, kind_b, labels, num)
    both = {"a": evaluation(a, labels), "b": evaluation(b, labels)}
    (found,) = compare_evaluations(both, metric=metric, draws=99)
    low, value, high = found.difference.low, found.difference.value, found.difference.high
    most = MAX_LOSS if metric == "log loss" else 1
    assert -most <= low <= value <= high <= most
    assert 0 < found.p_value <= 1
    told = found.verdict != UNTOLD
    assert told == (found.p_adjusted < 0.05) == (low > 0 or high < 0)


@pytest.mark.parametrize("metric", ["balanced accuracy", "macro F1"])
def test_one_sample_says_nothing(metric: str) -> None:
    """Whichever is right on it: the limits are nearly the widest that there are."""
    labels = np.array([0])
    both = {"a": evaluation(np.eye(2)[[0]], labels), "b": evaluation(np.eye(2)[[1]], labels)}
    (found,) = compare_evaluations(both, metric=metric, draws=99)
    assert (found.verdict, found.p_value) == (UNTOLD, 1.0)
    assert found.difference.low < -0.9
    assert found.difference.high == 1


@pytest.mark.parametrize("metric", ["balanced accuracy", "macro F1"])
@pytest.mark.parametrize("classes", [1, 2])
def test_all_right_against_all_wrong_is_told(metric: str, classes: int) -> None:
    """As for accuracy, though no class has any spread: 12 samples of each class will do."""
    labels = np.repeat(np.arange(classes), 12)
    both = {
        "a": evaluation(np.eye(3)[labels], labels),
        "b": evaluation(np.eye(3)[(labels + 1) % 3], labels),
    }
    (found,) = compare_evaluations(both, metric=metric, draws=999)
    assert found.verdict == "a is better"
    (plain,) = compare_evaluations(both)
    assert 0.05 < found.difference.low <= plain.difference.low


def test_all_wrong_in_two_ways_is_not_surer_than_a_plain_difference() -> None:
    labels = np.zeros(10, np.int64)
    both = {name: evaluation(np.eye(3)[labels + i], labels) for name, i in (("a", 1), ("b", 2))}
    (found,) = compare_evaluations(both, metric="macro F1", draws=99)
    (plain,) = compare_evaluations(both)
    assert found.difference.low < plain.difference.low
    assert found.difference.high > plain.difference.high
