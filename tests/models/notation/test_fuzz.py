"""Whatever is typed, the answer is a tree or an error with a place, never a traceback."""

from __future__ import annotations

import pickle
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hubel.models.notation import NotationError, check, parse
from tests.models.notation.lines import networks

NEAR = st.text(alphabet="conv3x2/(64,)[]|*= .-+e_gapfcrelu6\t", max_size=40)
PIECES = re.compile(r"\w+|\W")
INSERTED = st.sampled_from(
    ["[", "]", "(", ")", "|", ",", "=", "*", "/", "0", "999999999999", "3x", "conv", "fc", "valid",
     "groups", "residual", "relu", " ", "x", "-1", "1e999", "¼", "٣", "\0", "\ud800"]
)  # fmt: skip


def answer(line: str) -> None:
    """Read and check a line; what goes wrong must say where."""
    try:
        tree = parse(line)
    except NotationError as error:
        located(error, line)
        return
    assert parse(str(tree)) == tree
    for shape in ((3, 9), (4, 8, 8), (2, 4, 5, 6)):
        try:
            check(tree, shape, 5)
        except NotationError as error:
            located(error, line)


def located(error: NotationError, line: str) -> None:
    assert error.line == line
    assert 0 <= error.position <= len(line)
    assert 0 <= error.length <= len(line) - error.position
    message, shown, carets = str(error).rsplit("\n", 2)
    assert error.message in message
    assert set(carets.strip()) == {"^"}
    assert len(shown) <= 110


@settings(max_examples=400, deadline=None)
@given(line=st.text(max_size=30) | NEAR)
@example("")
@example(" ")
@example("(" * 5000)
@example("[" * 5000)
@example("residual(" * 2000)
@example("conv3(" + "9" * 5000 + ")")
@example("[relu]*" + "9" * 5000)
@example("[" * 40 + "relu" + "]*9" * 40)
@example("conv" + "3x" * 3000 + "3(4)")
@example("dropout(1e99999)")
@example("relu " * 20_000)
def test_any_text_is_read_or_refused_with_a_place(line: str) -> None:
    answer(line)


@settings(max_examples=400, deadline=None)
@given(network=networks(), data=st.data())
def test_a_damaged_line_is_read_or_refused_with_a_place(
    network: tuple[str, tuple[int, ...]], data: st.DataObject
) -> None:
    pieces = PIECES.findall(network[0])
    for _ in range(data.draw(st.integers(1, 3))):
        first = data.draw(st.integers(0, len(pieces) - 1))
        second = data.draw(st.integers(0, len(pieces) - 1))
        how = data.draw(st.sampled_from(["delete", "insert", "swap", "double"]))
        if how == "delete" and len(pieces) > 1:
            del pieces[first]
        elif how == "insert":
            pieces.insert(first, data.draw(INSERTED))
        elif how == "swap":
            pieces[first], pieces[second] = pieces[second], pieces[first]
        else:
            pieces.insert(first, pieces[first])
    answer("".join(pieces))


@pytest.mark.parametrize("line", ["conv3x3(64", "[conv9x9(4, valid)]"])
def test_errors_survive_the_way_between_processes(line: str) -> None:
    with pytest.raises(NotationError) as caught:
        check(line, (3, 5, 5))
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)
    assert again.position == caught.value.position
