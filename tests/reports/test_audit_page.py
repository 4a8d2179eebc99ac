"""The page of an audit answers every question, shows what it names, and asks for nothing."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from hubel.reports.audit import audit_page


def jpeg(file: str) -> bytes | None:
    if "gone" in file:
        return None
    stream = io.BytesIO()
    Image.new("RGB", (60, 40), (len(file) * 20 % 256, 90, 40)).save(stream, "JPEG")
    return stream.getvalue()


def finding(name: str, severity: str, files: list[str], **more: Any) -> dict[str, Any]:
    rows = [{"file": file, "why": "because"} for file in files]
    return {"name": name, "severity": severity, "what": f"what {name} is", "advice": "act",
            "count": len(files), "share": 0.1, "files": rows, "sets": []} | more  # fmt: skip


def document(*findings: dict[str, Any], **changes: Any) -> dict[str, Any]:
    about = dict.fromkeys(("width", "height", "bytes", "brightness", "contrast", "sharpness",
                           "entropy", "colourfulness", "aspect"))  # fmt: skip
    found = {
        "source": "photos",
        "error": None,
        "files": 10,
        "accepted": 9,
        "notes": [],
        "classes": {"a": {"train": 5, "test": 1}, "b": {"train": 3, "test": 0}},
        "splits": {"train": 8, "test": 1},
        "audit": {
            "findings": list(findings),
            "about": about | {"formats": {"JPEG": 9}, "modes": {"RGB": 9}},
            "judged": {"pictures": 9, "accuracy": 0.8},
            "notes": [],
        },
    }
    return found | changes


def test_without_findings_every_question_is_answered_all_the_same() -> None:
    page = audit_page(document(), jpeg)
    assert "nothing was found that looks wrong" in page
    assert page.count('<h2 id="') == 7
    assert page.count('class="finding"') == 7
    assert "it is itself right on 80.0%" in " ".join(page.split())


def test_findings_are_shown_with_their_pictures() -> None:
    near = finding("near", "note", ["a/1.jpg", "a/22.jpg"], sets=[["a/1.jpg", "a/22.jpg"]])
    dark = finding("dark", "warning", ["b/333.jpg", "b/gone.jpg"])
    broken = finding("broken", "error", ["b/bad.jpg"])
    page = audit_page(document(broken, dark, near), jpeg)
    assert page.count("<image ") == 3
    assert "picture not found" in page
    assert '<code>b/bad.jpg</code> <span class="soft">because</span>' in page
    assert "Found: 1 kind of error, 1 kind of warning and 1 kind of note." in page
    assert 'href="#near"' in page
    assert 'id="near"' in page


def test_what_the_page_leaves_out_is_counted() -> None:
    dark = finding("dark", "warning", [f"{number}.jpg" for number in range(100)])
    assert "and 76 more, in audit.json" in audit_page(document(dark), jpeg)


def test_names_are_escaped_and_nothing_is_fetched() -> None:
    evil = finding("near", "note", ["<script>alert(1)</script>.jpg", "b\0.jpg"])
    page = audit_page(document(evil, source="<script>", error="<script>"), jpeg)
    assert "<script" not in page
    assert "\0" not in page
    assert "http" not in page.replace("http-equiv", "")


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_never_scrolls_sideways_nor_complains(
    tab: Any, tmp_path: Path, width: int
) -> None:
    long = "x" * 90 + ".jpg"
    near = finding("near-two-classes", "warning", [long, "b" + long], sets=[[long, "b" + long]])
    path = tmp_path / "audit.html"
    path.write_text(audit_page(document(near, finding("dark", "warning", [long])), jpeg), "utf-8")
    tab.size(width, 844)
    tab.open(path)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.complaints() == []
    assert [url for url in tab.requests() if not url.startswith("data:")] == [path.as_uri()]
