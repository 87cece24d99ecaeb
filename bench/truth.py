"""What quality is measured against: reference renders where they lie beside the project, and otherwise our own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.quality import Distance, View, distance, psnr

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT.parent / "shared" / "reference" / "obj_000005"
EXAMPLE = ROOT / "examples" / "knot.ply"
VIEWS = (0, 5, 12, 20, 30, 38)
"""The views of which there are converged images."""


def stock_axes(cad: Path) -> Literal["cad", "blender"]:
    """The ``obj_axes`` with which our images show a CAD as the stock procedure's do: Blender's importer turns every OBJ about x."""
    return "blender" if cad.suffix.lower() == ".obj" else "cad"


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """(H, W, 3) RGB of a file."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise FileNotFoundError(path)
    return np.ascontiguousarray(image[..., ::-1])


def read_view(folder: Path, index: int) -> View:
    """One template of a folder."""
    mask = cv2.imread(str(folder / f"mask_{index}.png"), cv2.IMREAD_GRAYSCALE)
    if mask is None:
        raise FileNotFoundError(folder / f"mask_{index}.png")
    plain, packed = folder / f"xyz_{index}.npy", folder / f"xyz_{index}.npz"
    xyz = np.load(plain) if plain.exists() else np.load(packed)["xyz"]
    return View(read_rgb(folder / f"rgb_{index}.png"), mask > 0, xyz.astype(np.float32))


@dataclass(frozen=True)
class Truth:
    """Converged images and stock templates of some views.

    Attributes:
        cad: what they show.
        views: which.
        converged: RGB by view.
        stock: template by view.
    """

    cad: Path
    views: tuple[int, ...]
    converged: dict[int, NDArray[np.uint8]]
    stock: dict[int, View]

    def stock_psnr(self) -> list[float]:
        """Of the stock procedure's images, by view."""
        return [psnr(self.stock[view].rgb, self.converged[view], self.stock[view].mask) for view in self.views]

    def distances(self, folder: Path, names: dict[int, int]) -> list[Distance]:
        """Of the templates in a folder; ``names`` gives the index there of each view."""
        return [distance(read_view(folder, names[view]), self.converged[view], self.stock[view]) for view in self.views]


def reference_truth() -> Truth:
    """The LINEMOD part beside the project: the stock procedure with this CAD's exact radius, and 2048 samples."""
    converged = {view: read_rgb(REFERENCE / "converged" / f"rgb_{view}.png") for view in VIEWS}
    return Truth(REFERENCE / "obj_000005.ply", VIEWS, converged, {view: read_view(REFERENCE / "stock", view) for view in VIEWS})


def own_truth(cad: Path, converged: dict[int, NDArray[np.uint8]], folder: Path) -> Truth:
    """Of images that the benchmark has just rendered, and of the stock process's templates in a folder."""
    return Truth(cad, tuple(converged), converged, {view: read_view(folder, view) for view in converged})
