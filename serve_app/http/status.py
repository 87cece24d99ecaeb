"""``GET /api/v1/status``: the server, its renderers and its machine."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import psutil

from render_actor.contract.types import RendererStatus
from serve_app.http.responses import CacheInfo, ErrorBody, KeptFiles, MachineInfo, RendererInfo, ServerStatus, UploadsInfo
from serve_app.service.kept_results import KeptResults
from serve_app.service.service import RenderService
from serve_app.uploads.store import UploadStore


async def server_status(service: RenderService, output_roots: Mapping[str, Path]) -> ServerStatus:
    """The state of the server, its renderers and its machine.

    Args:
        service: whose state it is.
        output_roots: folders whose free bytes are told, those that are there, by the names under which they are told.
    """
    state = await service.state()
    return ServerStatus(
        renderer_ready=any(status.state in ("ready", "busy") for status in state.renderers),
        uptime=state.uptime_sec,
        version=version("render-server"),
        renderers=[_renderer(status) for status in sorted(state.renderers, key=lambda status: status.renderer)],
        draining=state.draining,
        jobs_queued=state.jobs_queued,
        jobs_running=state.jobs_running,
        machine=await asyncio.to_thread(_machine, output_roots),
        uploads=_uploads(service.uploads),
        results=_results(service.kept_results),
        cache=CacheInfo(bytes=state.cache_bytes, max_bytes=state.cache_max_bytes, count=state.cache_entries),
    )


def _uploads(uploads: UploadStore) -> UploadsInfo:
    limits = uploads.limits
    return UploadsInfo(
        bytes=uploads.room.used,
        max_bytes=limits.kept_bytes,
        count=len(uploads),
        ttl_sec=limits.ttl_sec,
        max_file_bytes=limits.file_bytes,
        max_upload_bytes=limits.upload_bytes,
        max_files=limits.files,
    )


def _results(results: KeptResults) -> KeptFiles:
    return KeptFiles(bytes=results.bytes_used, max_bytes=results.max_bytes, count=len(results), ttl_sec=results.ttl_sec)


def _renderer(status: RendererStatus) -> RendererInfo:
    report, failure = status.report, status.failure
    return RendererInfo(
        id=status.renderer,
        state=status.state,
        device=report.device if report else None,
        node=status.node,
        node_address=status.address,
        pid=report.pid if report else None,
        cores=list(report.cores) if report else [],
        memory_bytes=status.memory_bytes,
        start_seconds=report.start_seconds if report else None,
        restarts=status.restarts,
        recycled=status.recycled,
        error=ErrorBody(detail=failure.message, code=failure.code, field=None) if failure else None,
    )


def _machine(output_roots: Mapping[str, Path]) -> MachineInfo:
    memory = psutil.virtual_memory()
    return MachineInfo(
        cpu_count=os.cpu_count() or 1,
        cpu_percent=psutil.cpu_percent(),
        memory_total_bytes=memory.total,
        memory_available_bytes=memory.available,
        disk_free_bytes={name: psutil.disk_usage(str(root)).free for name, root in output_roots.items() if root.is_dir()},
    )
