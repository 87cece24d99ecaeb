"""Every failure that a client can see: its code and one sentence that says what to do; and the one that only an operator sees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

CODES = frozenset(
    {
        # The request itself.
        "validation_error",
        "unauthorized",
        "headers_too_large",
        "body_too_large",
        "body_too_slow",
        "content_type_unsupported",
        "path_outside_roots",
        "output_reserved",
        "callback_refused",
        "not_found",
        "method_not_allowed",
        "job_not_found",
        "poses_invalid",
        "range_not_satisfiable",
        # What a job has rendered.
        "view_not_ready",
        "job_not_finished",
        "no_results",
        "results_gone",
        # The CAD.
        "cad_not_found",
        "cad_not_a_file",
        "cad_unreadable",
        "cad_format_unsupported",
        "cad_invalid",
        "cad_part_unknown",
        "cad_too_large",
        # What is uploaded.
        "upload_not_found",
        "upload_expired",
        "upload_invalid",
        "upload_too_large",
        "upload_in_use",
        "upload_incomplete",
        "upload_offset_conflict",
        "upload_checksum_mismatch",
        "tus_version_unsupported",
        # The output folder.
        "output_not_writable",
        "output_not_replaceable",
        # The views.
        "view_blank",
        "view_clipped",
        "camera_inside_object",
        "view_too_slow",
        # What else is going on.
        "output_busy",
        "idempotency_conflict",
        "canceled",
        "cad_quarantined",
        "queue_full",
        "too_many_waiting",
        "queue_timeout",
        "job_timeout",
        "storage_full",
        "store_unavailable",
        "draining",
        "not_ready",
        # The renderers.
        "renderer_start_failed",
        "renderer_lost",
        "out_of_memory",
        "render_failed",
        "server_restarted",
        "internal_error",
    }
)
"""Every error code. What it is over HTTP, ``serve_app.http.errors`` says."""


class UnusableStoreError(RuntimeError):
    """No server can start with this ``RENDER_DATA_DIR``; the message says why, and what to do."""


class Finding(NamedTuple):
    """One of several things that are wrong with a request.

    Attributes:
        field: of the request, if there is one.
        detail: a sentence, as ``ServiceError`` has it.
    """

    field: str | None
    detail: str


class ServiceError(Exception):
    """A failure with a code from ``CODES``.

    Args:
        code: machine-readable reason.
        detail: one sentence for a person: what was wrong, with the value, and the remedy.
        field: the request field it is about, if there is one.
        retry_after_sec: when the same request may well succeed, if that can be said.
        findings: each thing that is wrong, where that is more than one.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        field: str | None = None,
        retry_after_sec: int | None = None,
        findings: Sequence[Finding] = (),
    ) -> None:
        super().__init__(detail)
        self.code, self.detail, self.field, self.retry_after_sec = code, detail, field, retry_after_sec
        self.findings = tuple(findings)


class RangeError(ServiceError):
    """No byte of a file lies in the range; ``length`` is the file's."""

    def __init__(self, length: int) -> None:
        super().__init__("range_not_satisfiable", f"the file has {length} bytes, and none of them lies in the range that was asked for")
        self.length = length
