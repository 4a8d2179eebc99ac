from __future__ import annotations

import csv
import io
import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from hubel.errors import DataError
from hubel.evaluation.evaluation import Evaluation

NAN = float("nan")
GOOD: dict[str, Any] = {
    "files": ("a.png", "b.png", "c.png"),
    "labels": np.array([0, 1, 1]),
    "classes": ("cat", "dog"),
    "probabilities": np.array([[0.9, 0.1], [0.6, 0.4], [NAN, NAN]]),
    "errors": (None, None, "OSError: truncated"),
    "split": "test",
    "temperature": 1.5,
}
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@st.composite
def evaluations(draw: st.DrawFn) -> Evaluation:
    classes = tuple(draw(st.lists(text, min_size=2, max_size=4, unique=True)))
    n = draw(st.integers(1, 8))
    seed = draw(st.integers(0, 99))
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(len(classes)), n)
    errors = draw(st.lists(st.none() | text, min_size=n, max_size=n))
    probabilities[[error is not None for error in errors]] = NAN
    return Evaluation(
        files=tuple(draw(st.lists(text, min_size=n, max_size=n))),
        labels=rng.integers(0, len(classes), n),
        classes=classes,
        probabilities=probabilities,
        errors=tuple(errors),
        split=draw(st.sampled_from(["train", "val", "test"])),
        temperature=draw(st.none() | st.floats(0.05, 20)),
    )


def sample(n: int = 300, seed: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet([0.5, 0.5, 0.5], n)
    return GOOD | {
        "files": tuple(f"{i}.png" for i in range(n)),
        "labels": np.array([rng.choice(3, p=row) for row in probabilities]),
        "classes": ("cat", "dog", "elk"),
        "probabilities": probabilities,
        "errors": (None,) * n,
    }


def numbers(evaluation: Evaluation) -> list[float | None]:
    found = evaluation.to_json()
    names = ("accuracy", "balanced_accuracy", "log_loss", "ece", "macro_f1")
    return [found[name][limit] for name in names for limit in ("value", "low", "high")]


@given(evaluations())
@settings(max_examples=50, deadline=None)
def test_the_table_gives_back_the_evaluation(evaluation: Evaluation) -> None:
    sink = pa.BufferOutputStream()
    parquet.write_table(evaluation.table(), sink)
    again = Evaluation.from_table(parquet.read_table(pa.BufferReader(sink.getvalue())))
    for name in ("files", "classes", "errors", "split", "temperature"):
        assert getattr(again, name) == getattr(evaluation, name)
    np.testing.assert_array_equal(again.labels, evaluation.labels)
    np.testing.assert_array_equal(again.probabilities, evaluation.probabilities)


@given(evaluations())
@settings(max_examples=50, deadline=None)
def test_the_text_holds_what_the_table_holds(evaluation: Evaluation) -> None:
    header, *rows = csv.reader(io.StringIO(evaluation.csv_text(), newline=""))
    table = evaluation.table()
    assert header == table.column_names
    columns = [["" if v is None else str(v) for v in column.to_pylist()] for column in table]
    assert rows == [list(row) for row in zip(*columns, strict=True)]


def test_columns_are_the_contract() -> None:
    schema = Evaluation(**GOOD).table().schema
    assert schema.names == [
        "file",
        "label",
        "predicted",
        "probability:cat",
        "probability:dog",
        "error",
    ]
    assert [str(t) for t in schema.types] == ["string"] * 3 + ["double"] * 2 + ["string"]


def test_names_with_commas_quotes_and_line_ends_survive_the_text() -> None:
    nasty = 'a,"b"\r\nc\rd\n'
    found = Evaluation(**GOOD | {"classes": (nasty, "dog"), "files": (nasty, "b", "c")})
    rows = list(csv.reader(io.StringIO(found.csv_text(), newline="")))
    assert rows[1][:3] == [nasty] * 3
    assert rows[0][3] == "probability:" + nasty


def test_json_is_the_contract() -> None:
    found = Evaluation(**GOOD).to_json()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert list(found) == [
        *("schema_version", "split", "n", "errors", "confidence", "accuracy"),
        *("balanced_accuracy", "log_loss", "ece", "macro_f1", "classes", "confusion"),
        "calibration",
    ]
    assert (found["n"], found["errors"], found["split"]) == (3, 1, "test")
    assert found["classes"]["dog"]["n"] == 1
    assert found["classes"]["dog"]["precision"] == {"value": None, "low": None, "high": None}
    assert found["confusion"] == {"labels": ["cat", "dog"], "counts": [[1, 0], [1, 0]]}
    assert found["calibration"]["temperature"] == 1.5
    assert [b["n"] for b in found["calibration"]["bins"]] == [0] * 8 + [1] + [0] * 4 + [1, 0]
    assert found["calibration"]["bins"][0]["confidence"] is None


def test_rows_with_errors_change_no_metric_but_the_count() -> None:
    fields = sample()
    worse = fields | {
        "files": (*fields["files"], "x.png"),
        "labels": np.append(fields["labels"], 2),
        "probabilities": np.vstack([fields["probabilities"], [NAN] * 3]),
        "errors": (*fields["errors"], "OSError: gone"),
    }
    assert numbers(Evaluation(**worse)) == numbers(Evaluation(**fields))
    assert Evaluation(**worse).to_json()["errors"] == 1


def test_order_of_rows_changes_no_number() -> None:
    fields = sample()
    order = np.random.default_rng(1).permutation(300)
    shuffled = fields | {name: fields[name][order] for name in ("labels", "probabilities")}
    assert numbers(Evaluation(**shuffled)) == pytest.approx(numbers(Evaluation(**fields)))


def test_order_of_classes_changes_no_number() -> None:
    fields = sample()
    turned = fields | {
        "labels": (fields["labels"] + 1) % 3,
        "probabilities": np.roll(fields["probabilities"], 1, axis=1),
    }
    assert numbers(Evaluation(**turned)) == pytest.approx(numbers(Evaluation(**fields)))


def test_duplicates_change_no_value_and_narrow_each_interval() -> None:
    fields = sample()
    twice = {name: np.concatenate([fields[name]] * 2) for name in ("labels", "probabilities")}
    doubled = fields | twice | {"files": fields["files"] * 2, "errors": fields["errors"] * 2}
    one, two = numbers(Evaluation(**fields)), numbers(Evaluation(**doubled))
    assert two[::3] == pytest.approx(one[::3])
    widths = np.subtract(one[2::3], one[1::3]), np.subtract(two[2::3], two[1::3])
    # Not the calibration error's, which ends at 0: more samples may free its lower limit.
    ends_at_0 = np.array([False, False, False, True, False])
    assert ((widths[1] < widths[0]) | ends_at_0).all()


def test_of_equal_probabilities_the_first_class_is_predicted() -> None:
    tied = GOOD | {"probabilities": np.array([[0.5, 0.5], [0.5, 0.5], [NAN, NAN]])}
    assert Evaluation(**tied).predicted.tolist() == [0, 0]


def test_when_every_row_failed_all_is_null() -> None:
    failed = GOOD | {"probabilities": np.full((3, 2), NAN), "errors": ("x", "y", "z")}
    found = Evaluation(**failed)
    assert numbers(found) == [None] * 15
    assert found.to_json()["errors"] == 3
    assert Evaluation.from_table(found.table()).errors == ("x", "y", "z")


def test_what_is_held_cannot_be_changed_from_outside() -> None:
    mine = GOOD["probabilities"].copy()
    found = Evaluation(**GOOD | {"probabilities": mine})
    mine[0] = [0, 1]
    assert found.correct.tolist() == [True, False]
    with pytest.raises(ValueError, match="read-only"):
        found.probabilities[0] = 1


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"labels": np.zeros(0, int)}, "at least one"),
        ({"labels": np.array([0, 1, 2])}, "label 2 in row 2 is out of range: 2 classes"),
        ({"files": ("a",)}, "one file, label and error a row; got 1, 3 and 3"),
        ({"classes": ("cat", "cat")}, r"each once; got \['cat', 'cat'\]"),
        ({"probabilities": np.ones((3, 3)) / 3}, r"shape \(3, 2\)"),
        ({"probabilities": np.full((3, 2), 0.4)}, "sum to 1 in row 0"),
        ({"probabilities": np.array([[0.9, 0.1], [NAN, 1], [NAN, NAN]])}, "sum to 1 in row 1"),
        ({"probabilities": np.array([[1.5, -0.5], [1, 0], [NAN, NAN]])}, "sum to 1 in row 0"),
        ({"errors": (None, "broken", "broken")}, "only NaN, as it has an error in row 1"),
        ({"files": ("a", "b", "\udcff")}, "not valid Unicode"),
    ],
)
def test_bad_predictions_are_named(change: dict[str, Any], match: str) -> None:
    with pytest.raises(DataError, match=match):
        Evaluation(**GOOD | change)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda t: t.drop_columns(["label"]), r"lacks the columns \['label'\]"),
        (lambda t: t.replace_schema_metadata(None), "lacks the split"),
        (lambda t: t.drop_columns(["probability:dog"]), "'dog' in row 1 is none of the classes"),
        (lambda t: t.set_column(2, "predicted", [["dog", "cat", None]]), "row 0 predicts 'dog'"),
    ],
)
def test_a_changed_table_is_refused(change: Any, match: str) -> None:
    with pytest.raises(DataError, match=match):
        Evaluation.from_table(change(Evaluation(**GOOD).table()))
