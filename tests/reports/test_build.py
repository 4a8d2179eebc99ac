"""The whole page: self-contained, well-formed, safe with hostile names, light, and honest."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from synthetic_run import Synthetic, thumbnail

HOSTILE = (
    "<script>alert(1)</script>",
    "\"quoted\" & 'more'",
    "line\nbreak\tand\x00nul",
    "{{ 7 * 7 }} {% raw %}",
    "right\u202eleft",
    "lone \udce9 surrogate".encode("utf-8", "backslashreplace").decode(),
    "]]></style></svg><img src=x onerror=alert(1)>",
    "x" * 60,
)
SMALL = Synthetic(per_class=12)
KINDS = {
    "six classes": SMALL,
    "two classes, one epoch, two rungs": Synthetic(
        classes=("cat", "not a cat"), per_class=10, epochs=1, rungs=2, rejected=0
    ),
    "200 classes": Synthetic(classes=[f"c{k} " + "long " * 12 for k in range(200)], per_class=3),
    "no mistakes": Synthetic(perfect=True, per_class=10),
    "hostile": Synthetic(classes=HOSTILE, per_class=8, file="{label}/a 'b' \"c\" <i>&{k}.jpg"),
    "300 epochs": Synthetic(per_class=5, epochs=300),
    "one rung": Synthetic(per_class=5, rungs=1),
    "a ladder of ten": Synthetic(per_class=5, climbed=True),
}


@pytest.fixture(params=KINDS.values(), ids=KINDS.keys())
def report(request: pytest.FixtureRequest, make: Any) -> Any:
    return make(request.param)


def test_tags_nest_and_ids_are_unique(report: Any) -> None:
    assert report.page.faults == []
    repeated = [name for name, n in Counter(report.page.values("id")).items() if n > 1]
    assert repeated == []


def test_every_link_has_its_target(report: Any) -> None:
    ids = set(report.page.values("id"))
    links = [link for link in report.page.values("href") if link.startswith("#")]
    assert links
    assert [link for link in links if link[1:] not in ids] == []
    described = [name for value in report.page.values("aria-labelledby") for name in value.split()]
    assert set(described) <= ids


def test_nothing_is_asked_from_outside(report: Any) -> None:
    for attribute in ("src", "href", "srcset", "action", "data", "poster", "xlink:href"):
        outside = [x for x in report.page.values(attribute) if not x.startswith(("#", "data:"))]
        assert outside == [], attribute
    assert "@import" not in report.html
    assert not re.search(r"url\((?!['\"]?data:)", report.html)
    policy = next(x for x in report.page.values("content") if "default-src" in x)
    assert policy.startswith("default-src 'none'; img-src data:;")


def test_there_is_one_script_and_no_handler(report: Any) -> None:
    names = [name for name, _ in report.page.elements]
    assert names.count("script") == 1
    assert {
        key for _, found in report.page.elements for key in found if key.startswith("on")
    } == set()


def test_pictures_say_what_they_show(report: Any) -> None:
    images = [found for _, found in report.page.elements if found.get("role") == "img"]
    assert images
    assert all(found.get("aria-label") for found in images)
    assert len(re.findall("<h1", report.html)) == 1


def test_hostile_names_are_shown_as_text(make: Any) -> None:
    report = make(KINDS["hostile"])
    shown = report.page.text()
    assert "<script>alert(1)</script>" in shown
    assert "onerror=alert(1)" in shown  # as text: no element has it, says the test above
    assert "{{ 7 * 7 }} {% raw %}" in shown
    assert "line\\nbreak\\tand\\x00nul" in shown
    assert "right\\u202eleft" in shown
    assert not set("\0\u202e\x07") & set(report.html)
    report.html.encode("utf-8")


def test_names_that_no_file_can_hold_still_give_a_page(make: Any) -> None:
    change = {"name": "caf\udce9", "command": ["hubel", "train", "caf\udce9 'x'"]}
    report = make(SMALL, change=change)
    assert report.html.encode("utf-8")
    assert "caf\\udce9" in report.page.text()


def test_a_command_is_quoted_for_the_shell(make: Any) -> None:
    command = "hubel train 'my photos/trash'\"'\"'s' --budget 10m --seed 7"
    assert [text for name, text in make(SMALL).page.texts if name == "code"].count(command) == 2


@pytest.mark.parametrize(
    ("without", "status", "gone"),
    [
        (("evaluation.json",), "interrupted", {"classes", "confusions", "confidence"}),
        (("ladder.json",), "done", {"worth"}),
        (("predictions.parquet",), "done", {"worst"}),
        (("manifest.parquet",), "failed", {"data"}),
        (
            ("evaluation.json", "predictions.parquet", "ladder.json", "results.csv"),
            "diverged",
            {"classes", "confusions", "confidence", "worth", "worst"},
        ),
    ],
)
def test_absent_facts_leave_their_sections_out(
    make: Any, without: tuple[str, ...], status: str, gone: set[str]
) -> None:
    whole, part = make(SMALL), make(SMALL, without=without, change={"status": status})
    assert set(whole.page.sections()) - set(part.page.sections()) == gone
    assert part.page.faults == []
    links = {link[1:] for link in part.page.values("href") if link.startswith("#")}
    assert not links & gone


def test_a_run_that_left_only_its_facts_gives_a_page(make: Any) -> None:
    everything = ("evaluation.json", "predictions.parquet", "ladder.json", "results.csv")
    more = ("manifest.parquet", "classifier/classifier.json", "classifier/model.safetensors")
    bare = {"recipe": {}, "plan": None, "seconds": {}, "versions": {}, "error": "no space left"}
    report = make(SMALL, without=everything + more, change={"status": "failed", **bare})
    assert "no space left" in report.page.text()
    assert "It can't be told: the run ended before it was tested." in report.page.text()
    assert "training" not in report.page.sections()


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("interrupted", "Go on with : hubel train --resume"),
        ("running", "Still running"),
        ("diverged", "A lower learning rate often helps."),
        ("failed", "the run stopped on an error"),
    ],
)
def test_a_run_that_is_not_done_says_so_first(make: Any, status: str, words: str) -> None:
    text = make(SMALL, change={"status": status}).page.text()
    assert words.replace(" :", ":") in text
    assert text.index(words[:8]) < text.index("How good is it?", text.index("hubel report"))


def test_gone_pictures_are_said_and_break_nothing(make: Any) -> None:
    report = make(SMALL, pictures=_gone)
    assert "picture not found" in report.page.text()
    assert "no longer where the run found them" in report.page.text()
    assert not [name for name, _ in report.page.elements if name == "image"]
    assert report.page.faults == []


def _gone(file: str) -> None:
    return None


def _heavy(file: str) -> bytes:
    """Noise, the heaviest picture that there is, as a PNG."""
    import io

    seed = sum(thumbnail(file)[-40:])
    noise = np.random.default_rng(seed).integers(0, 256, (96, 96, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "PNG", compress_level=0)
    return buffer.getvalue()


@pytest.mark.parametrize("pictures", [thumbnail, _heavy], ids=["photographs", "noise"])
def test_ten_classes_and_ten_thousand_answers_stay_under_6_mb(make: Any, pictures: Any) -> None:
    kind = Synthetic(classes=[f"class {k}" for k in range(10)], per_class=1000, rejected=500)
    report = make(kind, pictures=pictures)
    assert len(report.html.encode("utf-8")) < 6e6
    embedded = [name for name, _ in report.page.elements if name == "image"]
    assert 300 < len(embedded) <= 900


def test_each_picture_is_embedded_once(make: Any) -> None:
    uris = [x for x in make(SMALL).page.values("href") if x.startswith("data:image")]
    assert uris
    assert len(set(uris)) == len(uris)


def test_many_classes_show_the_commonest_confusions_and_say_so(make: Any) -> None:
    text = make(KINDS["200 classes"]).page.text()
    assert "The matrix shows 20 of 200 classes, those of the most common confusions" in text


def test_left_out_files_are_all_counted_though_few_are_named(make: Any) -> None:
    report = make(Synthetic(per_class=5, rejected=500))
    assert "500 were left out (too small: 300; cannot be decoded: 100" in report.page.text()
    assert "and 260 more, named in manifest.parquet" in report.page.text()


def test_the_templates_are_beside_the_code() -> None:
    import hubel.reports

    folder = Path(hubel.reports.__file__).parent / "templates"
    assert {"page.html.j2", "style.css", "script.js"} <= {path.name for path in folder.iterdir()}


def test_unequal_classes_lead_with_balanced_accuracy_and_say_what_is_made_of_them(
    make: Any,
) -> None:
    balance = {"value": "sampler", "set_by": "user", "why": "set by the user"}
    data = {"classes": ["cat", "dog"], "imbalance": {"unbalanced": True, "text": "cat 9 to dog 2"}}
    choice = {"text": "epoch 3 ships: it is ahead", "ships": "best", "best": {"epoch": 3}}
    change = {"data": data, "recipe": {"balance": balance}, "epoch": choice}
    text = make(SMALL, change=change).page.text()
    assert "Of each class" in text
    assert "are named right on average" in text
    assert "cat 9 to dog 2" in text
    assert "sampler: set by the user" in text
    assert "Epoch 3 ships: it is ahead." in text
    plain = make(SMALL).page.text()
    assert "are named right" in plain
    assert "Of each class" not in plain
