"""NIfTI and DICOM held against the files' own writers."""

from __future__ import annotations

import gzip
import io
import sys
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hubel.data.decode import decode
from hubel.data.form import Limits
from hubel.errors import PictureError


def nifti(values: NDArray[Any], slope: float = 1.0, two: bool = False) -> bytes:
    nibabel: Any = pytest.importorskip("nibabel")
    image = (nibabel.Nifti2Image if two else nibabel.Nifti1Image)(values, np.eye(4))
    image.header.set_slope_inter(slope, 0)
    return image.to_bytes()


@pytest.mark.parametrize("two", [False, True])
@pytest.mark.parametrize("packed", [False, True])
def test_a_nifti_volume_has_its_planes_first_and_its_scale(two: bool, packed: bool) -> None:
    values = np.arange(2 * 3 * 4, dtype=np.int16).reshape(2, 3, 4)  # x, y, z
    content = nifti(values, 2.5, two)
    found = decode(gzip.compress(content) if packed else content)
    assert (found.kind, found.format, found.frames, found.height, found.width) == (
        "volume", "NIFTI", 4, 3, 2,
    )  # fmt: skip
    np.testing.assert_allclose(found.values[..., 0], values.transpose(2, 1, 0) * 2.5)


def test_a_fourth_axis_of_nifti_are_channels() -> None:
    found = decode(nifti(np.ones((2, 3, 4, 6), np.float32)))
    assert (found.values.shape, found.form.channels) == ((4, 3, 2, 6), 6)


def test_what_unpacks_to_too_much_is_refused() -> None:
    content = gzip.compress(nifti(np.zeros((40, 40, 40), np.float32)))
    with pytest.raises(PictureError, match="file too large"):
        decode(content, Limits(bytes=100_000))
    with pytest.raises(PictureError, match="too many pixels"):
        decode(content, Limits(pixels=1000))


def dicom(values: NDArray[np.uint16], **tags: Any) -> bytes:
    pydicom: Any = pytest.importorskip("pydicom")
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = pydicom.uid.CTImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    file = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    file.Rows, file.Columns = values.shape[-2:]
    file.SamplesPerPixel, file.PhotometricInterpretation = 1, "MONOCHROME2"
    file.BitsAllocated = file.BitsStored = 16
    file.HighBit, file.PixelRepresentation = 15, 0
    if values.ndim == 3:
        file.NumberOfFrames = len(values)
    file.PixelData = values.tobytes()
    for name, value in tags.items():
        setattr(file, name, value)
    stream = io.BytesIO()
    file.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def test_a_dicom_picture_keeps_its_values() -> None:
    values = np.arange(12, dtype=np.uint16).reshape(3, 4) * 300
    found = decode(dicom(values))
    assert (found.kind, found.format, found.form.depth) == ("picture", "DICOM", "uint16")
    np.testing.assert_array_equal(found.values, values)


def test_a_dicom_is_rescaled_and_its_frames_are_planes() -> None:
    values = np.arange(24, dtype=np.uint16).reshape(2, 3, 4)
    found = decode(dicom(values, RescaleSlope=2, RescaleIntercept=-1024))
    assert (found.kind, found.frames) == ("volume", 2)
    np.testing.assert_allclose(found.values[..., 0], values * 2.0 - 1024)


def test_where_low_is_white_it_is_turned_round() -> None:
    values = np.array([[0, 10], [20, 30]], np.uint16)
    found = decode(dicom(values, PhotometricInterpretation="MONOCHROME1"))
    np.testing.assert_array_equal(found.values, 30 - values)


def test_a_dicom_without_pixels_is_named() -> None:
    content = dicom(np.zeros((3, 4), np.uint16))
    with pytest.raises(PictureError, match="broken or truncated"):
        decode(content[:-10])
    with pytest.raises(PictureError, match="too many pixels"):
        decode(content, Limits(pixels=5))


@pytest.mark.parametrize("library", ["nibabel", "pydicom"])
def test_what_is_not_installed_is_named_with_the_way_out(
    library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = np.zeros((2, 3, 4), np.float32)
    content = nifti(values) if library == "nibabel" else dicom(values.astype(np.uint16))
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(PictureError, match=rf"need {library}: pip install 'hubel\[medical\]'"):
        decode(content)
