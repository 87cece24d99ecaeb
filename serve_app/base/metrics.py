"""What the service counts; ``docs/reference/metrics.md`` has all metrics."""

from __future__ import annotations

from collections.abc import Iterable

from render_actor.metrics.instruments import Counter, Gauge
from serve_app.base.errors import CODES, ServiceError

CACHE_RESULTS = ("hit", "shared", "miss")
"""``hit``: copied from the cache. ``shared``: copied from a job that has just rendered the same. ``miss``: rendered."""

ENDS = [("succeeded",), ("failed",), ("canceled",), ("timeout",)]
_CODES = [(code,) for code in sorted(CODES)]

JOBS = Gauge("render_jobs", "Jobs that have not ended, by state; those that are queued are the queue's depth.", ("state",))
QUEUE_OLDEST = Gauge("render_queue_oldest_seconds", "How long the oldest queued job has waited in this server; 0 without any.")
JOBS_ACCEPTED = Counter("render_jobs_accepted", "Jobs that were accepted, those of an earlier server not counted again.")
JOBS_ENDED = Counter("render_jobs_ended", "Jobs that ended, by state.", ("state",), ENDS)
JOB_ERRORS = Counter("render_job_errors", "Jobs that failed or timed out, by error code.", ("code",), _CODES)
REFUSALS = Counter(
    "render_refusals", "Errors that HTTP clients were answered with, items of a batch counted one by one, by error code.", ("code",), _CODES
)
CACHE_LOOKUPS = Counter(
    "render_cache_lookups", "Jobs that looked for finished templates of the same.", ("result",), [(result,) for result in CACHE_RESULTS]
)
CACHE_COPIED_BYTES = Counter("render_cache_copied_bytes", "Bytes of templates that were copied instead of rendered.")
CACHE_BYTES = Gauge("render_cache_bytes", "Bytes of the templates in the cache.")
CACHE_ENTRIES = Gauge("render_cache_entries", "Finished jobs' templates in the cache.")
WEBHOOKS = Counter(
    "render_webhooks",
    "Attempts to tell a job's end to its callback_url; given_up is the last one of a webhook that nobody took.",
    ("result",),
    [("delivered",), ("failed",), ("given_up",)],
)
WEBHOOKS_WAITING = Gauge("render_webhooks_waiting", "Webhooks of ended jobs that are yet to be sent, or to be sent again.")
UPLOADS = Gauge("render_uploads", "Uploads that are kept, and those that have begun and are not whole.", ("state",))
UPLOADS_BYTES = Gauge("render_uploads_bytes", "Bytes of the uploads, and room that those have taken which are not whole.")
UPLOADS_RECEIVED = Counter("render_uploads_received", "Uploads that came whole and were taken.")
UPLOADS_RECEIVED_BYTES = Counter("render_uploads_received_bytes", "Bytes of their files, unpacked.")
RESULTS = Gauge("render_results", "Jobs whose files are kept in the server's data folder, as RENDER_RESULTS_TTL_SEC says.")
RESULTS_BYTES = Gauge("render_results_bytes", "Bytes of these files.")
REMOVED = Counter(
    "render_removed",
    "Uploads, and results that the server kept, which were removed because their time was over, or to make room.",
    ("kind", "reason"),
    [(kind, reason) for kind in ("upload", "results") for reason in ("expired", "room")],
)
EVENT_STREAMS = Gauge("render_event_streams", "Clients that listen to events.")
READY = Gauge("render_ready", "1 while GET /ready is answered with 200, else 0.")
DISK_FREE = Gauge("render_disk_free_bytes", "Free bytes of the disk of an output root, or of RENDER_DATA_DIR.", ("place", "path"))
DISK_MIN_FREE = Gauge(
    "render_disk_min_free_bytes", "RENDER_MIN_FREE_BYTES: with less than that free, no job is accepted.", ("place", "path")
)

SERVER_METRICS = (
    JOBS,
    QUEUE_OLDEST,
    JOBS_ACCEPTED,
    JOBS_ENDED,
    JOB_ERRORS,
    REFUSALS,
    CACHE_LOOKUPS,
    CACHE_COPIED_BYTES,
    CACHE_BYTES,
    CACHE_ENTRIES,
    WEBHOOKS,
    WEBHOOKS_WAITING,
    UPLOADS,
    UPLOADS_BYTES,
    UPLOADS_RECEIVED,
    UPLOADS_RECEIVED_BYTES,
    RESULTS,
    RESULTS_BYTES,
    REMOVED,
    EVENT_STREAMS,
    READY,
    DISK_FREE,
    DISK_MIN_FREE,
)


def count_end(state: str, error: ServiceError | None) -> None:
    """Count how a job ended.

    Args:
        state: of the job; one that is not final, because the next server goes on with the job, counts nothing.
        error: why it did not succeed, or None.
    """
    if (state,) in ENDS:
        JOBS_ENDED.add(1, state)
        if state in ("failed", "timeout") and error is not None:
            JOB_ERRORS.add(1, error.code)


def count_copy(result: str, sizes: Iterable[int]) -> None:
    """Count a look for finished templates.

    Args:
        result: one of ``CACHE_RESULTS``.
        sizes: bytes of each file that was copied.
    """
    CACHE_LOOKUPS.add(1, result)
    CACHE_COPIED_BYTES.add(sum(sizes))
