"""``python -m bench.client_tasks [CAD]``: what a user waits for, in seconds, from a CAD that the server does not see.

A server with two renderers is started; each quality is asked for once, with an empty cache, and once more, with all views there already.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path

from bench.server import BenchServer
from render_server_client import Client

_CAD = Path(__file__).parents[1] / "examples" / "bracket.step"
_CACHE_BYTES = 1024**3


def main() -> None:
    """Print a line for each task."""
    cad = Path(sys.argv[1]) if len(sys.argv) > 1 else _CAD
    with tempfile.TemporaryDirectory() as scratch, tempfile.TemporaryDirectory() as other:
        folder, far = Path(scratch), Path(other) / cad.name
        shutil.copy(cad, far)
        with BenchServer(folder / "server", folder / "none", 2, 0, _CACHE_BYTES) as server, Client(server.url) as client:
            client.wait(client.submit(far, resolution=64, samples=1, level=0))  # What every first job of a server pays.
            print(f"{cad.name}, 42 views of 512 x 512, in seconds\n{'':24}accepted  first view  all views  zip unpacked  numpy")
            for quality in ("draft", "standard", "standard"):
                print(f"{quality:24}" + _told(client, far, far.parent / "out", quality))


def _told(client: Client, cad: Path, out: Path, quality: str) -> str:
    began = time.monotonic()
    job = client.submit(cad, quality=quality)
    accepted, first = time.monotonic() - began, 0.0
    for event in client.events(job):
        first = first or (time.monotonic() - began if event.kind == "view" else 0.0)
    ended = time.monotonic() - began
    client.download(job, out)
    unpacked = time.monotonic() - began
    again = time.monotonic()
    client.templates(job)
    arrays = ended + time.monotonic() - again
    return f"{accepted:8.2f}  {first:10.2f}  {ended:9.2f}  {unpacked:12.2f}  {arrays:5.2f}"


if __name__ == "__main__":
    main()
