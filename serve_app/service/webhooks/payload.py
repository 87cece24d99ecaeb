"""What a webhook says of a job."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from serve_app.jobs.record import JobRecord


def payload_of(record: JobRecord) -> bytes:
    """JSON text: ``type``, ``timestamp`` (when the job ended) and ``data``, with paths as the request had them."""
    error = record.error
    data = {
        "job_id": record.job_id,
        "status": record.status,
        "error": None if error is None else {"detail": error.detail, "code": error.code, "field": error.field},
        "cad_path": record.cad_path,
        "output_dir": record.output_dir,
        "created_at": record.created_at,
        "started_at": record.started_at,
        "ended_at": record.ended_at,
        "elapsed_sec": record.elapsed_sec,
        "rendered_count": len(record.view_seconds),
        "total_poses": record.total_poses,
        "cached": record.cached,
        "warnings": list(record.warnings),
    }
    ended = datetime.fromtimestamp(record.ended_at or 0.0, UTC).isoformat(timespec="milliseconds")
    return json.dumps({"type": "job.finished", "timestamp": ended, "data": data}, ensure_ascii=False, separators=(",", ":")).encode()
