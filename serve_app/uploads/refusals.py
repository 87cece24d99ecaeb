"""The refusals of uploads, and how they quote names."""

from __future__ import annotations

from serve_app.base.errors import ServiceError

FIELD = "file"
POSES_FIELD = "camera_poses_path"


def invalid(detail: str) -> ServiceError:
    """An upload that is not taken as it is."""
    return ServiceError("upload_invalid", detail, FIELD)


def too_large(detail: str) -> ServiceError:
    """An upload beyond a limit."""
    return ServiceError("upload_too_large", detail, FIELD)


def too_many_files(limit: int) -> ServiceError:
    """An upload of more files than may be."""
    return too_large(f"the upload has more than {limit} files (RENDER_UPLOADS_MAX_FILES); leave out what the CAD does not need")


def too_many_bytes(limit: int) -> ServiceError:
    """An upload whose files have more bytes together than may be."""
    return too_large(f"the upload has more than {limit} bytes (RENDER_UPLOADS_MAX_UPLOAD_BYTES); send less, or have it raised")


def file_too_large(name: str, limit: int) -> ServiceError:
    """A file that has more bytes than may be."""
    return too_large(
        f"{quoted(name)} has more than {limit} bytes (RENDER_UPLOADS_MAX_FILE_BYTES); simplify it, or have the operator raise that"
    )


def quoted(text: str, max_length: int = 80) -> str:
    """A name as messages may quote it: short, printable, in quotes."""
    return repr(text if len(text) <= max_length else text[: max_length - 3] + "...")
