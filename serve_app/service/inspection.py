"""Looks at a CAD for a client, without making a job of it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from serve_app.base.errors import ServiceError
from serve_app.cad.loader import MAX_CADS_READ, CadLoader, LoadedCad
from serve_app.cad.preview import Preview, preview_of
from serve_app.cad.read_options import ReadOptions
from serve_app.cad.report import cad_report, cad_warnings, part_reports
from serve_app.cad.size import AskedUnit, unit_used
from serve_app.jobs.cad_choice import CadChoice
from serve_app.jobs.job import is_in_mm
from serve_app.jobs.quarantine import Quarantine
from serve_app.service.cad_files import CadFiles
from serve_app.templates.layouts.sam6d import MODEL

MAX_INSPECTED = max(1, MAX_CADS_READ // 2)
"""CADs that are inspected at a time: the other places of the loader are left to jobs."""

MAX_WAITING = 16
"""Inspections that wait for a place; each holds one of the ingress's places for requests."""

MAX_PARTS = 1000
"""Parts that an inspection lists; it says how many there are."""

_RETRY_SEC = 5


class CadInspection:
    """Reads CADs as jobs do: from the same folders, by the same process under the same limits, in some of the loader's places.

    Args:
        cads: the way to the files that clients name or have uploaded.
        loader: reads CADs; one that was inspected is ready for the job that follows.
        quarantine: CADs that are refused.
    """

    def __init__(self, cads: CadFiles, loader: CadLoader, quarantine: Quarantine) -> None:
        self._cads, self._loader, self._quarantine = cads, loader, quarantine
        self._places, self._here = asyncio.Semaphore(MAX_INSPECTED), 0

    async def inspect(self, choice: CadChoice, unit: AskedUnit, options: ReadOptions) -> dict[str, Any]:
        """What a CAD is, and what a job would make of it.

        Args:
            choice: says which CAD.
            unit: as a render request says it.
            options: what is wanted of the CAD.

        Returns:
            As ``cad_report``, with ``sha256`` of the file, ``parts`` as ``part_reports`` gives them, and ``assumed`` and ``warnings``,
            which are sentences.

        Raises:
            ServiceError: one of the ``cad_`` codes, as for a job; or ``too_many_waiting``.
        """
        path, cad = await self.load(choice, options)
        return {
            **cad_report(cad, path, unit),
            "sha256": cad.file_sha256,
            "parts": part_reports(cad, unit, MAX_PARTS),
            "assumed": _assumed(cad, path, unit),
            "warnings": cad_warnings(cad, unit),
        }

    async def preview(self, choice: CadChoice, unit: AskedUnit, options: ReadOptions) -> Preview:
        """A small mesh of a CAD, in mm; arguments and errors as of ``inspect``."""
        _, cad = await self.load(choice, options)
        names = tuple(part.name for part in cad.parts)
        mesh, mm = await cad.mesh, unit_used(cad.unit, unit).mm
        async with self._places:
            return await asyncio.to_thread(preview_of, mesh, mm, names, cad.face_runs)

    async def load(self, choice: CadChoice, options: ReadOptions) -> tuple[Path, LoadedCad]:
        """The file and the CAD in it; arguments and errors as of ``inspect``."""
        if self._here >= MAX_INSPECTED + MAX_WAITING:
            raise ServiceError(
                "too_many_waiting",
                f"{self._here} CADs are being inspected or wait for that already; try again in {_RETRY_SEC} s",
                retry_after_sec=_RETRY_SEC,
            )
        self._here += 1
        try:
            path, _ = await asyncio.to_thread(self._cads.path, choice)
            async with self._places:
                cad = await self._loader.load(path, options)
        finally:
            self._here -= 1
        self._quarantine.check(cad.file_sha256)
        return path, cad


def _assumed(cad: LoadedCad, path: Path, unit: AskedUnit) -> list[str]:
    """What a job with no further options would take for granted."""
    assumed = []
    if cad.unit is None and unit == "auto":
        assumed.append(f"its unit is mm: a {path.suffix.lower()} file says none")
    if is_in_mm(path, unit):
        assumed.append("ISM and PEM are given this file: they read it, and it is in mm")
    else:
        assumed.append(f"ISM and PEM are given {MODEL}, the same mesh in mm, which a job writes into its output_dir")
    return assumed
