"""Loads CADs for the service: each parsed once, in a process that may die, and kept in Ray's object store."""

from __future__ import annotations

import asyncio
import os
from collections import OrderedDict
from contextlib import AsyncExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import ray
from numpy.typing import NDArray
from ray.exceptions import ObjectStoreFullError, OutOfDiskError

from serve_app.base.errors import ServiceError
from serve_app.base.regular_file import sha256_of_regular_file
from serve_app.cad.limits import CadLimits
from serve_app.cad.mesh.geometry import bounds
from serve_app.cad.parse import ParsedCad
from serve_app.cad.references import ReferenceResolver
from serve_app.cad.sandbox.client import parse_in_process


@dataclass(frozen=True)
class LoadedCad:
    """A CAD that is ready to render.

    Attributes:
        key: SHA-256 over the CAD and all it pulls in.
        file_sha256: SHA-256 of the CAD file alone.
        mesh: Ray object reference to the ``CadMesh``.
        corners: (2, 3) float64, the bounding box of the faces in the CAD's frame.
        statistics: numbers for the log and the manifest.
        warnings: sentences for the job.
        nbytes: bytes of the mesh.
        references: SHA-256 of each file it pulled in, by reference; None for a missing one.
    """

    key: str
    file_sha256: str
    mesh: Any
    corners: NDArray[np.float64]
    statistics: dict[str, Any]
    warnings: tuple[str, ...]
    nbytes: int
    references: dict[str, str | None]


LARGE_BYTES = 16 * 1024**2
"""A CAD file above this may take long to read, and waits for its turn with others of its kind."""


class CadLoader:
    """Parses CADs and remembers them by content.

    As many CADs as there are cores are parsed at a time, and at most all but one of them large: however many large ones
    wait, the small ones go on.

    Args:
        limits: what reading one CAD may cost.
        cache_bytes: of parsed CADs that are kept.
    """

    def __init__(self, limits: CadLimits, cache_bytes: int) -> None:
        self._limits, self._cache_bytes = limits, cache_bytes
        cores = os.cpu_count() or 1
        self._digesting_large = asyncio.Semaphore(1)
        self._parsing = asyncio.Semaphore(max(2, cores))
        self._parsing_large = asyncio.Semaphore(max(1, cores - 1))
        self._loaded: OrderedDict[tuple[str, str], LoadedCad] = OrderedDict()

    async def load(self, path: Path) -> LoadedCad:
        """The CAD of a file, from memory when neither it nor anything it pulls in has changed.

        Args:
            path: links resolved.

        Raises:
            ServiceError: one of the ``cad_`` codes, or ``storage_full`` when Ray's object store takes no more.
        """
        size, known = await self._known(path)
        if known is not None:
            return known
        async with AsyncExitStack() as turns:
            if size > LARGE_BYTES:
                await turns.enter_async_context(self._parsing_large)
            await turns.enter_async_context(self._parsing)
            # Somebody else may have parsed it while this one waited for its turn.
            size, known = await self._known(path)
            if known is None:
                parsed = await parse_in_process(path, size, self._limits)
                try:
                    known = await asyncio.to_thread(_loaded, parsed)
                except (ObjectStoreFullError, OutOfDiskError) as error:
                    self._loaded.clear()  # They lie in the same memory; jobs that use one of them keep it.
                    raise _no_room_for(parsed.mesh.nbytes) from error
                self._keep((known.file_sha256, str(path)), known)
        return known

    async def _known(self, path: Path) -> tuple[int, LoadedCad | None]:
        """The size of a CAD file, and the CAD if it is in memory."""
        size = await asyncio.to_thread(size_of, path)
        async with self._digesting_large if size > LARGE_BYTES else nullcontext():
            digest = await asyncio.to_thread(self._digest, path)
        cad = self._loaded.get((digest, str(path)))
        if cad is None or not await asyncio.to_thread(self._unchanged, cad, path.parent):
            return size, None
        if (digest, str(path)) in self._loaded:
            self._loaded.move_to_end((digest, str(path)))
        return size, cad

    def _keep(self, key: tuple[str, str], cad: LoadedCad) -> None:
        self._loaded[key] = cad
        while len(self._loaded) > 1 and sum(kept.nbytes for kept in self._loaded.values()) > self._cache_bytes:
            self._loaded.popitem(last=False)

    def _digest(self, path: Path) -> str:
        try:
            return sha256_of_regular_file(path, self._limits.max_bytes)
        except (OSError, ValueError):
            return ""  # The parsing process will say what is wrong.

    def _unchanged(self, cad: LoadedCad, folder: Path) -> bool:
        return ReferenceResolver(folder, self._limits.max_bytes).digests(list(cad.references)) == cad.references


def size_of(path: Path) -> int:
    """Bytes of a file; 0 where it cannot be looked at."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _no_room_for(nbytes: int) -> ServiceError:
    return ServiceError(
        "storage_full",
        f"the server's shared memory has no room for this CAD, which takes {nbytes / 2**20:.0f} MiB when it is read; send the request "
        "again when fewer jobs run, simplify the CAD, or have the operator enlarge /dev/shm or lower RENDER_CAD_CACHE_BYTES",
        retry_after_sec=60,
    )


def _loaded(parsed: ParsedCad) -> LoadedCad:
    mesh = parsed.mesh
    corners = np.array(bounds(mesh.vertices))
    statistics = {
        "vertices": len(mesh.vertices),
        "faces": len(mesh.faces),
        "bounds": corners.tolist(),
        "normals": mesh.corner_normals is not None,
        "vertex_colors": mesh.vertex_colors is not None,
        "materials": len(mesh.materials),
        "textures": len(mesh.textures),
    }
    return LoadedCad(mesh.key, parsed.file_sha256, ray.put(mesh), corners, statistics, parsed.warnings, mesh.nbytes, parsed.references)
