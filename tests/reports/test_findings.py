"""The computed sentences say what the numbers say."""

from __future__ import annotations

from typing import Any

import pytest

from hubel.reports.facts import Estimate
from hubel.reports.findings import making, results


@pytest.mark.parametrize(
    ("estimate", "n", "split", "sentence"),
    [
        (
            Estimate(0.872, 0.84, 0.899),
            506,
            "test",
            "87.2% of 506 unseen pictures are named right (95% interval 84.0 to 89.9).",
        ),
        (
            Estimate(1.0, 0.993, 1.0),
            506,
            "test",
            "All 506 unseen pictures are named right (95% interval 99.3 to 100.0).",
        ),
        (
            Estimate(0.99996, 0.999, 1.0),
            25_000,
            "test",
            "99.9% of 25,000 unseen pictures are named right (95% interval 99.9 to 100.0).",
        ),
        (Estimate(0.0), 40, "val", "None of 40 val pictures is named right."),
        (Estimate(1.0), 1, "test", "The only unseen picture is named right."),
        (Estimate(None), 0, "test", "No picture was scored."),
    ],
)
def test_accuracy(estimate: Estimate, n: int, split: str, sentence: str) -> None:
    assert results.accuracy(estimate, n, split) == sentence


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        ([[77, 23], [12, 88]], "It takes glass for “blue glass” most often: 23 times in 100, "
         "and the reverse 12 times."),
        ([[99, 1], [1, 99]], "It takes glass for “blue glass” most often (1 other pair as often): "
         "once in 100, and the reverse once."),
        ([[100, 0], [0, 100]], "Nothing: all 200 pictures are named right."),
    ],
)  # fmt: skip
def test_confusion(counts: list[list[int]], sentence: str) -> None:
    assert results.confusion(["glass", "blue glass"], counts) == sentence


def test_mistakes_are_all_counted() -> None:
    assert results.mistakes([[9, 1], [0, 10]]) == "In all, 1 of 20 pictures is named wrong."
    assert results.mistakes([[9, 0], [0, 10]]) == ""


@pytest.mark.parametrize(
    ("said", "accuracy", "off", "starts"),
    [
        (0.91, Estimate(0.872, 0.84, 0.899), False, "Not quite: it says 91.0% on average and is "
         "right 87.2% of the time, so it is over-confident by 3.8 points."),
        (0.80, Estimate(0.872, 0.84, 0.899), False, "Not quite: it says 80.0% on average and is "
         "right 87.2% of the time, so it is under-confident by 7.2 points."),
        (0.88, Estimate(0.872, 0.84, 0.899), False, "Yes: it says 88.0%"),
        (0.88, Estimate(0.872, 0.84, 0.899), True, "Overall, but not everywhere: "),
        (0.99999, Estimate(1.0, 0.9, 0.99998), False, "Yes: "),
        (0.5, Estimate(None), False, "It can't be told"),
    ],
)  # fmt: skip
def test_confidence(said: float, accuracy: Estimate, off: bool, starts: str) -> None:
    assert results.confidence(said, accuracy, off=off).startswith(starts)


def test_bins_that_are_off_are_named() -> None:
    assert results.off_bins(["33 to 40", "53 to 60"]) == (
        "It is off beyond chance where it says 33 to 40 and 53 to 60%."
    )
    assert results.off_bins([]) == ""


def test_classes_name_the_best_and_the_worst_and_whether_chance_parts_them() -> None:
    recalls = {
        "paper": (119, Estimate(0.95, 0.90, 0.98)),
        "trash": (27, Estimate(0.615, 0.425, 0.776)),
        "never seen": (0, Estimate(None)),
    }
    assert results.classes(recalls) == (
        "Best found is paper, 95.0% of 119 pictures; worst is trash, 61.5% of 27. "
        "Their intervals do not overlap."
    )
    assert results.classes({"paper": recalls["paper"]}) == "Evenly: 95.0% of each class is found."


@pytest.mark.parametrize(
    ("confidences", "sentence"),
    [
        ([0.998], "It was 99.8% sure of cat where the label is dog: its only mistake."),
        ([0.998, 0.95, 0.4], "It was 99.8% sure of cat where the label is dog. "
         "2 of its 3 mistakes were over 90% sure."),
        ([0.6, 0.4], "It was 60.0% sure of cat where the label is dog. "
         "None of its 2 mistakes was over 90% sure."),
    ],
)  # fmt: skip
def test_worst(confidences: list[float], sentence: str) -> None:
    assert results.worst(confidences, "cat", "dog") == sentence


@pytest.mark.parametrize(
    ("files", "reasons", "per_class", "sentence"),
    [
        (100, {}, {"a": 50, "b": 50}, "All 100 pictures could be used. The classes are even."),
        (101, {"too small": 1}, {"a": 90, "b": 10},
         "100 of 101 pictures are used; 1 was left out (too small). "
         "a has 9.0 times the pictures of b."),
        (106, {"too small": 2, "empty": 3, "odd": 1, "old": 1}, {"a": 99},
         "99 of 106 pictures are used; 7 were left out "
         "(empty: 3; too small: 2; odd: 1; and others)."),
    ],
)  # fmt: skip
def test_data(files: int, reasons: Any, per_class: Any, sentence: str) -> None:
    assert making.data(files, reasons, per_class) == sentence


def epochs(val: list[float | None], train: list[float | None]) -> list[dict[str, float | None]]:
    return [
        {"epoch": k + 1.0, "val_loss": v, "train_loss": t, "val_accuracy": 0.5 + k / 100}
        for k, (v, t) in enumerate(zip(val, train, strict=True))
    ]


@pytest.mark.parametrize(
    ("val", "train", "words"),
    [
        ([1.0, 0.5, 0.6, 0.8], [1.0, 0.6, 0.4, 0.2], "risen 60% since epoch 2 while"),
        ([1.0, 0.8, 0.6, 0.4], [1.0, 0.8, 0.6, 0.4], "still falling at the end"),
        ([1.0, 0.5, 0.5, 0.51], [1.0, 0.5, 0.45, 0.4], "at epoch 4."),
        ([1.0, None, None, None], [1.0, None, None, None], "at epoch 4."),
    ],
)
def test_training(val: Any, train: Any, words: str) -> None:
    sentence = making.training(epochs(val, train), 192)
    assert sentence.startswith("4 epochs in 3 min 12 s; validation accuracy was best, 53.0%")
    assert words in sentence


def test_training_of_no_epoch_and_of_one() -> None:
    assert making.training([]) == "It ended before its first epoch did."
    one = making.training(epochs([1.0], [1.0]), 60)
    assert one == "1 epoch in 1 min: 50.0% of the validation pictures right."


def test_structure_names_the_layers_that_matter() -> None:
    rows: list[dict[str, object]] = [
        {"name": "conv1", "parameters": 100, "multiply_adds": 9_000_000},
        {"name": "fc", "parameters": 900, "multiply_adds": 1_000_000},
    ]
    totals = {"parameters": 1000, "multiply_adds": 10_000_000}
    assert making.structure(rows, totals) == (
        "2 layers with 1.00 k parameters and 10.0 M multiply-adds a picture. "
        "conv1 does 90% of the arithmetic; fc holds 90% of the parameters."
    )


def test_provenance_names_the_longest_stage() -> None:
    seconds = {"scan": 8.0, "training": 192.0, "total": 228.0}
    assert making.provenance(seconds, "cpu: EPYC", {"hubel": "0.1.0"}) == (
        "Made on cpu: EPYC with hubel 0.1.0 in 3 min 48 s, 84% of it training."
    )


def test_the_task_names_as_many_classes_as_a_line_holds() -> None:
    assert making.task(["cat", "not a cat"]) == (
        "Names a picture as one of 2 classes: cat and “not a cat”."
    )
    long = making.task([f"class {k} " + "x" * 50 for k in range(200)])
    assert len(long) < 200
    assert long.endswith("and 198 more.")
