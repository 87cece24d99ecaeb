"""Finds the CAD file that a request is about, on the server's disk or among the uploads."""

from __future__ import annotations

from pathlib import Path

from serve_app.jobs.cad_choice import CadChoice
from serve_app.service.path_policy import PathPolicy
from serve_app.uploads.store import UploadStore


class CadFiles:
    """The way from what a request says to a file.

    Args:
        policy: which paths a request may name.
        uploads: of clients; a file of theirs is reached by its upload's id alone.
    """

    def __init__(self, policy: PathPolicy, uploads: UploadStore) -> None:
        self._policy, self._uploads = policy, uploads

    def path(self, choice: CadChoice) -> tuple[Path, str | None]:
        """The file, links resolved, and its name in the upload, or None; waits for the disk.

        Raises:
            ServiceError: as ``PathPolicy.cad`` and ``UploadStore.file``.
        """
        if choice.upload_id is not None:
            return self._uploads.file(choice.upload_id, choice.cad)
        assert choice.cad_path is not None
        return self._policy.cad(choice.cad_path), None
