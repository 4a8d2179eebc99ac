"""An evaluation of several labels goes to its files and comes back, and refuses the rest."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from hubel.errors import ArtifactError, DataError
from hubel.evaluation.labelling import labelling_of, read_judgement
from hubel.evaluation.multilabel.evaluation import MultiLabelEvaluation


def evaluation(n: int = 12, seed: int = 0) -> MultiLabelEvaluation:
    rng = np.random.default_rng(seed)
    labels = (rng.random((n, 3)) < 0.4).astype(np.uint8)
    probabilities = (0.6 * labels + 0.4 * rng.random((n, 3))).round(3)
    probabilities[-1] = np.nan
    return MultiLabelEvaluation(
        files=tuple(f"{row}.png" for row in range(n)),
        labels=labels,
        classes=("cat", 'a "dog", or two', "fish"),
        probabilities=probabilities,
        thresholds=np.array([0.5, 0.3, 0.5]),
        errors=(None,) * (n - 1) + ("broken",),
        split="test",
        temperature=1.5,
    )


def test_the_table_gives_the_evaluation_back() -> None:
    before = evaluation()
    after = read_judgement(before.table())
    assert isinstance(after, MultiLabelEvaluation)
    assert after.to_json() == before.to_json()
    assert np.array_equal(after.probabilities, before.probabilities, equal_nan=True)


def test_rows_with_an_error_count_in_no_metric() -> None:
    found = evaluation()
    assert found.to_json()["errors"] == 1
    assert found.columns()["predicted"][-1] is None
    assert len(found.given) == len(found) - 1


def test_the_document_is_plain_json_and_names_its_task_and_headline() -> None:
    document = json.loads(json.dumps(evaluation().to_json()))
    assert document["task"] == "multi-label"
    assert document[document["headline"]] == evaluation().headline.to_json()
    assert set(document["classes"]) == set(document["thresholds"]) == set(evaluation().classes)


def test_cells_of_the_text_file_are_json_lists() -> None:
    rows = evaluation().csv_text().splitlines()
    assert rows[0].startswith("file,labels,predicted,probability:cat")
    assert '""a \\""dog\\"", or two""' in "".join(rows)


def test_what_is_no_evaluation_is_refused() -> None:
    found = evaluation()
    with pytest.raises(DataError, match="labels of several at once are 0 and 1"):
        replace(found, labels=found.labels * 2)
    with pytest.raises(DataError, match="one threshold a class"):
        replace(found, thresholds=np.array([0.5]))
    with pytest.raises(DataError, match="probabilities, 0 to 1 in row 0"):
        replace(found, probabilities=np.where(np.isnan(found.probabilities), np.nan, 2.0))
    with pytest.raises(DataError, match=r"expected labels and probabilities of shape \(12, 3\)"):
        replace(found, labels=found.labels[:, :2])
    table = found.table()
    with pytest.raises(DataError, match=r"lacks the columns \['predicted'\]"):
        MultiLabelEvaluation.from_table(table.drop_columns(["predicted"]))
    changed = table.set_column(2, "predicted", pa.array([["cat"]] * 12, table.schema.field(2).type))
    with pytest.raises(DataError, match="but its probabilities and thresholds"):
        MultiLabelEvaluation.from_table(changed)
    with pytest.raises(DataError, match="the split and the thresholds in its schema"):
        MultiLabelEvaluation.from_table(table.replace_schema_metadata({}))


def test_there_is_no_third_task() -> None:
    with pytest.raises(ArtifactError, match="no task 'several'; there are single-label, multi"):
        labelling_of("several")
