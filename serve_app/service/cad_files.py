"""Finds the files that a request is about, on the server's disk or among the uploads."""

from __future__ import annotations

from pathlib import Path

from serve_app.base.errors import ServiceError
from serve_app.jobs.cad_choice import CadChoice
from serve_app.jobs.request import RenderRequest
from serve_app.service.path_policy import PathPolicy
from serve_app.uploads.store import UploadStore

OF_UPLOAD = "upload:"
"""Stands before the name of a poses file that came with the CAD."""


class CadFiles:
    """The way from what a request says to a file.

    Args:
        policy: which paths a request may name.
        uploads: of clients; a file of theirs is reached by its upload's id alone.
    """

    def __init__(self, policy: PathPolicy, uploads: UploadStore) -> None:
        self._policy, self._uploads = policy, uploads

    def poses(self, request: RenderRequest) -> Path | None:
        """The list of cameras that a request names, links resolved; None where it names none.

        Raises:
            ServiceError: as ``PathPolicy.poses`` and ``UploadStore.poses_file``.
        """
        text = request.poses.camera_poses_path
        if text is None:
            return None
        if text.startswith(OF_UPLOAD):
            if request.upload_id is None:
                detail = f"{text!r} names a file of an upload: give upload_id with it, or a path that the server sees"
                raise ServiceError("validation_error", detail, "camera_poses_path")
            return self._uploads.poses_file(request.upload_id, text.removeprefix(OF_UPLOAD))
        return self._policy.poses(text)

    def path(self, choice: CadChoice) -> tuple[Path, str | None]:
        """The file, links resolved, and its name in the upload, or None; waits for the disk.

        Raises:
            ServiceError: as ``PathPolicy.cad`` and ``UploadStore.file``.
        """
        if choice.upload_id is not None:
            return self._uploads.file(choice.upload_id, choice.cad)
        assert choice.cad_path is not None
        return self._policy.cad(choice.cad_path), None
