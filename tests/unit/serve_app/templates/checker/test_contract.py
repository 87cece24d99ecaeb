from __future__ import annotations

import runpy
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from serve_app.templates.checker.contract import check_contract, template_folder
from tests.unit.serve_app.templates.checker.conftest import BOUNDS, SIZE, VIEWS, save_png

OUTSIDE_CHECKER = Path(__file__).parents[6] / "shared" / "check_templates.py"


def mask_of(folder: Path, index: int = 1) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.array(Image.open(folder / f"mask_{index}.png"))


def change_xyz(folder: Path, change: Callable[[np.ndarray[tuple[int, ...], np.dtype[np.float16]]], object]) -> None:
    xyz = np.load(folder / "xyz_1.npy")
    change(xyz)
    np.save(folder / "xyz_1.npy", xyz)


def change_mask(folder: Path, change: Callable[[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]], object]) -> None:
    mask = mask_of(folder)
    change(mask)
    save_png(folder / "mask_1.png", mask)


def put(array: np.ndarray[tuple[int, ...], np.dtype[np.generic]], where: object, value: object) -> None:
    array[where] = value


def widen(folder: Path, where: object) -> None:
    """Mask and coordinates reach further."""
    change_mask(folder, lambda mask: put(mask, where, 255))
    change_xyz(folder, lambda xyz: put(xyz, where, 2))


def shrink_view(folder: Path) -> None:
    for name in ("rgb_1.png", "mask_1.png"):
        save_png(folder / name, np.array(Image.open(folder / name))[: SIZE - 2])
    np.save(folder / "xyz_1.npy", np.load(folder / "xyz_1.npy")[: SIZE - 2])


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


# What is done to a good folder; the file that is named; words of the problem and the consequence.
BROKEN: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "missing rgb": (lambda folder: (folder / "rgb_1.png").unlink(), "rgb_1.png", "missing.*ISM opens every index"),
    "missing mask": (lambda folder: (folder / "mask_0.png").unlink(), "mask_0.png", "missing"),
    "missing xyz": (lambda folder: (folder / "xyz_2.npy").unlink(), "xyz_2.npy", "missing"),
    "another .npy": (lambda folder: np.save(folder / "poses.npy", np.eye(4)), "poses.npy", "counts"),
    "another .NPY": (lambda folder: (folder / "POSES.NPY").write_bytes(b""), "POSES.NPY", "counts"),
    "one view too many": (lambda folder: save_png(folder / "rgb_7.png", np.zeros((4, 4, 3), np.uint8)), "rgb_7.png", "not below 3"),
    "leading zero": (lambda folder: (folder / "rgb_01.png").write_bytes(b""), "rgb_01.png", "named like a template"),
    "left over": (lambda folder: (folder / "mask_1.png.tmp").write_bytes(b""), "mask_1.png.tmp", "named like a template"),
    "no image": (lambda folder: (folder / "rgb_1.png").write_bytes(b"text"), "rgb_1.png", "cannot be read"),
    "image cut short": (lambda folder: cut_short(folder / "rgb_1.png"), "rgb_1.png", "cannot be read"),
    "array cut short": (lambda folder: cut_short(folder / "xyz_1.npy"), "xyz_1.npy", "cannot be read"),
    "pickled objects": (lambda folder: np.save(folder / "xyz_1.npy", np.array([{}]), allow_pickle=True), "xyz_1.npy", "cannot be read"),
    "rgb with alpha": (
        lambda folder: Image.open(folder / "rgb_1.png").convert("RGBA").save(folder / "rgb_1.png"),
        "rgb_1.png",
        "32 x 32 x 4 uint8 instead of H x W x 3 uint8; PEM normalises three channels",
    ),
    "grey rgb": (
        lambda folder: Image.open(folder / "rgb_1.png").convert("L").save(folder / "rgb_1.png"),
        "rgb_1.png",
        "instead of H x W x 3",
    ),
    "rgb with palette": (lambda folder: Image.open(folder / "rgb_1.png").convert("P").save(folder / "rgb_1.png"), "rgb_1.png", "palette"),
    "black object": (lambda folder: save_png(folder / "rgb_1.png", np.full((SIZE, SIZE, 3), 7, np.uint8)), "rgb_1.png", "black.*mean 7.0"),
    "mask of 3 channels": (
        lambda folder: Image.open(folder / "mask_1.png").convert("RGB").save(folder / "mask_1.png"),
        "mask_1.png",
        "32 x 32 x 3 uint8 instead of H x W uint8",
    ),
    "mask of 1 bit": (lambda folder: Image.open(folder / "mask_1.png").convert("1").save(folder / "mask_1.png"), "mask_1.png", "bool"),
    "mask of 16 bits": (
        lambda folder: save_png(folder / "mask_1.png", mask_of(folder).astype(np.uint16)),
        "mask_1.png",
        "instead of H x W uint8",
    ),
    "mask of 0 and 1": (lambda folder: save_png(folder / "mask_1.png", mask_of(folder) // 255), "mask_1.png", r"holds \[1\].*255 alone"),
    "grey edge": (lambda folder: change_mask(folder, lambda mask: put(mask, (8, 9), 128)), "mask_1.png", r"holds \[128\]"),
    "empty mask": (lambda folder: save_png(folder / "mask_1.png", np.zeros((SIZE, SIZE), np.uint8)), "mask_1.png", "empty; .*bounding box"),
    "clipped on the left": (lambda folder: widen(folder, (slice(8, 24), slice(0, 8))), "mask_1.png", "touches the border"),
    "clipped at the bottom": (lambda folder: widen(folder, (slice(24, 32), slice(8, 24))), "mask_1.png", "touches the border"),
    "xyz of 32 bits": (
        lambda folder: np.save(folder / "xyz_1.npy", np.load(folder / "xyz_1.npy").astype(np.float32)),
        "xyz_1.npy",
        "float32 instead of H x W x 3 float16",
    ),
    "xyz without its axis": (
        lambda folder: np.save(folder / "xyz_1.npy", np.load(folder / "xyz_1.npy")[..., 0]),
        "xyz_1.npy",
        "32 x 32 float16 instead",
    ),
    "background of 0": (
        lambda folder: change_xyz(folder, lambda xyz: put(xyz, mask_of(folder) == 0, 0)),
        "xyz_1.npy",
        "768 pixels off the mask are not -1",
    ),
    "one pixel off the mask": (lambda folder: change_xyz(folder, lambda xyz: put(xyz, (0, 0, 2), 0)), "xyz_1.npy", "1 pixels off the mask"),
    "xyz misses a part": (
        lambda folder: change_xyz(folder, lambda xyz: put(xyz, slice(8, 10), -1)),
        "xyz_1.npy",
        "32 of the mask's 256 pixels hold the background",
    ),
    "NaN": (
        lambda folder: change_xyz(folder, lambda xyz: put(xyz, (16, 16, 0), np.nan)),
        "xyz_1.npy",
        "1 of the mask's pixels are not finite",
    ),
    "infinite": (lambda folder: change_xyz(folder, lambda xyz: put(xyz, (16, 16), np.inf)), "xyz_1.npy", "not finite"),
    "beyond the CAD": (
        lambda folder: change_xyz(folder, lambda xyz: put(xyz, (16, 16, 2), 10.5)),
        "xyz_1.npy",
        r"to \(9, 9, 10.5\), the CAD from \(-10, -10, -10\)",
    ),
    "below the CAD": (lambda folder: change_xyz(folder, lambda xyz: put(xyz, (16, 16, 1), -10.5)), "xyz_1.npy", r"from \(-9, -10.5"),
    "two sizes": (shrink_view, "templates", "differ in size: rgb_0.png is 32 x 32, rgb_1.png is 30 x 32; ISM stacks"),
    "xyz of another size": (
        lambda folder: np.save(folder / "xyz_1.npy", np.load(folder / "xyz_1.npy")[:30]),
        "templates",
        "xyz_1.npy is 30 x 32",
    ),
}

ONLY_OURS = {
    "another .NPY",
    "xyz of another size",
    "rgb with palette",
    "image cut short",
    "no image",
    "array cut short",
    "pickled objects",
    "xyz misses a part",
}
"""What the checker outside lets pass, or ends at with a traceback."""


def test_a_good_folder_has_no_findings(templates: Path) -> None:
    assert check_contract(templates, VIEWS, BOUNDS) == []
    (templates / "notes.json").write_text("{}")
    assert check_contract(templates) == []


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_folder_is_one_finding_that_names_file_value_and_consequence(templates: Path, name: str) -> None:
    break_it, file, words = BROKEN[name]
    break_it(templates)
    findings = check_contract(templates, VIEWS, BOUNDS)
    assert [finding.file for finding in findings] == [file], [str(finding) for finding in findings]
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(str(findings[0]))


def test_a_few_points_at_the_backgrounds_coordinates_are_no_finding(templates: Path) -> None:
    change_xyz(templates, lambda xyz: put(xyz, (16, slice(16, 18)), -1))
    assert check_contract(templates, VIEWS, BOUNDS) == []


def test_xyz_may_leave_the_bounds_by_rounding_alone(templates: Path) -> None:
    change_xyz(templates, lambda xyz: put(xyz, (16, 16, 2), 10.19))  # A hundredth of the extent is 0.2.
    assert check_contract(templates, VIEWS, BOUNDS) == []
    assert check_contract(templates, VIEWS, BOUNDS + 1.5) != []


def test_how_many_views_there_must_be(templates: Path) -> None:
    assert [finding.file for finding in check_contract(templates, 4)] == ["mask_3.png", "rgb_3.png", "xyz_3.npy"]
    for name in ("rgb_0.png", "mask_0.png", "xyz_0.npy"):
        (templates / name).unlink()
    gap = {finding.file for finding in check_contract(templates)}
    assert gap == {"rgb_0.png", "mask_0.png", "xyz_0.npy", "rgb_2.png", "mask_2.png", "xyz_2.npy"}


def test_a_folder_without_templates(tmp_path: Path) -> None:
    (finding,) = check_contract(tmp_path)
    assert "ISM finds 0 templates" in str(finding)


def test_the_folder_is_found_from_output_dir_and_from_itself(templates: Path) -> None:
    assert template_folder(templates) == template_folder(templates.parent) == templates
    with pytest.raises(NotADirectoryError, match="not a folder"):
        template_folder(templates / "rgb_0.png")


@pytest.mark.skipif(not OUTSIDE_CHECKER.exists(), reason="a further check: the checker beside the project is not here")
def test_it_agrees_with_the_checker_beside_the_project(templates: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cad = tmp_path / "cad.obj"
    cad.write_text("".join(f"v {x} {y} {z}\n" for x in (-10, 10) for y in (-10, 10) for z in (-10, 10)) + "f 1 2 8\nf 3 5 7\nf 4 6 1\n")
    outside = runpy.run_path(str(OUTSIDE_CHECKER))["main"]

    def passes(folder: Path) -> bool:
        monkeypatch.setattr(sys, "argv", ["check_templates.py", str(folder), "--views", str(VIEWS), "--cad", str(cad)])
        return not outside()

    assert passes(templates)
    for name, (break_it, _, _) in BROKEN.items():
        if name not in ONLY_OURS:
            folder = shutil.copytree(templates, tmp_path / name.replace(" ", "_"))
            break_it(folder)
            assert not passes(folder), name
