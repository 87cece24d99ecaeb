"""Manifests of jobs in whose published folder nothing else than views may lie: the server keeps them, by the job's id."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from serve_app.base.errors import ServiceError
from serve_app.base.settings import Settings


class KeptManifests:
    """Files ``<job id>.json`` of one folder; only the server that has locked the data folder writes there.

    Args:
        folder: made with the first manifest.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @classmethod
    def of_server(cls, settings: Settings) -> KeptManifests:
        """Those in ``RENDER_DATA_DIR``."""
        return cls(settings.data_dir / "manifests")

    def write(self, job_id: str, manifest: bytes) -> None:
        """Keep a job's manifest; whole on disk when this returns.

        Raises:
            ServiceError: ``store_unavailable``.
        """
        unfinished = self._folder / f".{job_id}-{secrets.token_hex(4)}"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            try:
                with unfinished.open("xb") as file:
                    file.write(manifest)
                    file.flush()
                    os.fsync(file.fileno())
                unfinished.rename(self._folder / f"{job_id}.json")
            finally:
                unfinished.unlink(missing_ok=True)
        except OSError as error:
            raise ServiceError(
                "store_unavailable",
                f"the job's manifest cannot be kept at the moment ({error.strerror or error}); the operator must see to RENDER_DATA_DIR",
            ) from error

    def read(self, job_id: str) -> bytes | None:
        """A job's manifest; None where there is none, or it cannot be read."""
        try:
            return (self._folder / f"{job_id}.json").read_bytes()
        except OSError:
            return None

    def remove(self, job_id: str) -> None:
        """Forget a job's manifest, if there is one."""
        with suppress(OSError):
            (self._folder / f"{job_id}.json").unlink()
