"""Every failure that a client can see: its code, its HTTP status and one sentence that says what to do."""

from __future__ import annotations

CODES: dict[str, int] = {
    # The request itself.
    "validation_error": 422,
    "unauthorized": 401,
    "body_too_large": 413,
    "body_too_slow": 408,
    "content_type_unsupported": 415,
    "path_outside_roots": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "job_not_found": 404,
    "poses_invalid": 422,
    # The CAD.
    "cad_not_found": 404,
    "cad_not_a_file": 422,
    "cad_unreadable": 403,
    "cad_format_unsupported": 415,
    "cad_invalid": 422,
    "cad_too_large": 413,
    # The output folder.
    "output_not_writable": 403,
    "output_not_replaceable": 409,
    # The views.
    "view_blank": 422,
    "view_clipped": 422,
    "camera_inside_object": 422,
    # What else is going on.
    "output_busy": 409,
    "idempotency_conflict": 409,
    "canceled": 409,
    "cad_quarantined": 422,
    "queue_full": 429,
    "too_many_waiting": 429,
    "queue_timeout": 504,
    "job_timeout": 504,
    "storage_full": 507,
    "store_unavailable": 503,
    "draining": 503,
    # The renderers.
    "renderer_start_failed": 503,
    "renderer_lost": 503,
    "out_of_memory": 503,
    "render_failed": 500,
    "server_restarted": 503,
    "internal_error": 500,
}
"""HTTP status of every error code."""


class ServiceError(Exception):
    """A failure with a code from ``CODES``.

    Args:
        code: machine-readable reason.
        detail: one sentence for a person: what was wrong, with the value, and the remedy.
        field: the request field it is about, if there is one.
        retry_after_sec: when the same request may well succeed, if that can be said.
    """

    def __init__(self, code: str, detail: str, field: str | None = None, retry_after_sec: int | None = None) -> None:
        super().__init__(detail)
        self.code, self.detail, self.field, self.retry_after_sec = code, detail, field, retry_after_sec

    @property
    def status(self) -> int:
        """HTTP status."""
        return CODES[self.code]
