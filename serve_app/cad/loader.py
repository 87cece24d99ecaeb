"""Loads CADs for the service: each parsed once, in a process that may die, and kept in Ray's object store."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import ray
from numpy.typing import NDArray
from ray.exceptions import ObjectStoreFullError, OutOfDiskError

from render_actor.contract.types import CadMesh
from serve_app.base.errors import ServiceError
from serve_app.base.file_digests import FileDigests, NotRememberedError
from serve_app.cad.limits import CadLimits
from serve_app.cad.mesh.geometry import bounds
from serve_app.cad.mesh.parts import CadPart, FaceRun
from serve_app.cad.parse import ParsedCad
from serve_app.cad.read_options import WHOLE, ReadOptions
from serve_app.cad.references import ReferenceResolver
from serve_app.cad.sandbox.client import parse_in_process
from serve_app.cad.units import Unit

Parse = Callable[[Path, int, CadLimits, ReadOptions], Awaitable[ParsedCad]]


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
        unit: of the file, or None where its format has none.
        parts: all its named parts, rendered or not; empty where it names none.
        diameter: largest distance of two of its vertices, in its own unit.
        face_runs: which faces of its mesh are which part's.
    """

    key: str
    file_sha256: str
    mesh: Any
    corners: NDArray[np.float64]
    statistics: dict[str, Any]
    warnings: tuple[str, ...]
    nbytes: int
    references: dict[str, str | None]
    unit: Unit | None = None
    parts: tuple[CadPart, ...] = ()
    diameter: float = 0.0
    face_runs: tuple[FaceRun, ...] = ()


LARGE_BYTES = 16 * 1024**2
"""A CAD file above this may take long to read."""

MAX_CADS_READ = max(2, os.cpu_count() or 1)
"""CADs that are read at a time, one a core; the others wait for a slot."""

MAX_LARGE_CADS_READ = MAX_CADS_READ - 1
"""How many of these may be large: one slot is always left to small CADs, however many large ones wait."""


@dataclass(frozen=True)
class _Kept:
    """A CAD in memory; ``size`` is that of its file when the reading began, ``began`` tells when that was, in the order of the loader."""

    cad: LoadedCad
    size: int
    began: int


_Wanted = tuple[Path, ReadOptions]
"""A file, and what is wanted of it."""


class CadLoader:
    """Reads CADs and keeps them ready.

    At most ``MAX_CADS_READ`` CADs are read at a time, ``MAX_LARGE_CADS_READ`` of them larger than ``LARGE_BYTES``. A client sees no
    refusal from this: its job waits, as running, until a slot is free. A CAD that is in memory and whose files have not changed
    since they were last read needs no slot.

    A request costs one reading of the CAD's file: by the parsing process, which also hashes what it reads, or to find out that the
    CAD in memory is still that of the file. Only a file that was replaced by another of the same size is read for both.

    Args:
        limits: what reading one CAD may cost.
        cache_bytes: of parsed CADs that are kept.
        digests: of files.
        parse: reads one CAD, given its path, its size, the limits and what is wanted of it.
        put: stores a mesh and gives a reference to it.
    """

    def __init__(
        self,
        limits: CadLimits,
        cache_bytes: int,
        digests: FileDigests,
        *,
        parse: Parse = parse_in_process,
        put: Callable[[CadMesh], Any] = ray.put,
    ) -> None:
        self._limits, self._cache_bytes, self._digests, self._parse, self._put = limits, cache_bytes, digests, parse, put
        self._slots, self._large_slots = asyncio.Semaphore(MAX_CADS_READ), asyncio.Semaphore(MAX_LARGE_CADS_READ)
        self._order = itertools.count()
        self._kept: OrderedDict[_Wanted, _Kept] = OrderedDict()

    async def load(self, path: Path, options: ReadOptions = WHOLE) -> LoadedCad:
        """The CAD of a file, from memory when neither it nor anything it pulls in has changed.

        Args:
            path: links resolved.
            options: what is wanted of it.

        Raises:
            ServiceError: one of the ``cad_`` codes, or ``storage_full`` when Ray's object store takes no more.
        """
        came = next(self._order)
        wanted = (path, options.that_matter_to(path.suffix))
        kept = self._kept.get(wanted)
        if kept is not None and await asyncio.to_thread(self._is_current, kept, path, self._digests.remembered):
            return self._used(wanted, kept)
        async with AsyncExitStack() as slots:
            if await asyncio.to_thread(size_of, path) > LARGE_BYTES:
                await slots.enter_async_context(self._large_slots)
            await slots.enter_async_context(self._slots)
            kept = self._kept.get(wanted)
            # One that somebody else began to read since this request came is new enough for it.
            if kept is not None and (kept.began > came or await asyncio.to_thread(self._is_current, kept, path, self._digests.sha256)):
                return self._used(wanted, kept)
            began, size = next(self._order), await asyncio.to_thread(size_of, path)
            parsed = await self._parse(path, size, self._limits, wanted[1])
            try:
                cad = await asyncio.to_thread(_loaded, parsed, self._put)
            except (ObjectStoreFullError, OutOfDiskError) as error:
                self._kept.clear()  # They lie in the same memory; jobs that use one of them keep it.
                raise _no_room_for(parsed.mesh.nbytes) from error
            return self._used(wanted, _Kept(cad, size, began))

    def _is_current(self, kept: _Kept, path: Path, sha256: Callable[[Path, int], str]) -> bool:
        """Whether a CAD in memory is that of its files as they are now."""
        limit = self._limits.max_bytes
        try:
            if size_of(path) != kept.size or sha256(path, limit) != kept.cad.file_sha256:
                return False
            return ReferenceResolver(path.parent, limit).digests(list(kept.cad.references), sha256) == kept.cad.references
        except (OSError, ValueError, NotRememberedError):
            return False  # The parsing process will say what is wrong.

    def _used(self, wanted: _Wanted, kept: _Kept) -> LoadedCad:
        """Keep a CAD as the one used last; those used longest ago go."""
        self._kept[wanted] = kept
        self._kept.move_to_end(wanted)
        while len(self._kept) > 1 and sum(other.cad.nbytes for other in self._kept.values()) > self._cache_bytes:
            self._kept.popitem(last=False)
        return kept.cad


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


def _loaded(parsed: ParsedCad, put: Callable[[CadMesh], Any]) -> LoadedCad:
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
    return LoadedCad(
        mesh.key,
        parsed.file_sha256,
        put(mesh),
        corners,
        statistics,
        parsed.warnings,
        mesh.nbytes,
        parsed.references,
        parsed.unit,
        parsed.parts,
        parsed.diameter,
        parsed.face_runs,
    )
