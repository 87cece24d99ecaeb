"""How far templates are from another folder of the same views, and from converged images of them."""

from __future__ import annotations

import os
import re
import statistics
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from render_actor.contract.view_files import file_names
from serve_app.templates.checker.finding import Finding
from serve_app.templates.checker.view import read_image, read_xyz

MAX_DEPTH_STEP_MM = 4.0
"""A larger step of a coordinate between neighbours is an edge, where a pixel may see either surface: xyz is not compared there."""

WORST_VIEW_ALLOWANCE_DB = 1.5
"""How far the worst view's PSNR may be below what the median view must reach."""

_RGB_NAME = re.compile(r"rgb_(\d+)\.png")


@dataclass(frozen=True)
class Bounds:
    """What is near enough.

    Attributes:
        min_iou: of the masks, in every view.
        max_xyz_error: 99th percentile of the distance of coordinates in mm, away from depth edges, in every view.
        min_psnr: in dB over the object's pixels, of the median view; the worst may have ``WORST_VIEW_ALLOWANCE_DB`` less.
    """

    min_iou: float = 0.995
    max_xyz_error: float = 0.5
    min_psnr: float = 48.0


@dataclass
class Fidelity:
    """Figures by view.

    Attributes:
        iou: of the masks, 0 to 1.
        xyz_error: 99th percentile in mm.
        psnr: in dB.
        findings: files that could not be compared.
    """

    iou: dict[int, float] = field(default_factory=dict)
    xyz_error: dict[int, float] = field(default_factory=dict)
    psnr: dict[int, float] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def beyond(self, bounds: Bounds) -> list[Finding]:
        """What is not near enough, and what could not be compared."""
        found = list(self.findings)
        for view, iou in self.iou.items():
            if iou < bounds.min_iou:
                problem = f"mask IoU with the reference is {iou:.4f}, below {bounds.min_iou:g}"
                found.append(Finding(f"mask_{view}.png", problem, "the object has another outline, place or size"))
        for view, error in self.xyz_error.items():
            if not error <= bounds.max_xyz_error:  # Also where the reference is not finite.
                problem = f"xyz is {error:.3f} mm off the reference (99th percentile), above {bounds.max_xyz_error:g}"
                found.append(Finding(f"xyz_{view}.npy", problem, "PEM's pose is off by as much"))
        if self.psnr:
            median, lowest = statistics.median(self.psnr.values()), bounds.min_psnr - WORST_VIEW_ALLOWANCE_DB
            if median < bounds.min_psnr:
                problem = f"PSNR to the converged images is {median:.2f} dB in the median view, below {bounds.min_psnr:g}"
                found.append(Finding("rgb_*.png", problem, "the pictures are noisy or show another scene"))
            for view, score in self.psnr.items():
                if score < lowest:
                    problem = f"PSNR to the converged image is {score:.2f} dB, below {lowest:g}"
                    found.append(Finding(f"rgb_{view}.png", problem, "the picture is noisy or shows another scene"))
        return found


def compared_views(folder: Path) -> list[int]:
    """Indices of the ``rgb_<i>.png`` of a folder, in order."""
    return sorted(int(found[1]) for found in map(_RGB_NAME.fullmatch, os.listdir(folder)) if found)


def compare(folder: Path, reference: Path | None, converged: Path | None) -> Fidelity:
    """Compare the views of a folder that keeps the contract with the same views elsewhere.

    Args:
        folder: of the templates.
        reference: templates of the same size, maybe of fewer views; its ``xyz_<i>`` may be ``.npz`` files that hold ``xyz``.
        converged: ``rgb_<i>.png`` of the same size, maybe of fewer views.

    Raises:
        OSError, ValueError, KeyError: a file of the other folders cannot be read.
    """
    fidelity = Fidelity()
    if reference is not None:
        for view in compared_views(reference):
            if masks := _pair(fidelity, folder, reference, f"mask_{view}.png"):
                mine, theirs = masks[0] > 0, masks[1] > 0
                _compare_geometry(fidelity, view, mine, theirs, _xyz(folder, view), _xyz(reference, view))
    if converged is not None:
        for view in compared_views(converged):
            if rgb := _pair(fidelity, folder, converged, f"rgb_{view}.png"):
                # The reference's mask, so that an object in a wrong place does not pass by its own outline.
                judge = reference if reference and (reference / f"mask_{view}.png").exists() else folder
                fidelity.psnr[view] = psnr(*rgb, read_image(judge / f"mask_{view}.png") > 0)
    return fidelity


def _pair(fidelity: Fidelity, folder: Path, other: Path, name: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]] | None:
    """An image of both folders; None, with a finding, where the templates lack it or have another size."""
    if not (folder / name).is_file():
        fidelity.findings.append(Finding(name, f"missing; {other} has this view", "it cannot be compared"))
        return None
    ours, theirs = read_image(folder / name), read_image(other / name)
    if ours.shape != theirs.shape:
        sizes = " and ".join(" x ".join(map(str, image.shape)) for image in (ours, theirs))
        fidelity.findings.append(Finding(name, f"its size is not that of {other}: {sizes}", "it cannot be compared"))
        return None
    return ours, theirs


def psnr(image: NDArray[np.uint8], truth: NDArray[np.uint8], where: NDArray[np.bool_]) -> float:
    """PSNR in dB of (H, W, 3) images over the pixels of an (H, W) mask.

    Raises:
        ValueError: the mask is empty.
    """
    if not where.any():
        raise ValueError("the mask of the pixels to compare is empty")
    error = np.square(image.astype(np.float64) - truth)[where].mean()
    return float(10 * np.log10(255**2 / max(error, 1e-12)))


def _xyz(folder: Path, view: int) -> NDArray[np.float32]:
    plain = folder / file_names(view)[2]
    xyz = read_xyz(plain) if plain.exists() else np.load(plain.with_suffix(".npz"), allow_pickle=False)["xyz"]
    return np.asarray(xyz, dtype=np.float32)


def _compare_geometry(
    fidelity: Fidelity,
    view: int,
    mask: NDArray[np.bool_],
    reference_mask: NDArray[np.bool_],
    xyz: NDArray[np.float32],
    reference_xyz: NDArray[np.float32],
) -> None:
    both = mask & reference_mask
    fidelity.iou[view] = float(both.sum() / max((mask | reference_mask).sum(), 1))
    smooth = both & ~_depth_edges(reference_xyz)
    if smooth.any():
        distances = np.linalg.norm(xyz - reference_xyz, axis=-1)[smooth]
        fidelity.xyz_error[view] = float(np.percentile(distances, 99))


def _depth_edges(xyz: NDArray[np.float32]) -> NDArray[np.bool_]:
    """(H, W) pixels of (H, W, 3) coordinates that differ by a large step from one of their four neighbours."""
    edges = np.zeros(xyz.shape[:2], dtype=bool)
    down = np.abs(np.diff(xyz, axis=0)).max(axis=-1) > MAX_DEPTH_STEP_MM
    right = np.abs(np.diff(xyz, axis=1)).max(axis=-1) > MAX_DEPTH_STEP_MM
    edges[:-1] |= down
    edges[1:] |= down
    edges[:, :-1] |= right
    edges[:, 1:] |= right
    return edges
