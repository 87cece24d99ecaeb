"""``make quality``: the error and the cost of every quality on CADs of many kinds; exit code 1 when a bound is missed."""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from bench.converged import ConvergedImages
from bench.figures import markdown_table, text_table
from bench.promise import CadResult
from bench.quality_cads import KINDS, reference_cads, write
from bench.quality_case import QualityCase, Truths
from bench.quality_report import as_json, as_markdown, as_text, figures, rows
from bench.server import BenchServer
from bench.truth import REFERENCE, VIEWS

_CORES = 2
_QUICK = ("drilled_block", "label_bottle", "fine_gear")


def say(words: str) -> None:
    """Tell what is being done."""
    print(f"{time.strftime('%H:%M:%S')} {words}", file=sys.stderr, flush=True)


def _cads(names: Sequence[str], folder: Path) -> dict[str, Path]:
    """The files of CADs by name; those of the set are written first."""
    beside = reference_cads()
    unknown = [name for name in names if name not in KINDS and name not in beside]
    if unknown:
        raise SystemExit(f"no CAD {', '.join(unknown)}; there are {', '.join([*KINDS, *beside])}")
    folder.mkdir(parents=True, exist_ok=True)
    return {name: write(name, folder) if name in KINDS else _lower_case(beside[name], folder) for name in names}


def _lower_case(cad: Path, folder: Path) -> Path:
    """A CAD whose name ends as the stock procedure wants it: of .STL or .PLY it loads nothing, and says nothing."""
    if cad.suffix == cad.suffix.lower():
        return cad
    return Path(shutil.copy(cad, folder / (cad.stem + cad.suffix.lower())))


def _measure(arguments: argparse.Namespace, cads: dict[str, Path], folder: Path) -> list[CadResult]:
    views, num_gpus = VIEWS[: arguments.views], arguments.gpus
    converged = ConvergedImages(arguments.output / "converged", arguments.samples, arguments.resolution, num_gpus)
    results, images = dict[str, CadResult](), dict[str, Truths]()
    for number, (name, cad) in enumerate(cads.items(), start=1):
        say(f"converged images of {name}, {number} of {len(cads)}")
        try:
            images[name] = converged.of(cad, views)
        except (RuntimeError, ValueError, OSError) as error:
            results[name] = CadResult(name, failure=f"converged images: {error}")
    if arguments.converged:
        return list(results.values())
    # Nothing else runs on these cores from here on.
    roots = {"RENDER_INPUT_ROOTS": f"{folder}:{REFERENCE.parent}"}
    with BenchServer(folder / "server", folder, _CORES, num_gpus, 0, roots) as server:
        case = QualityCase(server, folder, views, arguments.resolution, num_gpus)
        for number, (name, found) in enumerate(images.items(), start=1):
            say(f"stock procedure and jobs of {name}, {number} of {len(images)}")
            try:
                results[name] = case.measure(name, cads[name], found)
            except (RuntimeError, OSError) as error:
                results[name] = CadResult(name, failure=str(error))
            say("\n" + as_text(rows([results[name]])))
    return [results[name] for name in cads]


def main() -> int:
    """Run, print, write; 1 when a bound is missed or a CAD could not be measured."""
    parser = argparse.ArgumentParser(prog="quality", description=__doc__)
    parser.add_argument("--cads", help="names, with commas; left out, the whole set and what lies beside the project")
    parser.add_argument("--views", type=int, default=4, choices=range(1, len(VIEWS) + 1), help=f"the first so many of {VIEWS}")
    parser.add_argument("--resolution", type=int, default=512, help="width and height of all images")
    parser.add_argument("--samples", type=int, default=128, help="of a pixel, to tell the true error; more where the object is small")
    parser.add_argument("--quick", action="store_true", help="three small CADs, two views, 256 pixels")
    parser.add_argument("--converged", action="store_true", help="only render the converged images; the next run finds them")
    parser.add_argument("--gpus", type=float, default=0.0, help="GPUs, or a fraction of one, of each renderer; 0 renders on the CPU")
    parser.add_argument("--output", type=Path, default=Path("output/quality"), help="folder for the tables and the converged images")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.views, arguments.resolution = 2, 256
    every = [*_QUICK] if arguments.quick else [*KINDS, *reference_cads()]
    names = arguments.cads.split(",") if arguments.cads else every
    cores = sorted(os.sched_getaffinity(0))[:_CORES]
    os.sched_setaffinity(0, cores)  # Stock and ours run on the same cores, and so does every process they start.
    arguments.output.mkdir(parents=True, exist_ok=True)
    arguments.output = arguments.output.resolve()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="render-server-quality-") as folder:
        results = _measure(arguments, _cads(names, Path(folder) / "cads"), Path(folder))
    if arguments.converged:
        for result in results:
            print(f"{result.name}: {result.failure}")
        return bool(results)
    whole, table = figures(results), rows(results)
    machine = {
        "cores": len(cores),
        "cpu": platform.processor() or platform.machine(),
        "load": round(os.getloadavg()[0], 2),
        "versions": {name: version(name) for name in ("ray", "bpy", "blenderproc")},
        "views": VIEWS[: arguments.views],
        "resolution": arguments.resolution,
        "samples": arguments.samples,
        "seconds": round(time.monotonic() - began),
    }
    (arguments.output / "quality.json").write_text(as_json(results, whole, machine) + "\n")
    (arguments.output / "quality.md").write_text(f"{as_markdown(table)}\n\n{markdown_table(whole)}\n")
    print(as_text(table), text_table(whole), sep="\n\n")
    faults = sum(bool(result.faults()) for result in results)
    missed = [figure.name for figure in whole if not figure.ok]
    print(f"{faults} of {len(results)} CADs with faults; figures outside their bounds: {', '.join(missed) or 'none'}")
    return bool(faults or missed)


if __name__ == "__main__":
    sys.exit(main())
