"""Laws of the catalogue: every entry is a line, is built for any classes, and says its source."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import torch

from hubel.analysis.costs import multiply_adds
from hubel.models.architecture import Architecture
from hubel.models.catalogue import CATALOGUE, Named, named
from hubel.models.notation import parse
from hubel.models.registered import NETWORKS
from tests.models.published import field, graph, network

PAGE = Path(__file__).parents[2] / "docs" / "networks.md"
LINES = [name for name, entry in CATALOGUE.items() if entry.line is not None]

every_network = pytest.mark.parametrize("name", CATALOGUE)


@pytest.mark.parametrize("name", LINES)
def test_a_line_of_the_catalogue_prints_back_to_itself(name: str) -> None:
    line = CATALOGUE[name].line
    assert line is not None
    assert str(parse(line)) == line


def test_all_but_lenet5_of_1998_are_lines() -> None:
    assert set(CATALOGUE) - set(LINES) == {"lenet5-1998"}


@every_network
def test_an_entry_says_where_it_was_published(name: str) -> None:
    entry = CATALOGUE[name]
    assert entry.name == name
    assert entry.title
    authors, _, title = entry.source.partition(": ")
    assert authors
    assert title
    assert 1980 < entry.year < 2030
    assert entry.url.startswith(("https://", "doi:"))


def test_no_two_networks_have_a_name_in_common() -> None:
    aliases = [alias for entry in CATALOGUE.values() for alias in entry.aliases]
    names = Counter([*NETWORKS, *CATALOGUE, *aliases])
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize(
    ("alias", "name"), [("lenet", "lenet5"), ("deit-s", "vit-s"), ("resnet50", "resnet50")]
)
def test_an_alias_stands_for_its_network(alias: str, name: str) -> None:
    assert named(alias) is CATALOGUE[name]


def test_what_is_no_name_is_none() -> None:
    assert named("resnet51") is None


@every_network
def test_a_named_network_is_built_for_other_channels_and_classes(name: str) -> None:
    channels, size = CATALOGUE[name].input[0] + 1, CATALOGUE[name].input[1:]
    asked = Architecture(name=name, in_channels=channels, num_classes=7, image_size=size)
    with torch.device("meta"):
        scores = asked.build().eval()(torch.empty(2, channels, *size))
    assert scores.shape == (2, 7)


@every_network
def test_the_page_of_networks_says_what_each_holds_and_costs(name: str) -> None:
    rows = [row for row in PAGE.read_text(encoding="utf-8").splitlines() if f"| `{name}` |" in row]
    assert len(rows) == 1
    parameters = sum(weights.numel() for weights in network(name).parameters())
    products = multiply_adds(graph(name))
    sides = "x".join(map(str, CATALOGUE[name].input))
    seen = "all" if field(name).kind == "whole" else field(name).size[0]
    assert f"| {sides} | {parameters:,} | {products:,} | {seen} |" in rows[0]


def test_an_entry_is_either_a_line_or_made() -> None:
    with pytest.raises(AssertionError, match="both: either line or make"):
        Named(name="both", title="", source="", year=2000, line="fc", make=torch.nn.Identity)
    with pytest.raises(AssertionError, match="none: either line or make"):
        Named(name="none", title="", source="", year=2000)
