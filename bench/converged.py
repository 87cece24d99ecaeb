"""True errors without an image that is free of noise.

Of two renders that know nothing of each other, T + n and T + m, an image's error to the converged image T is told by the mean of
(image - T - n) (image - T - m): the noise cancels out. So some 128 samples a pixel of a large object tell it as well as thousands do,
and nothing of the noise counts as error of the image, as it does against one render of 1,024 samples.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import math
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.child import Child
from bench.truth import read_rgb
from serve_app.base.settings import Settings
from serve_app.cad.limits import CadLimits
from serve_app.cad.parse import parse_cad

_AT_ONCE = 2
"""Blenders with one thread each."""

_RENDERS = 2
_OBJECT_PIXELS = 15_000
"""An object of fewer pixels gets more samples, so that as many say what its error is."""

_MAX_SAMPLES = 1024


@dataclass(frozen=True)
class NoisyTruth:
    """Independent renders (H, W, 3) of one view, without a denoiser."""

    renders: tuple[NDArray[np.uint8], ...]
    samples: int

    @property
    def mean(self) -> NDArray[np.float64]:
        """Of the renders."""
        return np.mean([render.astype(np.float64) for render in self.renders], axis=0)

    def rmse(self, rgb: NDArray[np.uint8], where: NDArray[np.bool_]) -> float:
        """Root mean square error of an image to the converged one over some pixels, of 255."""
        differences = [(rgb.astype(np.float64) - render)[where] for render in self.renders]
        return math.sqrt(max(0.0, float(np.mean([(a * b).mean() for a, b in itertools.combinations(differences, 2)]))))

    def noise(self, samples: int, where: NDArray[np.bool_]) -> float:
        """About the root mean square error that one render of so many samples has itself, of 255; less where samples are well spread."""
        variance = np.var([render.astype(np.float64)[where] for render in self.renders], axis=0, ddof=1).mean()
        return math.sqrt(float(variance) * self.samples / samples)


class ConvergedImages:
    """Keeps the renders from one run to the next.

    Args:
        folder: of the renders; they are found again there.
        samples: of each pixel of a large object, in all renders together.
        resolution: width and height.
        num_gpus: of each Blender; 0 renders on the CPU.
    """

    def __init__(self, folder: Path, samples: int, resolution: int, num_gpus: float) -> None:
        self._folder, self._samples, self._resolution, self._num_gpus = folder, samples, resolution, num_gpus

    def of(self, cad: Path, views: Sequence[int]) -> dict[int, NoisyTruth]:
        """The truth of some views, rendered where it is missing.

        Raises:
            RuntimeError: a Blender ended.
            ValueError: the CAD cannot be read.
        """
        folder = self._folder_of(cad)
        missing = [view for view in views if not (folder / f"view{view}").exists()]
        shares = [share for share in (missing[first::_AT_ONCE] for first in range(_AT_ONCE)) if share]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(lambda share: self._render(cad, folder, share), shares))
        return {view: _read(folder / f"view{view}") for view in views}

    def _folder_of(self, cad: Path) -> Path:
        # The key is of every file that the CAD pulls in.
        mesh = parse_cad(cad.read_bytes(), cad.suffix, cad.parent, CadLimits.from_settings(Settings())).mesh
        made = hashlib.sha256(f"{mesh.key} {cad.suffix.lower()} {version('bpy')} {self._samples} {self._resolution}".encode())
        return self._folder / f"{cad.stem}-{made.hexdigest()[:16]}"

    def _render(self, cad: Path, folder: Path, views: Sequence[int]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        with (
            tempfile.TemporaryDirectory(dir=folder, prefix="blender-") as name,
            Child("bench.probe", cad, Path(name), self._num_gpus, self._resolution) as child,
        ):
            for view in views:
                pixels = max(1, int(child.ask(f"pixels {view}")["pixels"]))
                share = _OBJECT_PIXELS * (self._resolution / 512) ** 2 / pixels
                samples = round(min(_MAX_SAMPLES, self._samples / _RENDERS * max(1.0, share)))
                whole = Path(name) / f"view{view}"
                whole.mkdir()
                for seed in range(1, _RENDERS + 1):
                    child.ask(f"converged {view} {samples} {seed}")
                    (Path(name) / f"converged_{view}.png").rename(whole / f"{seed}-{samples}.png")
                with contextlib.suppress(OSError):  # Another run has made them meanwhile.
                    whole.rename(folder / whole.name)  # Only what is complete is found again.


def _read(folder: Path) -> NoisyTruth:
    files = sorted(folder.glob("*.png"))
    renders = tuple(read_rgb(file) for file in files)
    if len(renders) < _RENDERS or np.array_equal(renders[0], renders[1]):
        raise RuntimeError(f"{folder} does not hold {_RENDERS} independent renders")
    return NoisyTruth(renders, int(files[0].stem.split("-")[1]))
