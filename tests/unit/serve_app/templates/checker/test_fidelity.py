from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from serve_app.templates.checker.fidelity import Bounds, compare, psnr
from tests.unit.serve_app.templates.checker.conftest import SIZE, VIEWS, save_png


@pytest.fixture
def reference(templates: Path, tmp_path: Path) -> Path:
    return shutil.copytree(templates, tmp_path / "reference")


def brighten(folder: Path, view: int, step: int) -> None:
    image = np.array(Image.open(folder / f"rgb_{view}.png"))
    save_png(folder / f"rgb_{view}.png", image + np.uint8(step))


def shift(folder: Path, view: int, distance: float) -> None:
    xyz = np.load(folder / f"xyz_{view}.npy")
    xyz[xyz[..., 2] >= 0] += np.array([0, distance, 0], dtype=np.float16)
    np.save(folder / f"xyz_{view}.npy", xyz)


def test_a_copy_is_as_near_as_can_be(templates: Path, reference: Path) -> None:
    fidelity = compare(templates, reference, reference)
    assert fidelity.iou == dict.fromkeys(range(VIEWS), 1.0) and set(fidelity.xyz_error.values()) == {0.0}
    assert min(fidelity.psnr.values()) > 150 and fidelity.beyond(Bounds()) == []


def test_a_mask_that_differs(templates: Path, reference: Path) -> None:
    mask = np.array(Image.open(templates / "mask_1.png"))
    mask[8, 8:10] = 0
    save_png(templates / "mask_1.png", mask)
    fidelity = compare(templates, reference, None)
    assert fidelity.iou[1] == pytest.approx(254 / 256) and fidelity.iou[0] == 1
    assert [finding.file for finding in fidelity.beyond(Bounds())] == ["mask_1.png"]
    assert "0.9922, below 0.995" in str(fidelity.beyond(Bounds())[0]) and fidelity.beyond(Bounds(min_iou=0.99)) == []


def test_coordinates_that_differ(templates: Path, reference: Path) -> None:
    shift(templates, 2, 0.75)
    fidelity = compare(templates, reference, None)
    assert fidelity.xyz_error[2] == pytest.approx(0.75, abs=0.01) and fidelity.xyz_error[0] == 0
    assert [finding.file for finding in fidelity.beyond(Bounds())] == ["xyz_2.npy"]
    assert fidelity.beyond(Bounds(max_xyz_error=0.8)) == []


def test_depth_edges_are_not_compared(templates: Path, reference: Path) -> None:
    """Beside a step of more than 4 mm either surface may be seen; other pixels are compared."""
    for folder, column in ((templates, 16), (reference, 17)):
        xyz = np.load(folder / "xyz_0.npy")
        xyz[8:24, column:24, 2] += 8
        np.save(folder / "xyz_0.npy", xyz)
    assert compare(templates, reference, None).beyond(Bounds()) == []


def test_a_reference_may_be_packed_and_have_fewer_views(templates: Path, reference: Path) -> None:
    for view in range(VIEWS):
        xyz = np.load(reference / f"xyz_{view}.npy")
        (reference / f"xyz_{view}.npy").unlink()
        np.savez_compressed(reference / f"xyz_{view}.npz", xyz=xyz)
    (reference / "rgb_1.png").unlink()
    shift(templates, 2, 0.75)
    assert set(compare(templates, reference, None).xyz_error) == {0, 2}
    assert [finding.file for finding in compare(templates, reference, None).beyond(Bounds())] == ["xyz_2.npy"]


def test_images_that_differ(templates: Path, reference: Path) -> None:
    for view in range(VIEWS):
        brighten(templates, view, 1)
    assert compare(templates, None, reference).psnr == dict.fromkeys(range(VIEWS), pytest.approx(48.13, abs=0.01))
    assert compare(templates, None, reference).beyond(Bounds(min_psnr=48)) == []
    (finding,) = compare(templates, None, reference).beyond(Bounds(min_psnr=49))
    assert "48.13 dB in the median view, below 49" in str(finding)
    brighten(templates, 1, 1)
    (finding,) = compare(templates, None, reference).beyond(Bounds(min_psnr=48))
    assert finding.file == "rgb_1.png" and "below 46.5" in finding.problem


def test_only_the_objects_pixels_count_and_the_reference_says_which(templates: Path, reference: Path) -> None:
    image = np.array(Image.open(templates / "rgb_0.png"))
    image[0] = 0
    save_png(templates / "rgb_0.png", image)
    assert compare(templates, None, reference).psnr[0] > 150
    mask = np.zeros((SIZE, SIZE), dtype=np.uint8)
    mask[:20, 4:20] = 255
    save_png(reference / "mask_0.png", mask)
    assert compare(templates, None, reference).psnr[0] > 150
    assert compare(templates, reference, reference).psnr[0] < 25


def test_what_cannot_be_compared_is_a_finding(templates: Path, reference: Path) -> None:
    save_png(reference / "rgb_9.png", np.zeros((SIZE, SIZE, 3), dtype=np.uint8))
    save_png(reference / "rgb_1.png", np.zeros((SIZE, SIZE + 1, 3), dtype=np.uint8))
    findings = compare(templates, None, reference).beyond(Bounds())
    assert [(finding.file, finding.problem.split(";")[0].split(" of ")[0]) for finding in findings] == [
        ("rgb_1.png", "its size is not that"),
        ("rgb_9.png", "missing"),
    ]


def test_psnr_of_no_pixels_is_refused() -> None:
    image = np.zeros((4, 4, 3), dtype=np.uint8)
    with pytest.raises(ValueError, match="empty"):
        psnr(image, image, np.zeros((4, 4), dtype=bool))
