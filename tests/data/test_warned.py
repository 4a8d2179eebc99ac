"""What a decoder says of a file is kept for that file, and not printed."""

from __future__ import annotations

import io
import os
import warnings
from contextlib import suppress
from pathlib import Path

import pytest
from PIL import Image

from hubel.data.decode import decode
from hubel.data.scan import scan
from hubel.data.sources import FolderSource
from hubel.data.warned import listening, quiet_decoders
from hubel.errors import PictureError
from tests.conftest import fill, picture


def damaged_tiff() -> bytes:
    """LZW whose codes are wrong from the middle on: libtiff says so, and goes on or gives up."""
    stream = io.BytesIO()
    picture(1, 40).save(stream, "TIFF", compression="tiff_lzw")
    content = bytearray(stream.getvalue())
    content[1000:1010] = b"\xff" * 10
    return bytes(content)


def test_a_warning_of_python_is_kept_for_the_file_that_it_is_about() -> None:
    with quiet_decoders():
        with listening(b"x") as first:
            warnings.warn("odd metadata", stacklevel=1)
        with listening(b"y") as second:
            pass
    assert first == ["UserWarning: odd metadata"]
    assert second == []


def test_what_libtiff_prints_is_kept_for_its_file_and_not_printed(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with quiet_decoders(), listening(damaged_tiff()) as said, suppress(PictureError):
        decode(damaged_tiff())
    assert any("LZW" in line or "Using code" in line for line in said)
    assert capfd.readouterr().err == ""


def test_every_file_of_a_scan_has_its_own_warning(tmp_path: Path) -> None:
    fill(tmp_path / "dark", 300, side=8)
    for number in (7, 150, 299):
        (tmp_path / "dark" / f"{number:03}.png").write_bytes(damaged_tiff())
    source = FolderSource(tmp_path)
    found = scan(source, source.list(), workers=4)
    warned = [record.path for record in found if record.warning is not None]
    assert warned == [b"dark/007.png", b"dark/150.png", b"dark/299.png"]


def test_the_next_file_does_not_inherit_what_the_last_one_printed() -> None:
    content = damaged_tiff()
    with quiet_decoders():
        for _ in range(3):
            with listening(content) as said:
                os.write(2, b"once\n")
            assert said == ["once"]


def test_outside_nothing_is_heard_and_warnings_are_as_they_were() -> None:
    with listening(b"II*\0") as said:
        pass
    assert said == []
    with quiet_decoders():
        Image.new("L", (1, 1))
    with pytest.raises(UserWarning, match="as before"):
        warnings.warn("as before", stacklevel=1)
