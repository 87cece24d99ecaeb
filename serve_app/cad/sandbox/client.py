"""Has one CAD read by a process of its own, and turns whatever becomes of that into a mesh or a refusal."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import BinaryIO

from serve_app.base.errors import ServiceError
from serve_app.base.logs import server_event
from serve_app.cad.limits import CadLimits
from serve_app.cad.parse import ParsedCad
from serve_app.cad.read_options import WHOLE, ReadOptions
from serve_app.cad.refusals import invalid
from serve_app.cad.sandbox.process import out_of_memory
from serve_app.cad.sandbox.transfer import load_parsed

_MAX_MESSAGE_BYTES = 2000
"""Bytes kept of what the process wrote on its output and error streams."""

_WALL_SECONDS_A_CPU_SECOND = 4
"""A good CAD is not refused because the machine is busy."""

_FRUGAL = {
    # One thread: the readers gain nothing from more, and each thread's stack counts against the memory limit.
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
    # Memory of arrays is used again, not given back: fresh pages cost a large CAD as much time as reading it does.
    "MALLOC_MMAP_MAX_": "0",
}

_KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV")


async def parse_in_process(path: Path, size: int, limits: CadLimits, options: ReadOptions = WHOLE) -> ParsedCad:
    """Read a CAD.

    Args:
        path: links resolved.
        size: of the file, in bytes, for the time that it may take.
        limits: what it may cost.
        options: what is wanted of it.

    Raises:
        ServiceError: one of the ``cad_`` codes.
    """
    seconds = limits.seconds(size, path.suffix)
    # Files in memory, not pipes: nothing is copied through the event loop, however large the mesh.
    result, complaints = os.memfd_create("cad"), os.memfd_create("complaints")
    try:
        process = await asyncio.create_subprocess_exec(
            # -P: no module comes from the current folder, which may be the clients'.
            *(sys.executable, "-P", "-m", "serve_app.cad.sandbox.process", str(path)),
            *(limits.to_json(), options.to_json(), str(seconds), str(result)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=complaints,
            stderr=complaints,
            pass_fds=(result,),
            env={**_environment(), **_FRUGAL, "MALLOC_TRIM_THRESHOLD_": str(limits.memory)},
        )
        try:
            await asyncio.wait_for(process.wait(), _WALL_SECONDS_A_CPU_SECOND * seconds)
        except TimeoutError as error:
            raise _took_too_long(seconds) from error
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        said = (
            os.pread(complaints, _MAX_MESSAGE_BYTES, max(0, os.fstat(complaints).st_size - _MAX_MESSAGE_BYTES))
            .decode(errors="replace")
            .strip()
        )
        if said or process.returncode:
            server_event("warning", "a CAD's reader complained", returncode=process.returncode, text=said)
        if process.returncode:
            raise ended_without_a_result(process.returncode, seconds)
        with os.fdopen(os.dup(result), "rb") as stream:
            return await asyncio.to_thread(_from_start, stream)
    finally:
        os.close(result)
        os.close(complaints)


def _environment() -> dict[str, str]:
    """What Python needs to start, and none of the server's secrets."""
    return {name: value for name, value in os.environ.items() if name.startswith(("PYTHON", "LC_", "LD_")) or name in _KEPT}


def _from_start(stream: BinaryIO) -> ParsedCad:
    stream.seek(0)
    return load_parsed(stream)


def _took_too_long(seconds: float) -> ServiceError:
    return invalid(f"reading it took more than {seconds:.3g} s of CPU; simplify it, or have the operator raise RENDER_CAD_TIMEOUT_SEC")


def ended_without_a_result(returncode: int, seconds: float) -> ServiceError:
    """What the end of a process that wrote no result means to a client.

    Args:
        returncode: as ``subprocess`` has it.
        seconds: of CPU that it had.
    """
    if returncode == -signal.SIGXCPU:
        return _took_too_long(seconds)
    if returncode == -signal.SIGKILL:  # The kernel's, when the machine is out of memory.
        return out_of_memory()
    return invalid("it is damaged in a way that ended the process that read it; save it anew from a CAD program")
