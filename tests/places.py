"""Places where files are hard to read or write: without privileges, on a full disk, in a zip."""

from __future__ import annotations

import ctypes
import os
import resource
import subprocess
import zipfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

_PAST_PERMISSIONS = (1 << 1) | (1 << 2)  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
_VERSION = 0x20080522


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = tuple((n, ctypes.c_uint32) for n in ("effective", "permitted", "inheritable"))


@contextmanager
def under_permissions() -> Generator[None]:
    """Let permission bits count for this thread and those that it starts, even for root."""
    if os.geteuid() != 0:
        yield
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header, sets = _Header(_VERSION, 0), (_Sets * 2)()
    if libc.capget(ctypes.byref(header), sets) != 0:
        pytest.skip("root's capabilities can't be read here, so no permission is ever refused")
    before = sets[0].effective
    try:
        sets[0].effective = before & ~_PAST_PERMISSIONS
        if libc.capset(ctypes.byref(header), sets) != 0:
            pytest.skip("root's capabilities can't be put down, so no permission is ever refused")
        yield
    finally:
        sets[0].effective = before
        assert libc.capset(ctypes.byref(header), sets) == 0


@contextmanager
def files_no_longer_than(size: int) -> Generator[None]:
    """The operating system refuses to write past `size` bytes (Python ignores SIGXFSZ)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def tiny_disk(folder: Path, size: str) -> Generator[Path]:
    """A file system of its own that holds `size` ("64k") and no more, where root may mount one."""
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    try:
        done = subprocess.run(["mount", *options], capture_output=True, check=False)
    except OSError:
        pytest.skip("there is no mount command here")
    if done.returncode != 0:
        pytest.skip("mounting a tiny disk is not allowed here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def zipped(root: Path, archive: Path, prefix: str = "") -> Path:
    """A zip archive of all files below a folder."""
    with zipfile.ZipFile(archive, "w") as target:
        for path in sorted(root.rglob("*")):
            if path.is_file():
                target.write(path, prefix + str(path.relative_to(root)))
    return archive
