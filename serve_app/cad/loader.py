"""Loads CADs for the service: each parsed once, in a process that may die, and kept in Ray's object store."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import ray
from numpy.typing import NDArray

from serve_app.cad.folder_resolver import FolderResolver, read_regular_file
from serve_app.cad.parse import ParsedCad
from serve_app.cad.transfer import load_parsed
from serve_app.errors import ServiceError
from serve_app.settings import Settings


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


class CadLoader:
    """Parses CADs and remembers them by content.

    Args:
        settings: limits of the parsing process and of the memory.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._parsing = asyncio.Semaphore(os.cpu_count() or 1)
        self._loaded: OrderedDict[tuple[str, str], LoadedCad] = OrderedDict()

    async def load(self, path: Path) -> LoadedCad:
        """The CAD of a file, from memory when neither it nor anything it pulls in has changed.

        Args:
            path: links resolved.

        Raises:
            ServiceError: one of the ``cad_`` codes.
        """
        digest = await asyncio.to_thread(self._digest, path)
        known = await self._known(digest, path)
        if known is None:
            async with self._parsing:
                # Somebody else may have parsed it while this one waited for its turn.
                known = await self._known(digest, path)
                if known is None:
                    known = await asyncio.to_thread(_loaded, await self._parse(path), digest)
                    self._keep((digest, str(path)), known)
        return known

    async def _known(self, digest: str, path: Path) -> LoadedCad | None:
        cad = self._loaded.get((digest, str(path)))
        if cad is None or not await asyncio.to_thread(self._unchanged, cad, path.parent):
            return None
        self._loaded[digest, str(path)] = cad
        self._loaded.move_to_end((digest, str(path)))
        return cad

    def _keep(self, key: tuple[str, str], cad: LoadedCad) -> None:
        self._loaded[key] = cad
        while len(self._loaded) > 1 and sum(kept.nbytes for kept in self._loaded.values()) > self._settings.cad_cache_bytes:
            self._loaded.popitem(last=False)

    def _digest(self, path: Path) -> str:
        try:
            return hashlib.sha256(read_regular_file(path, self._settings.max_cad_bytes)).hexdigest()
        except (OSError, ValueError):
            return ""  # The parsing process will say what is wrong.

    def _unchanged(self, cad: LoadedCad, folder: Path) -> bool:
        resolver = FolderResolver(folder, self._settings.max_cad_bytes)
        for reference in cad.references:
            try:
                resolver.get(reference)
            except FileNotFoundError:
                continue
        return resolver.used == cad.references

    async def _parse(self, path: Path) -> ParsedCad:
        limits = (str(self._settings.max_cad_bytes), str(self._settings.cad_memory_bytes))
        # One thread: the parsers gain nothing from more, and each thread's stack counts against the memory limit.
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "serve_app.cad.parse_process", str(path), *limits),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment,
        )
        try:
            blob, complaints = await asyncio.wait_for(process.communicate(), self._settings.cad_timeout_sec)
        except TimeoutError as error:
            raise ServiceError(
                "cad_invalid",
                f"CAD file not found or invalid format: parsing took longer than {self._settings.cad_timeout_sec:g} s; "
                "simplify the CAD, or raise RENDER_CAD_TIMEOUT_SEC",
                "cad_path",
            ) from error
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0 or not blob:
            last = complaints.decode(errors="replace").strip().splitlines()[-1:] or ["no message"]
            raise ServiceError(
                "cad_invalid",
                f"CAD file not found or invalid format: its parser ended with code {process.returncode} ({last[0]})",
                "cad_path",
            )
        return await asyncio.to_thread(load_parsed, blob)


def _loaded(parsed: ParsedCad, digest: str) -> LoadedCad:
    mesh = parsed.mesh
    corners = np.array([mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)])
    statistics = {
        "vertices": len(mesh.vertices),
        "faces": len(mesh.faces),
        "bounds": corners.tolist(),
        "normals": mesh.corner_normals is not None,
        "vertex_colors": mesh.vertex_colors is not None,
        "materials": len(mesh.materials),
        "textures": len(mesh.textures),
    }
    return LoadedCad(mesh.key, digest, ray.put(mesh), corners, statistics, parsed.warnings, mesh.nbytes, parsed.references)
