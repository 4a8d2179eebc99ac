"""What a real browser makes of the page."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from synthetic_run import Synthetic

KINDS = {
    "six classes": Synthetic(per_class=12),
    "60 classes, names of 60 characters": Synthetic(
        classes=[f"{k} " + "x" * 57 for k in range(60)], per_class=3, file="{k}" * 40
    ),
    "a ladder of ten": Synthetic(per_class=5, climbed=True),
}


@pytest.fixture(params=KINDS.values(), ids=KINDS.keys())
def path(request: pytest.FixtureRequest, make: Any, tmp_path: Path) -> Path:
    page = tmp_path / "report.html"
    page.write_text(make(request.param).html, "utf-8")
    return page


@pytest.mark.parametrize("width", [390, 1366])
def test_the_page_never_scrolls_sideways_nor_complains_nor_asks(
    tab: Any, path: Path, width: int
) -> None:
    tab.size(width, 844, dark=width == 390)
    tab.open(path)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.complaints() == []
    assert [url for url in tab.requests() if not url.startswith("data:")] == [path.as_uri()]


def test_a_cell_opens_its_pictures_without_a_script(tab: Any, make: Any, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    html: str = make(KINDS["six classes"]).html
    path.write_text(html.replace("<script>", "<template>").replace("</script>", "</template>"))
    tab.size(1366, 800)
    tab.open(path)
    shown = "[...document.querySelectorAll('.panel')].filter(p => p.offsetHeight).map(p => p.id)"
    (first,) = tab.evaluate(shown)
    links = tab.evaluate("[...document.querySelectorAll('.matrix td a')].map(a => a.hash)")
    other = next(link for link in links if link != f"#{first}")
    tab.evaluate(f"document.querySelector('.matrix a[href=\"{other}\"]').click()")
    assert tab.evaluate(shown) == [other[1:]]


def test_arrow_keys_walk_the_matrix(tab: Any, make: Any, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(make(KINDS["six classes"]).html, "utf-8")
    tab.size(1366, 800)
    tab.open(path)
    tab.evaluate("document.querySelector('.matrix td.diagonal a').focus()")
    before = tab.evaluate("document.activeElement.hash")
    for kind in ("keyDown", "keyUp"):
        tab.call("Input.dispatchKeyEvent", type=kind, key="ArrowDown", code="ArrowDown")
    after = tab.evaluate("document.activeElement.hash")
    assert after.startswith("#cell-")
    assert after != before


@pytest.mark.parametrize("width", [390, 1280])
def test_no_text_of_the_ladder_s_pictures_covers_another(
    tab: Any, make: Any, tmp_path: Path, width: int
) -> None:
    path = tmp_path / "report.html"
    path.write_text(make(KINDS["a ladder of ten"]).html, "utf-8")
    tab.size(width, 844)
    tab.open(path)
    texts: list[list[Any]] = tab.evaluate(
        "[...document.querySelectorAll('#worth .chart')].map(chart =>"
        " [...chart.querySelectorAll('text')].map(text => {"
        " const box = text.getBoundingClientRect();"
        " return [text.textContent, box.left, box.top, box.right, box.bottom]; }))"
    )
    assert [len(chart) >= 10 for chart in texts] == [True, True]
    covered = [
        (one[0], other[0])
        for chart in texts
        for one, other in combinations(chart, 2)
        if min(one[3], other[3]) - max(one[1], other[1]) > 0
        and min(one[4], other[4]) - max(one[2], other[2]) > 2  # the line above the letters is empty
    ]
    assert covered == []
