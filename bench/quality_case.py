"""Measures the stock procedure and every quality on one CAD."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.child import answers
from bench.converged import NoisyTruth
from bench.promise import QUALITIES, CadResult, QualityResult
from bench.quality import View, local_shift
from bench.server import BenchServer, Cost
from bench.truth import read_rgb, read_view, stock_axes
from render_actor.contract.cameras import camera_poses

_VIEWS_A_JOB = 12
"""A job of four views would measure what a job costs, not what a view costs: of so many each view is rendered several times."""

Truths = dict[int, NoisyTruth]
"""By view."""


class QualityCase:
    """Measures CADs, one after the other.

    Args:
        server: that renders them.
        folder: for all files; one of the server's input roots.
        views: cameras of SAM-6D's list.
        resolution: width and height.
        num_gpus: of the stock procedure.
    """

    def __init__(self, server: BenchServer, folder: Path, views: Sequence[int], resolution: int, num_gpus: float) -> None:
        self._server, self._folder, self._views = server, folder, list(views)
        self._resolution, self._num_gpus = resolution, num_gpus
        self._turns = {"standard": math.ceil(_VIEWS_A_JOB / len(views)), "draft": math.ceil(_VIEWS_A_JOB / len(views)), "reference": 1}

    def measure(self, name: str, cad: Path, converged: Truths) -> CadResult:
        """Measure one; nothing else may run meanwhile.

        Args:
            name: of the CAD, for its files.
            cad: its file.
            converged: truth of each view.

        Raises:
            RuntimeError: a job failed, or a Blender ended.
        """
        result = CadResult(name)
        stock = self._stock(result, name, cad)
        result.pixels = int(statistics.median(int(stock[view].mask.sum()) for view in self._views))
        result.stock_errors = [converged[view].rmse(stock[view].rgb, stock[view].mask) for view in self._views]
        result.noise = statistics.median(converged[view].noise(1024, stock[view].mask) for view in self._views)
        result.shift = max(local_shift(stock[view].rgb, converged[view].mean, stock[view].mask) for view in self._views)
        # Of the first view alone: in so small a picture, a plate that is seen edge-on would be blank.
        result.first_cpu = self._job(name, "first", cad, self._views[:1], resolution=64, samples=1).cpu
        for quality in QUALITIES:
            cost = self._job(name, quality, cad, self._views * self._turns[quality], quality=quality)
            result.qualities[quality] = self._result(result, quality, cost, stock, converged)
        return result

    def _stock(self, result: CadResult, name: str, cad: Path) -> dict[int, View]:
        output = self._folder / "stock" / name
        told = answers("bench.stock", cad, output, self._num_gpus, self._resolution, [str(view) for view in self._views])
        result.stock_cpu = statistics.median(answer["cpu"] for answer in told)
        return {view: read_view(output, view) for view in self._views}

    def _job(self, name: str, what: str, cad: Path, views: Sequence[int], **options: object) -> Cost:
        poses = self._folder / f"poses{len(views)}.npy"
        np.save(poses, camera_poses(0)[list(views)])
        whole = {"resolution": self._resolution, "obj_axes": stock_axes(cad), "camera_poses_path": str(poses), **options}
        return self._server.render(cad, f"{name}/{what}", **whole)

    def _result(self, result: CadResult, quality: str, cost: Cost, stock: dict[int, View], converged: Truths) -> QualityResult:
        folder = Path(cost.job["templates_dir"])
        errors = []
        for index, view in enumerate(self._views):
            seen = read_view(folder, index)
            either = seen.mask | stock[view].mask
            result.iou = min(result.iou, float((seen.mask & stock[view].mask).sum() / max(either.sum(), 1)))
            errors.append(converged[view].rmse(seen.rgb, stock[view].mask))
            again = range(index + len(self._views), len(self._views) * self._turns[quality], len(self._views))
            if any(not np.array_equal(seen.rgb, read_rgb(folder / f"rgb_{other}.png")) for other in again):
                result.other.append(f"{quality}: view {view} differs from one render to the next")
        told = json.loads((folder / "manifest.json").read_text())["views"][: len(self._views)]
        samples, estimated = ([entry.get(key) for entry in told] for key in ("samples", "estimated_error"))
        return QualityResult(errors, cost.cpu / cost.views, samples, estimated, [str(text) for text in cost.job.get("warnings") or ()])
