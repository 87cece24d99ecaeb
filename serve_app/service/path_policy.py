"""Decides which paths a request may name, and checks them before a job is accepted."""

from __future__ import annotations

import os
import re
import stat
from itertools import chain
from pathlib import Path

from serve_app.base.errors import ServiceError
from serve_app.base.inside import is_inside
from serve_app.base.regular_file import open_regular_file
from serve_app.base.settings import Settings
from serve_app.cad.formats.foreign import instead
from serve_app.cad.parse import FORMATS
from serve_app.jobs.fields import PATH_PATTERN

NOT_FOUND = "CAD file not found or invalid format"


class PathPolicy:
    """The folders that requests may read and write.

    Args:
        settings: gives ``RENDER_INPUT_ROOTS`` and ``RENDER_OUTPUT_ROOTS``.
    """

    def __init__(self, settings: Settings) -> None:
        self._inputs, self._outputs = settings.resolved_input_roots, settings.outermost_output_roots
        self._output_roots = settings.resolved_output_roots
        self._of_clients = (settings.uploads_dir, settings.results_dir)

    def cad(self, text: str) -> Path:
        """The CAD file that a request names, links resolved.

        Raises:
            ServiceError: it lies outside the roots, is not there, is no file, cannot be read or has an unknown ending.
        """
        path = self._inside(text, self._inputs, "cad_path", "RENDER_INPUT_ROOTS", "cad_not_found")
        missing = f"{NOT_FOUND}: no file at {text!r}; check cad_path, as the server sees it"
        status = _status(path, text, "cad_path", missing)
        if not stat.S_ISREG(status.st_mode):
            what = "a folder" if stat.S_ISDIR(status.st_mode) else "not a regular file"
            raise ServiceError("cad_not_a_file", f"{NOT_FOUND}: {text!r} is {what}; name the CAD file itself", "cad_path")
        if path.suffix.lower() not in FORMATS:
            raise _unsupported(text, path.suffix)
        try:
            # Opened, not asked for: of a file that goes away meanwhile `access` says no more than that it may not be read.
            open_regular_file(path).close()
        except PermissionError as error:
            raise _unreadable(text, "cad_path") from error
        except OSError as error:
            raise ServiceError("cad_not_found", missing, "cad_path") from error
        return path

    def poses(self, text: str) -> Path:
        """The camera poses file that a request names, links resolved; errors as for ``cad``."""
        path = self._inside(text, self._inputs, "camera_poses_path", "RENDER_INPUT_ROOTS", "not_found")
        status = _status(path, text, "camera_poses_path", f"no camera poses file at {text!r}; check camera_poses_path", "not_found")
        if not stat.S_ISREG(status.st_mode) or path.suffix.lower() != ".npy":
            raise ServiceError("poses_invalid", f"{text!r} is not an .npy file of N x 4 x 4 camera poses", "camera_poses_path")
        return path

    def output(self, text: str) -> Path:
        """The output folder that a request names, links resolved; it need not exist yet.

        Raises:
            ServiceError: it lies outside the roots, is a file, or cannot be written or made.
        """
        path = self._inside(text, self._outputs, "output_dir", "RENDER_OUTPUT_ROOTS", "output_not_writable")
        try:
            existing = next(folder for folder in chain((path,), path.parents) if folder.exists())
        except OSError as error:
            raise ServiceError("output_not_writable", f"output_dir {text!r} cannot be used: {error.strerror}", "output_dir") from error
        if not existing.is_dir():
            raise ServiceError("output_not_writable", f"output_dir {text!r} is, or lies below, a file; name a folder", "output_dir")
        if not os.access(existing, os.W_OK | os.X_OK):
            raise ServiceError(
                "output_not_writable", f"output_dir {text!r} cannot be written by the server: permission denied", "output_dir"
            )
        return path

    def is_output_root(self, path: Path) -> bool:
        """Whether a path is itself one of the roots, which must never be replaced."""
        return path in self._output_roots

    def _inside(self, text: str, roots: list[Path], field: str, setting: str, unusable: str) -> Path:
        if not re.fullmatch(PATH_PATTERN, text):
            raise ServiceError("validation_error", f"{field} must be a path, got {text!r}", field)
        try:
            path = Path(text).expanduser().resolve()
        except (OSError, RuntimeError, ValueError) as error:
            # Of the error itself only this: it names the path as resolved so far.
            reason = error.strerror if isinstance(error, OSError) else "it names a loop, a home that is not there, or no text"
            raise ServiceError(unusable, f"{field} {text!r} is not a usable path: {reason}; give another one", field) from error
        # What a client has sent, or had rendered, is reached by its id alone, also where the data folder lies in an input root.
        inside = any(is_inside(path, root) for root in roots)
        if not inside or (roots is self._inputs and any(is_inside(path, folder) for folder in self._of_clients)):
            raise ServiceError(
                "path_outside_roots",
                f"{field} {text!r} lies outside the folders that this server may use; put it below one of them, or have the operator "
                f"add its folder to {setting}",
                field,
            )
        return path


def _status(path: Path, text: str, field: str, missing: str, code: str = "cad_not_found") -> os.stat_result:
    try:
        return path.stat()
    except PermissionError as error:
        raise _unreadable(text, field) from error
    except OSError as error:
        raise ServiceError(code, missing, field) from error


def _unsupported(text: str, suffix: str) -> ServiceError:
    known, advice = ", ".join(FORMATS), instead(suffix)
    what = "has no ending" if not suffix else f"ends in {suffix!r}"
    more = f": {advice}" if advice else ""
    return ServiceError("cad_format_unsupported", f"{NOT_FOUND}: {text!r} {what}, and {known} are read{more}", "cad_path")


def _unreadable(text: str, field: str) -> ServiceError:
    return ServiceError("cad_unreadable", f"{text!r} cannot be read by the server: permission denied", field)
