"""What an upload may cost."""

from __future__ import annotations

from dataclasses import dataclass

from serve_app.base.settings import Settings


@dataclass(frozen=True)
class UploadLimits:
    """Bounds of one upload, and of all.

    Attributes:
        file_bytes: of one file, unpacked.
        upload_bytes: of all files of one upload, unpacked; and of what is sent.
        files: in one upload.
        kept_bytes: of all uploads together.
        ttl_sec: seconds after its last use for which an upload is kept.
        spare_bytes: that stay free on the disk.
    """

    file_bytes: int
    upload_bytes: int
    files: int
    kept_bytes: int
    ttl_sec: float
    spare_bytes: int = 0

    @classmethod
    def from_settings(cls, settings: Settings) -> UploadLimits:
        """The limits that an operator has set; the defaults stand there."""
        return cls(
            file_bytes=settings.uploads_max_file_bytes,
            upload_bytes=settings.uploads_max_upload_bytes,
            files=settings.uploads_max_files,
            kept_bytes=settings.uploads_max_bytes,
            ttl_sec=settings.uploads_ttl_sec,
            spare_bytes=settings.min_free_bytes,
        )
