"""The ladder in the page: all of ladder.json is there, of any age and of either command."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from page import Page
from synthetic_ladder import RUNGS, climbed
from synthetic_run import LAYERS, NETWORK, Synthetic, thumbnail, write_run

from hubel.reports import ReportFacts, build_report

KIND = Synthetic(per_class=5, epochs=2, climbed=True)
TRAINED = [
    (NETWORK if name == "convnet" else name, *rest) for name, *rest in RUNGS[:3] + RUNGS[7:8]
]


@dataclass(frozen=True)
class Shown:
    """A page of a document, and its section on worth alone."""

    page: Page
    worth: Page

    @classmethod
    def of(cls, folder: Path, document: dict[str, Any]) -> Shown:
        write_run(folder, KIND)
        (folder / "ladder.json").write_text(json.dumps(document), "utf-8")
        html = build_report(ReportFacts.read(folder, layers=LAYERS), thumbnail)
        start = html.index('<section id="worth"')
        part = html[start : html.index("</section>", start) + 10]
        return cls(Page.read(html), Page.read(part))

    def cells(self, *looks: str) -> list[str]:
        """What hovering over the cells of the matrix tells."""
        return [
            found["title"] or ""
            for name, found in self.worth.elements
            if name == "td" and found.get("class") in looks
        ]


def test_every_rung_and_every_one_left_out_has_its_row_and_its_reason(tmp_path: Path) -> None:
    document = climbed()
    shown = Shown.of(tmp_path, document)
    heads = [text for name, text in shown.worth.texts if name == "th"]
    for rung in document["rungs"]:
        assert rung["name"] in heads
        assert f"{100 * rung['accuracy']['value']:.1f}" in shown.worth.text()
        assert f"{rung['log_loss']['value']:.3f}" in shown.worth.text()
        assert f"{100 * rung['ece']['value']:.1f}" in shown.worth.text()
    assert "pretrained was left out: no weights are at hand" in shown.worth.text()


def test_the_verdict_comes_first_and_the_answer_names_the_chosen_rung(tmp_path: Path) -> None:
    shown = Shown.of(tmp_path, climbed())
    text = shown.worth.text()
    assert text.startswith("Which is worth its cost? Ship frozen, 91.1% right (88.3 to 93.3): ")
    assert "No dearer rung scored higher." in text
    assert text.index("Over hybrid,") < text.index("From the simplest up")
    whole = shown.page.text()
    said = "The answers are those of frozen, chosen on validation among 10 rungs."
    assert whole.index("How good is it?") < whole.index(said) < whole.index("From the simplest up")


def test_the_matrix_has_every_pair_once_and_each_cell_tells_the_document(tmp_path: Path) -> None:
    document = climbed()
    shown = Shown.of(tmp_path, document)
    told, doubted = shown.cells("gain", "loss"), shown.cells("doubt")
    assert len(told) + len(doubted) == len(document["comparisons"]) == 45
    untold = [one for one in document["comparisons"] if one["verdict"] == "these data can't tell"]
    assert 0 < len(doubted) == len(untold)
    assert all("after Holm" in cell for cell in told + doubted)
    assert all(cell.startswith("These data can't tell") for cell in doubted)
    for one in document["comparisons"]:
        difference = f"{100 * abs(one['difference']['value']):.1f} points ("
        named = [cell for cell in told + doubted if {one["a"], one["b"]} <= set(_words(cell))]
        assert len(named) == 1
        assert difference in named[0]
    assert shown.worth.text().count("these data can't tell") >= len(doubted)
    assert "Holm-corrected for all 45 comparisons" in shown.worth.text()


def _words(cell: str) -> list[str]:
    return cell.replace(":", " ").split()


def test_a_few_comparisons_are_sentences_and_no_matrix(tmp_path: Path) -> None:
    shown = Shown.of(tmp_path, climbed(rungs=TRAINED, chosen=False, curve=False))
    assert shown.cells("gain", "loss", "doubt") == []
    assert f"{NETWORK} beats largest by" in shown.worth.text()
    assert "All comparisons in words" not in shown.worth.text()


def test_a_trained_network_is_held_against_the_others_and_not_ordered_away(tmp_path: Path) -> None:
    shown = Shown.of(tmp_path, climbed(rungs=TRAINED, chosen=False))
    text = shown.worth.text()
    assert text.startswith("Is the network worth it? Yes: ")
    assert "It is the rung to ship: every other rung is beaten beyond doubt." in text
    assert "The answers are those of" not in shown.page.text()
    assert "Would more pictures help?" in text


@pytest.mark.parametrize(
    "absent",
    [
        ("left_out", "chosen", "verdict", "learning_curve"),
        ("comparisons",),
        ("verdict",),
        ("learning_curve",),
        ("chosen",),
    ],
    ids=", ".join,
)
@pytest.mark.parametrize("gone", [True, False], ids=["absent", "null"])
def test_what_a_document_does_not_say_is_not_shown(
    tmp_path: Path, absent: tuple[str, ...], gone: bool
) -> None:
    document = climbed()
    kept = {key: value for key, value in document.items() if key not in absent}
    shown = Shown.of(tmp_path, kept if gone else {**document, **dict.fromkeys(absent)})
    text = shown.worth.text()
    assert shown.page.faults == []
    assert "None" not in text.replace("None was chosen yet.", "")
    assert ("Would more pictures help?" in text) == ("learning_curve" not in absent)
    assert ("was left out" in text) == ("left_out" not in absent)
    assert ("Each against each" in text) == ("comparisons" not in absent)


def test_an_old_document_has_no_new_columns_and_promises_no_correction(tmp_path: Path) -> None:
    write_run(tmp_path / "old", Synthetic(per_class=5, epochs=2))
    document = json.loads((tmp_path / "old" / "ladder.json").read_text("utf-8"))
    shown = Shown.of(tmp_path / "run", document)
    text = shown.worth.text()
    assert "Is the network worth it?" in text
    assert all(words not in text for words in ("log loss", "calibration", "Holm", "left out"))


def test_names_and_reasons_are_shown_as_text(tmp_path: Path) -> None:
    document = climbed()
    document["left_out"] = [{"name": "<b>x</b>", "why": "<script>alert(1)</script>"}]
    document["rungs"][2]["note"] = "</td><img src=x onerror=alert(1)>"
    document["learning_curve"]["sentence"] = "<i>more</i>"
    shown = Shown.of(tmp_path, document)
    assert shown.page.faults == []
    assert "<b>x</b> was left out: <script>alert(1)</script>" in shown.worth.text()
    assert "<i>more</i>" in shown.worth.text()
    assert "img" not in [name for name, _ in shown.worth.elements]


def test_a_ladder_that_was_cut_short_goes_on_as_a_ladder(make: Any) -> None:
    text = make(KIND, change={"status": "interrupted"}).page.text()
    assert "hubel ladder --resume" in text
    assert "hubel train --resume" not in text
