"""``make bench``: the whole table in one run; exit code 1 when a bound is missed."""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np

from bench import memory, scheduler
from bench.cad_rows import error_figures, speed_figures
from bench.child import Child
from bench.converged import ConvergedImages
from bench.figures import Figure, as_json, markdown_table, spread, text_table
from bench.picture import AMPLIFIED, write_picture
from bench.quality_cads import KINDS, write
from bench.quality_case import QualityCase
from bench.server import BenchServer, Cost
from bench.truth import EXAMPLE, REFERENCE, VIEWS, Truth, own_truth, read_rgb, read_view, reference_truth
from render_actor.contract.cameras import camera_poses
from render_actor.contract.scene import sampling_for

CORES = 2
CONVERGED_SAMPLES = 1024
PICTURE_VIEW = 9
CACHE_BYTES = 2**30
ERROR_SAMPLES = 128
"""As `make quality` has them by default: both find the renders that tell the true error."""


def say(words: str) -> None:
    """Tell what is being done."""
    print(f"{time.strftime('%H:%M:%S')} {words}", file=sys.stderr, flush=True)


_MORE = 3
"""Times the samples of the job that, with a normal one, tells what sampling costs."""


class Bench:
    """One run.

    Args:
        folder: for all files.
        quick: six views and few repetitions instead of all.
        num_gpus: GPUs of each renderer; 0 for the CPU.
        picture: where to write the picture, or None for none.
        beside: CAD of the set for `make quality` that is measured, too.
    """

    def __init__(self, folder: Path, *, quick: bool, num_gpus: float, picture: Path | None, beside: str) -> None:
        self._folder, self._quick, self._num_gpus, self._picture = folder, quick, num_gpus, picture
        self._beside = beside
        self._cad = REFERENCE / "obj_000005.ply" if REFERENCE.exists() else EXAMPLE
        self._views = VIEWS if quick else tuple(range(42))
        self._poses = folder / "views.npy"
        self._six = folder / "six_views.npy"
        np.save(self._poses, camera_poses(0)[list(self._views)])
        np.save(self._six, camera_poses(0)[list(VIEWS)])
        self._figures: list[Figure] = []
        self.device = ""

    def run(self) -> list[Figure]:
        """All figures."""
        walls = self._two_renderers()
        self._one_renderer(walls)
        self._many_jobs()
        say("scheduler")
        busy = scheduler.busy_percent()
        stub = f"{scheduler.RENDERERS} stubs of {scheduler.SECONDS_A_VIEW * 1000:.0f} ms a view, {scheduler.JOBS} jobs of {scheduler.VIEWS}"
        self._add("scheduler, renderers busy", "ideal", busy, "%", 90, 97, detail=stub)
        return self._figures

    def _add(self, name: str, against: str, value: float, unit: str, bound: float | None, aim: float | None, **more: str) -> None:
        figure = Figure(name, against, value, unit, bound, aim, **more)  # type: ignore[arg-type]
        self._figures.append(figure)
        say("  ".join(figure.cells()))

    def _job(self, server: BenchServer, name: str, **options: object) -> Cost:
        return server.render(self._cad, name, camera_poses_path=str(self._poses), **options)

    def _one_renderer(self, two_renderers: list[float]) -> None:
        """What the second renderer brings.

        Args:
            two_renderers: wall seconds of the same job on two.
        """
        say("server with one renderer: jobs")
        with BenchServer(self._folder / "one", self._cad.parent, 1, self._num_gpus, 0) as server:
            self._job(server, "warm", resolution=64)
            one = [self._job(server, f"job{turn}").wall for turn in range(1 if self._quick else 2)]
        speedup = statistics.median(one) / statistics.median(two_renderers)
        detail = f"{spread(one)} against {spread(two_renderers)}"
        self._add("two one-thread renderers", "one", speedup, "x", 1.85, 1.95, detail=detail)

    def _many_jobs(self) -> None:
        """The rows that want a server that has done many jobs, and one with a cache."""
        say("server with a cache: memory")
        with BenchServer(self._folder / "many", self._cad.parent, 1, self._num_gpus, CACHE_BYTES) as server:
            late = 30 if self._quick else memory.LATE
            growth, detail = memory.growth_percent(server, late)
            self._add(f"memory of a renderer after {late} jobs", "after 10 jobs", growth, "%", 10, 0, better="less", detail=detail)
            say("server with a cache: a repeated request")
            self._job(server, "first")
            again = [self._job(server, f"again{index}") for index in range(5)]
            hits = sum(bool(cost.job.get("cached")) for cost in again)
            milliseconds = [1000 * cost.wall for cost in again]
            self._add(
                "a repeated request",
                "rendering it",
                statistics.median(milliseconds),
                "ms",
                150,
                50,
                better="less",
                detail=f"{spread(milliseconds, 'ms')}, {hits} of {len(again)} from the cache, {len(self._views)} x 3 files published",
            )

    def _two_renderers(self) -> list[float]:
        """The rows that hold a server with two renderers against the stock procedure, view and job in turn.

        Returns:
            Wall seconds of its jobs of standard quality.
        """
        stock_views = [VIEWS[index % len(VIEWS)] for index in range(2 if self._quick else 6)]
        output = self._folder / "alone"
        with BenchServer(self._folder / "two", self._cad.parent, 2, self._num_gpus, 0) as server:
            self.device = next(renderer["device"] for renderer in server.renderers())
            self._job(server, "warm", resolution=64)
            stock, standard, draft, reference = [], [], [], []
            with Child("bench.stock", self._cad, output, self._num_gpus) as child:
                for turn, view in enumerate(stock_views):
                    say(f"stock view {turn + 1} of {len(stock_views)}, then jobs")
                    stock.append(child.ask(str(view)))
                    if turn < (1 if self._quick else 3):
                        standard.append(self._job(server, "standard"))
                        draft.append(self._job(server, "draft", quality="draft"))
                    if turn == 0:
                        reference.append(server.render(self._cad, "reference", quality="reference", camera_poses_path=str(self._six)))
            self._against_stock(stock, standard, draft, reference)
            self._overhead(server)
            self._qualities(server, sorted(set(stock_views)))
            if self._picture is not None:
                self._draw(server, self._picture)
        return [cost.wall for cost in standard]

    def _overhead(self, server: BenchServer) -> None:
        """What of a job is no sampling: the job with its samples, and with more of them, tell what a sample costs."""
        say("what sampling alone costs")
        few = sampling_for("standard").samples
        costs: dict[int, list[float]] = {few: [], _MORE * few: []}
        for turn in range(2):
            for samples, found in costs.items():
                found.append(self._job(server, f"samples{samples}-{turn}", samples=samples).cpu)
        least = {samples: min(found) for samples, found in costs.items()}
        sampling = (least[_MORE * few] - least[few]) / (_MORE - 1)
        share = 100 * (1 - sampling / least[few])
        detail = f"{least[few]:.3g} CPU s of a job of {len(self._views)} views, {sampling:.3g} of them its {few} samples a pixel"
        self._add("overhead: CPU of a job that is not sampling", "the job", share, "%", 25, 10, better="less", detail=detail)

    def _against_stock(self, stock: list[dict[str, float]], standard: list[Cost], draft: list[Cost], reference: list[Cost]) -> None:
        stock_cpu, stock_wall = ([view[name] for view in stock] for name in ("cpu", "wall"))
        cpu = statistics.median(stock_cpu)
        for name, costs, bound, aim in (
            ("CPU s a view, standard", standard, 10, 15),
            ("CPU s a view, draft", draft, 20, 40),
            ("CPU s a view, reference", reference, 2.5, None),
        ):
            ours = [cost.cpu / cost.views for cost in costs]
            detail = f"{spread(ours)} against {spread(stock_cpu)}"
            self._add(name, "stock procedure", cpu / statistics.median(ours), "x", bound, aim, detail=detail)
        walls = [cost.wall for cost in standard]
        whole = statistics.median(stock_wall) * standard[0].views
        detail = f"{spread(walls)} for {standard[0].views} views against {standard[0].views} x {spread(stock_wall)}"
        self._add("wall s of a job, two renderers", "stock, same cores", whole / statistics.median(walls), "x", 10, 15, detail=detail)
        gpu = self.device != "CPU"
        self._add(
            "seconds for 42 templates",
            self.device,
            statistics.median(walls) * 42 / standard[0].views,
            "s",
            None,
            3 if gpu else None,
            better="less",
            detail="warm, through HTTP" if gpu else "no GPU is at hand: on the CPU, warm, through HTTP",
        )

    def _qualities(self, server: BenchServer, views: list[int]) -> None:
        """Errors of each quality, and beside them those and the cost on a CAD that is harder."""
        converged = ConvergedImages(Path("output/quality/converged").resolve(), ERROR_SAMPLES, 512, self._num_gpus)
        case = QualityCase(server, self._folder, views, 512, self._num_gpus)
        for cad in (self._cad, write(self._beside, self._folder / "set")):
            say(f"errors of {cad.stem}")
            truth = converged.of(cad, views)
            result = case.measure(cad.stem, cad, truth)
            for figure in error_figures(result) if cad is self._cad else [*speed_figures(result), *error_figures(result)]:
                self._figures.append(figure)
                say("  ".join(figure.cells()))
            if cad is self._cad:
                images = {view: truth[view].mean.round().astype(np.uint8) for view in views}
                ours = own_truth(cad, images, self._folder / "stock" / cad.stem)
                self._masks_and_coordinates(reference_truth() if REFERENCE.exists() else ours)

    def _masks_and_coordinates(self, truth: Truth) -> None:
        """What does not depend on the quality, and the largest error of a pixel."""
        found = truth.distances(self._folder / "two" / "standard" / "templates", {view: self._views.index(view) for view in truth.views})
        if REFERENCE.exists():
            worst = max(one.worst for one in found)
            self._add("standard: worst pixel away from silhouettes", "converged", worst, "of 255", 12, None, better="less")
        self._add("mask IoU, worst view", "stock", min(one.iou for one in found), "", 0.995, 0.999)
        self._add("xyz error, 99th percentile", "stock", max(one.xyz_p99 for one in found), "mm", 0.5, None, better="less")

    def _draw(self, server: BenchServer, target: Path) -> None:
        """The qualities of one view of an example, side by side."""
        say("picture")
        folder = self._folder / "two" / "picture"
        with Child("bench.stock", EXAMPLE, folder, self._num_gpus) as child:
            child.ask(str(PICTURE_VIEW))
        with Child("bench.probe", EXAMPLE, folder, self._num_gpus) as child:
            child.ask(f"converged {PICTURE_VIEW} {CONVERGED_SAMPLES} 1")
        poses = folder / "view.npy"
        np.save(poses, camera_poses(0)[[PICTURE_VIEW]])
        shutil.copy(EXAMPLE, folder)
        images = {"stock": read_view(folder, PICTURE_VIEW).rgb}
        for quality in ("standard", "draft"):
            server.render(folder / EXAMPLE.name, f"picture/{quality}", quality=quality, camera_poses_path=str(poses))
            images[quality] = read_rgb(folder / quality / "templates" / "rgb_0.png")
        images[f"converged (below: x{AMPLIFIED})"] = read_rgb(folder / f"converged_{PICTURE_VIEW}.png")
        write_picture(images, read_view(folder, PICTURE_VIEW).mask, target)


def main() -> int:
    """Run, print, write; 1 when a bound is missed."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="six views and few repetitions: about three minutes on two cores")
    parser.add_argument("--gpus", type=float, default=0.0, help="GPUs, or a fraction of one, of each renderer; 0 renders on the CPU")
    parser.add_argument("--output", type=Path, default=Path("output/bench"), help="folder for the table as JSON and as markdown")
    parser.add_argument("--picture", type=Path, help="also draw the qualities side by side into this PNG")
    parser.add_argument("--beside", choices=KINDS, default="assembly", help="the CAD of `make quality` that is measured, too")
    arguments = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))[:CORES]
    os.sched_setaffinity(0, cores)  # Stock and ours run on the same cores, and so does every process they start.
    machine = {
        "cores": len(cores),
        "cpu": next(
            (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
            platform.machine(),
        ),
        "load_before": round(os.getloadavg()[0], 2),
        "versions": {name: version(name) for name in ("ray", "bpy", "blenderproc")},
        "quick": arguments.quick,
    }
    with tempfile.TemporaryDirectory(prefix="render-server-bench-") as folder:
        bench = Bench(Path(folder), quick=arguments.quick, num_gpus=arguments.gpus, picture=arguments.picture, beside=arguments.beside)
        figures = bench.run()
    arguments.output.mkdir(parents=True, exist_ok=True)
    machine["device"] = bench.device
    (arguments.output / "bench.json").write_text(as_json(figures, machine) + "\n")
    (arguments.output / "bench.md").write_text(markdown_table(figures) + "\n")
    print(text_table(figures))
    missed = [figure.name for figure in figures if not figure.ok]
    print(
        f"{len(missed)} of {len(figures)} figures outside their bounds: {', '.join(missed)}"
        if missed
        else "all figures within their bounds"
    )
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())
