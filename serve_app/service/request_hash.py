"""Tells a request that is repeated from another one."""

from __future__ import annotations

import hashlib

from serve_app.jobs.request import RenderRequest
from serve_app.uploads.store import UploadStore


def hash_of(request: RenderRequest, uploads: UploadStore) -> str:
    """SHA-256 of what a request says, without what is left at its default: a server that knows more options must still know it again.

    Args:
        request: as the client sent it.
        uploads: the same files sent again are the same request: a client that repeats one sends them anew.

    Raises:
        ServiceError: ``upload_not_found`` or ``upload_expired``.
    """
    if request.upload_id is not None:
        request = request.model_copy(update={"upload_id": uploads.find(request.upload_id).digest})
    return hashlib.sha256(request.model_dump_json(exclude_defaults=True).encode()).hexdigest()
