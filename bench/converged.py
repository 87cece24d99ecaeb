"""Converged images of CADs, kept from one run to the next: they are most of a run's time."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.child import Child
from bench.truth import REFERENCE, VIEWS, read_rgb
from serve_app.base.settings import Settings
from serve_app.cad.limits import CadLimits
from serve_app.cad.parse import parse_cad

_AT_ONCE = 2
"""Blenders with one thread each."""


class ConvergedImages:
    """Images without a denoiser, by what they show and how they were made.

    Args:
        folder: of the images; they are found again there.
        samples: of each pixel.
        resolution: width and height.
        num_gpus: of each Blender; 0 renders on the CPU.
    """

    def __init__(self, folder: Path, samples: int, resolution: int, num_gpus: float) -> None:
        self._folder, self._samples, self._resolution, self._num_gpus = folder, samples, resolution, num_gpus

    def of(self, cad: Path, views: Sequence[int]) -> dict[int, NDArray[np.uint8]]:
        """The images (H, W, 3) of some views, rendered where they are missing; those beside the project have 2048 samples.

        Raises:
            RuntimeError: a Blender ended.
            ValueError: the CAD cannot be read.
        """
        if cad.parent == REFERENCE and self._resolution == 512 and set(views) <= set(VIEWS):
            return {view: read_rgb(REFERENCE / "converged" / f"rgb_{view}.png") for view in views}
        folder = self._folder_of(cad)
        missing = [view for view in views if not (folder / _name(view)).exists()]
        shares = [share for share in (missing[first::_AT_ONCE] for first in range(_AT_ONCE)) if share]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(lambda numbered: self._render(cad, folder, *numbered), enumerate(shares)))
        return {view: read_rgb(folder / _name(view)) for view in views}

    def _folder_of(self, cad: Path) -> Path:
        # The key is of every file that the CAD pulls in.
        mesh = parse_cad(cad.read_bytes(), cad.suffix, cad.parent, CadLimits.from_settings(Settings())).mesh
        made = hashlib.sha256(f"{mesh.key} {cad.suffix.lower()} {version('bpy')} {self._samples} {self._resolution}".encode())
        return self._folder / f"{cad.stem}-{made.hexdigest()[:16]}"

    def _render(self, cad: Path, folder: Path, number: int, views: Sequence[int]) -> None:
        scratch = folder / f"blender{number}"
        with Child("bench.probe", cad, scratch, self._num_gpus, self._resolution) as child:
            for view in views:
                child.ask(f"converged {view} {self._samples}")
                (scratch / _name(view)).rename(folder / _name(view))  # Only whole images are found again.


def _name(view: int) -> str:
    return f"converged_{view}.png"
