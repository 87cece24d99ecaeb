"""The refusals that all readers share, and how they quote a CAD's text."""

from __future__ import annotations

from typing import NoReturn

from serve_app.base.errors import ServiceError


def invalid(detail: str) -> ServiceError:
    """The error for a file that is there but holds no usable mesh, in the words that users know."""
    return ServiceError("cad_invalid", f"CAD file not found or invalid format: {detail}", "cad_path")


def too_large(detail: str) -> NoReturn:
    """Refuse a CAD that is beyond a limit.

    Raises:
        ServiceError: ``cad_too_large``.
    """
    raise ServiceError("cad_too_large", f"the CAD is too large: {detail}", "cad_path")


def unknown_to_trimesh(what: str) -> str:
    """The warning for a file that is read here and not by SAM-6D, which is given the same file."""
    return f"it has {what}: SAM-6D's own reader, trimesh, finds no faces in such a file; ask for outputs [mesh], and give it model_mm.ply"


def quoted(text: str, max_length: int = 80) -> str:
    """Text out of a CAD as messages may quote it: short, printable, in quotes."""
    return repr(text if len(text) <= max_length else text[: max_length - 3] + "...")
