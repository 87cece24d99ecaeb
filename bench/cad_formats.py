"""What reading CADs costs: ``python -m bench.cad_formats FILE...`` reads each in a process of its own, as the server does."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from serve_app.base.errors import ServiceError
from serve_app.base.settings import Settings
from serve_app.cad.limits import CadLimits
from serve_app.cad.read_options import ReadOptions
from serve_app.cad.sandbox import process
from serve_app.cad.sandbox.transfer import load_parsed


def measured(path: Path, limits: CadLimits, options: ReadOptions) -> str:
    """One line of a table: what came of a file, and what it took."""
    result = os.memfd_create("cad")
    arguments = [str(path), limits.to_json(), options.to_json(), str(limits.seconds(path.stat().st_size, path.suffix)), str(result)]
    child = os.fork()
    if not child:
        process.main(arguments)
        os._exit(0)
    _, status, usage = os.wait4(child, 0)
    cost = f"{path.stat().st_size / 2**20:.2f} | {usage.ru_utime + usage.ru_stime:.2f} | {usage.ru_maxrss / 1024:.0f}"
    if status:
        return f"| {path.name} | ended with status {os.waitstatus_to_exitcode(status)} | {cost} |"
    with os.fdopen(result, "rb") as stream:
        stream.seek(0)
        try:
            parsed = load_parsed(stream)
        except ServiceError as error:
            return f"| {path.name} | {error.detail} | {cost} |"
    what = f"{len(parsed.mesh.faces)} faces, {len(parsed.parts)} parts, {parsed.unit or 'no unit'}, {len(parsed.warnings)} warnings"
    return f"| {path.name} | {what} | {cost} |"


def main() -> None:
    """Measure the files that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE")
    parser.add_argument("--pixels", type=int, default=475, help="that the CAD's diameter covers at most (475: a usual request)")
    chosen = parser.parse_args()
    limits = CadLimits.from_settings(Settings())
    print("| file | what it holds | MiB | CPU s | peak MiB |\n|---|---|---|---|---|")
    for path in chosen.files:
        sys.stdout.flush()
        print(measured(path.resolve(), limits, ReadOptions(pixels_across=chosen.pixels)))


if __name__ == "__main__":
    main()
