"""What many tests need: folders of small real pictures, a cache of their own, shared data."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from PIL import Image

settings.register_profile("hubel", deadline=None)  # a busy machine is no defect
settings.load_profile("hubel")

# The same kernels on every machine: those for AVX-512 take scratch memory that others do not.
os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX2")

SHARED = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test reads or leaves anything in the user's cache."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("HUBEL_CACHE", str(folder))
    return folder


@pytest.fixture(autouse=True)
def same_threads() -> Iterator[None]:
    """A resumed run sets the number of threads; the next test must not inherit that."""
    import torch

    count = torch.get_num_threads()
    yield
    torch.set_num_threads(count)


def picture(seed: int, side: int = 16, hue: int = 0) -> Image.Image:
    """A noisy picture whose red part tells its class."""
    draws = np.random.default_rng([seed, hue])
    pixels = draws.integers(0, 120, (side, side, 3), dtype=np.uint8)
    pixels[..., 0] += np.uint8(hue)
    return Image.fromarray(pixels)


def fill(folder: Path, count: int, hue: int = 0, first: int = 0, side: int = 16) -> None:
    """Put `count` different pictures into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(first, first + count):
        picture(number, side, hue).save(folder / f"{number:03}.png")


@pytest.fixture
def two_classes(tmp_path: Path) -> Path:
    """30 pictures each of `dark` and `red`, 16 x 16, easy to tell apart."""
    root = tmp_path / "two"
    fill(root / "dark", 30)
    fill(root / "red", 30, hue=120)
    return root


def tree_hash(root: Path) -> str:
    """A digest of all names, contents, modes and times below a folder."""
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        status = os.lstat(path)
        digest.update(os.fsencode(path))
        digest.update(f"{status.st_mode} {status.st_mtime_ns} {status.st_size}".encode())
        if path.is_file() and not path.is_symlink():
            digest.update(path.read_bytes())
    return digest.hexdigest()


@pytest.fixture
def shared() -> Callable[[str], Path]:
    """Find a file of the shared data, or skip and say so."""

    def find(name: str) -> Path:
        path = SHARED / name
        if not path.exists():
            pytest.skip(f"needs {name} of the shared data, which is not beside this checkout")
        return path

    return find
