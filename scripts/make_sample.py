"""Make the built-in sample from the photographs of TrashNet.

    python scripts/make_sample.py FOLDER_WITH_THE_SIX_CLASSES

All 2,527 photographs, longest side 128 px, aspect ratio kept (Lanczos), JPEG, in one zip archive
without further compression. The same input and versions give the same bytes.
"""

from __future__ import annotations

import io
import sys
import zipfile
from pathlib import Path

from PIL import Image

SIDE, QUALITY = 128, 90
CLASSES = ("cardboard", "glass", "metal", "paper", "plastic", "trash")
SAMPLES = Path(__file__).parents[1] / "src" / "hubel" / "data" / "samples"


def shrink(path: Path) -> bytes:
    """One photograph as a small JPEG."""
    with Image.open(path) as photograph:
        picture = photograph.convert("RGB")
    scale = SIDE / max(picture.size)
    size = (round(picture.width * scale), round(picture.height * scale))
    stream = io.BytesIO()
    small = picture.resize(size, Image.Resampling.LANCZOS)
    small.save(stream, "JPEG", quality=QUALITY, optimize=True)
    return stream.getvalue()


def main(root: Path) -> None:
    """Write the archive beside its licence."""
    target = SAMPLES / "trashnet-128.zip"
    licence = (SAMPLES / "LICENSE-trashnet.txt").read_bytes()
    count = 0
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        archive.comment = licence
        for name in CLASSES:
            for path in sorted((root / name).glob("*.jpg")):
                archive.writestr(zipfile.ZipInfo(f"{name}/{path.name}"), shrink(path))
                count += 1
    print(f"{target}: {count} photographs, {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
