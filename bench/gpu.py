"""``make bench-gpu``: what a GPU makes of it, in one run that may be cut short: each figure is written as soon as it is known."""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from bench.child import Child
from bench.figures import Figure, as_json, markdown_table, spread, text_table
from bench.server import BenchServer
from bench.truth import EXAMPLE, REFERENCE
from render_actor.contract.cameras import camera_poses
from render_actor.contract.device import GPU_KINDS

NO_GPU = (
    "nothing to measure: Cycles sees no {} device on this machine. Run this where nvidia-smi (or rocm-smi) lists a GPU and its driver is "
    "installed, or with --device cpu to try the script itself."
)


def kinds_to_measure(wanted: str, seen: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The kinds of device that a run measures, the one for the server first; none where there is nothing to measure.

    Args:
        wanted: ``auto`` for every kind of GPU that is there, or one kind, or ``CPU``.
        seen: names of the devices that Cycles sees, by kind.
    """
    if wanted == "CPU":
        return ("CPU",)
    return tuple(kind for kind in GPU_KINDS if seen.get(kind) and wanted in ("auto", kind))


def cycles_share(beside: Mapping[str, float]) -> float:
    """Percent of a renderer's time in which Blender renders.

    Args:
        beside: seconds, as `GpuProbe.beside` tells them.
    """
    return 100 * beside["renders"] / beside["wall"]


def hidden_share(apart: Mapping[str, float], beside: Mapping[str, float]) -> float:
    """Percent of the making of files for which a renderer does not wait, since the next view is traced meanwhile.

    Args:
        apart: seconds, as `GpuProbe.apart` tells them.
        beside: seconds of the same views, as `GpuProbe.beside` tells them.
    """
    return 100 * (1 - (beside["wall"] - beside["traced"]) / apart["files"])


def slowed_by(apart: Mapping[str, float], beside: Mapping[str, float]) -> float:
    """Percent by which tracing takes longer while files are made; it and the files share the interpreter and the cores.

    Args:
        apart: seconds, as `GpuProbe.apart` tells them.
        beside: seconds of the same views, as `GpuProbe.beside` tells them.
    """
    return 100 * (beside["traced"] / apart["traced"] - 1)


class GpuBench:
    """One run.

    Args:
        folder: for all files but the results.
        output: for the results.
        views: of a job.
        resolution: width and height of its images.
        repeats: measurements of each figure.
        renderers: numbers of renderers on a GPU to try.
    """

    def __init__(self, folder: Path, output: Path, views: int, resolution: int, repeats: int, renderers: Sequence[int]) -> None:
        self._folder, self._output = folder, output
        self._views, self._resolution, self._repeats, self._renderers = views, resolution, repeats, renderers
        # In the run's own folder, which alone the server may read.
        self._cad = Path(shutil.copy(REFERENCE / "obj_000005.ply" if REFERENCE.exists() else EXAMPLE, folder))
        self._machine: dict[str, Any] = {
            "cores": len(os.sched_getaffinity(0)),
            "views": views,
            "resolution": resolution,
            "versions": {name: version(name) for name in ("ray", "bpy", "blenderproc")},
        }
        self.figures: list[Figure] = []

    def devices(self) -> dict[str, list[str]]:
        """Names of the GPUs that Cycles sees, by kind."""
        with Child("bench.gpu_probe", self._cad, self._folder / "seen", 0, self._resolution) as probe:
            self._machine["devices"] = probe.hello["devices"]
            return dict(probe.hello["devices"])

    def run(self, kinds: Sequence[str]) -> None:
        """All figures: of one Blender on each kind, and of servers on the first."""
        for kind in kinds:
            self._one_blender(kind)
        for renderers in self._renderers:
            self._server(kinds[0], renderers)

    def _add(self, name: str, against: str, value: float, unit: str, aim: float | None = None, **more: str) -> None:
        self.figures.append(Figure(name, against, value, unit, None, aim, **more))  # type: ignore[arg-type]
        print(time.strftime("%H:%M:%S"), "  ".join(filter(None, self.figures[-1].cells())), file=sys.stderr, flush=True)
        self._output.mkdir(parents=True, exist_ok=True)
        (self._output / "gpu.json").write_text(as_json(self.figures, self._machine) + "\n")
        (self._output / "gpu.md").write_text(markdown_table(self.figures) + "\n")

    def _one_blender(self, kind: str) -> None:
        with Child("bench.gpu_probe", self._cad, self._folder / kind, float(kind != "CPU"), self._resolution) as probe:
            started = probe.ask(f"start {kind}")
            self._machine.setdefault("used", []).append(started["device"])
            self._add(
                "a Blender gets warm", kind, started["warm"], "s", better="less", detail="kernels compiled, where they are not cached"
            )
            self._add("its first view of a CAD", kind, started["first"], "s", better="less")
            views = " ".join(str(view) for view in range(self._views))
            pairs = [(probe.ask(f"apart {views}"), probe.ask(f"beside {views}")) for _ in range(self._repeats)]
        apart, beside = ({name: statistics.median(pair[which][name] for pair in pairs) for name in pairs[0][which]} for which in (0, 1))
        walls = [pair[1]["wall"] / self._views for pair in pairs]
        self._add("a view, one Blender, no server", kind, statistics.median(walls), "s", better="less", detail=spread(walls))
        shown = f"{beside['renders'] / self._views:.3g} of {beside['wall'] / self._views:.3g} s a view"
        self._add("share of Cycles in a view", kind, cycles_share(beside), "%", detail=shown)
        shown = f"files {apart['files'] / self._views:.3g} s a view, tracing {apart['traced'] / self._views:.3g} s"
        self._add("making of files that is hidden by the next view", kind, hidden_share(apart, beside), "%", 100, detail=shown)
        self._add("tracing takes longer while files are made", "tracing alone", slowed_by(apart, beside), "%", 0, better="less")

    def _server(self, kind: str, renderers: int) -> None:
        """Jobs through HTTP, one after another, on renderers that share one GPU."""
        folder, gpu = self._folder / f"server{renderers}", kind != "CPU"
        # All CADs, poses and results lie in the run's folder; one GPU is enough to tell what a GPU does.
        settings = {"RENDER_DEVICE": kind} | (
            {"CUDA_VISIBLE_DEVICES": os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]} if gpu else {}
        )
        with BenchServer(folder, self._cad.parent, renderers, 1 / renderers if gpu else 0, 0, settings) as server:
            options = {"resolution": self._resolution, "camera_poses_path": str(self._poses())}
            server.render(self._cad, "warm", **options)
            walls = [server.render(self._cad, f"job{turn}", **options).wall for turn in range(self._repeats)]
        rates = [self._views / wall for wall in walls]
        many = "one renderer" if renderers == 1 else f"{renderers} renderers"
        self._add(f"views a second, {many} on it", kind, statistics.median(rates), "", detail=spread(rates, "views a second"))
        whole = [42 * wall / self._views for wall in walls]
        told = "warm, through HTTP" + ("" if self._views == 42 else f", from {self._views} views")
        name, detail = f"seconds for 42 templates, {many} on it", f"{spread(whole)}, {told}"
        self._add(name, kind, statistics.median(whole), "s", 3 if gpu else None, better="less", detail=detail)

    def _poses(self) -> Path:
        path = self._folder / "views.npy"
        np.save(path, camera_poses(0)[: self._views])
        return path


def main() -> int:
    """Run, print, write; 1 where there is no GPU."""
    parser = argparse.ArgumentParser(prog="bench.gpu", description=__doc__)
    parser.add_argument("--device", type=str.upper, choices=("AUTO", *GPU_KINDS, "CPU"), default="AUTO", help="default: every kind of GPU")
    parser.add_argument("--renderers", type=int, nargs="+", default=[1, 2, 4], help="numbers of renderers on a GPU (default: 1 2 4)")
    parser.add_argument("--views", type=int, choices=range(2, 43), metavar="2..42", default=42, help="of a job (default: 42)")
    parser.add_argument("--resolution", type=int, default=512, help="pixels (default: 512)")
    parser.add_argument("--repeats", type=int, default=3, help="measurements of each figure (default: 3)")
    parser.add_argument("--output", type=Path, default=Path("output/gpu"), help="folder for the table as JSON and as markdown")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="render-server-gpu-") as folder:
        bench = GpuBench(Path(folder), arguments.output, arguments.views, arguments.resolution, arguments.repeats, arguments.renderers)
        wanted = "auto" if arguments.device == "AUTO" else arguments.device
        seen = bench.devices()
        print("GPUs that Cycles sees: " + ("; ".join(f"{kind}: {', '.join(names)}" for kind, names in seen.items() if names) or "none"))
        kinds = kinds_to_measure(wanted, seen)
        if not kinds:
            print(NO_GPU.format("OPTIX, CUDA or HIP" if wanted == "auto" else wanted), file=sys.stderr)
            return 1
        bench.run(kinds)
    print(text_table(bench.figures))
    print(f"written to {arguments.output / 'gpu.json'} and {arguments.output / 'gpu.md'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
