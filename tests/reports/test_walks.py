"""The picture of the walks is whole in one file, and says what it shows."""

from __future__ import annotations

import io
import math
import xml.etree.ElementTree as ET

import pytest
from PIL import Image

from hubel.reports.walks import answer, draw_walks, merged, number
from hubel.training.walks.surfaces import SURFACES
from hubel.training.walks.walking import Walk, walk
from tests.training.walks.test_walks import made


@pytest.fixture(scope="module")
def walks() -> list[Walk]:
    rates = {"sgd": 0.01, "adam": 0.1, "adamw": 0.1}
    found = [walk(SURFACES["bowl"], "bowl", name, rate) for name, rate in rates.items()]
    curves = {"sgd": (2.0, 0.9), "adam": (2.0, 0.4), "adamw": (2.0, 0.4)}
    return found + [Walk(n, "digits", rates[n], v, every=5) for n, v in curves.items()]


def test_the_same_walks_share_a_column(walks: list[Walk]) -> None:
    table = merged(walks)
    assert list(table) == ["sgd", "adam and adamw"]
    assert list(table["sgd"]) == ["bowl", "digits"]


def test_the_answer_names_who_ends_lowest() -> None:
    low, high = made(1.0, 0.1), made(2.0, 0.1)
    table = {"sgd": {"a": low, "b": high, "c": low}, "adam": {"a": high, "b": low, "c": high}}
    assert answer(table) == "Lowest at the end: sgd on a and c; adam on b"


def test_an_svg_asks_for_nothing_from_outside(walks: list[Walk]) -> None:
    content = draw_walks(walks, SURFACES, "svg")
    root = ET.fromstring(content)
    links = [v for node in root.iter() for k, v in node.attrib.items() if k.endswith("href")]
    assert links
    assert all(link.startswith(("#", "data:")) for link in links)
    assert b"How does each optimizer walk?" in content


def test_the_same_walks_give_the_same_bytes(walks: list[Walk]) -> None:
    assert draw_walks(walks, SURFACES, "svg") == draw_walks(walks, SURFACES, "svg")


def test_a_png_is_a_picture(walks: list[Walk]) -> None:
    picture = Image.open(io.BytesIO(draw_walks(walks, SURFACES, "png")))
    assert picture.size[0] > 500
    assert len(picture.convert("L").histogram()) == 256


def test_a_walk_that_diverged_says_so() -> None:
    assert number(math.inf) == "diverged"
