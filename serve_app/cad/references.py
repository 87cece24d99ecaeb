"""Opens a CAD's references from the CAD's own folder and from nowhere else."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from serve_app.base.regular_file import read_regular_file
from serve_app.cad.limits import MAX_REFERENCES
from serve_app.cad.refusals import quoted, too_large

_MAX_NAME = 1024


class ReferenceResolver:
    """Resolves ``mtllib``, ``map_*`` and ``TextureFile`` references.

    A reference names a file in the CAD's folder or in a folder below it. One that leads elsewhere, by ``..``, by an
    absolute path, through a link or to another machine, is treated as missing, and so is one that is no regular file.

    Args:
        folder: the CAD's folder, links resolved.
        limit: bytes that all referenced files together may have.

    Attributes:
        used: SHA-256 of each file that was read, and None for each that was asked for and is not there,
            by the reference's text.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder, self._rest = folder, limit
        self.used: dict[str, str | None] = {}

    def get(self, reference: str, limit: int | None = None) -> bytes:
        """Content of the referenced file.

        Args:
            reference: as the CAD has it.
            limit: bytes that this file may have, if fewer than are left for all.

        Raises:
            FileNotFoundError: there is none to be had, and why.
            ServiceError: ``cad_too_large``, when the CAD asks for too many files.
        """
        name = reference.strip().replace("\\", "/")
        if name not in self.used and len(self.used) >= MAX_REFERENCES:
            too_large(f"it refers to more than {MAX_REFERENCES} files; merge its textures and libraries")
        self.used.setdefault(name, None)
        try:
            data = read_regular_file(self._path(name), self._rest if limit is None else min(limit, self._rest))
        except (OSError, ValueError) as error:
            raise FileNotFoundError(_reason(error)) from error
        self._rest -= len(data)
        self.used[name] = hashlib.sha256(data).hexdigest()
        return data

    def digests(self, names: list[str], sha256: Callable[[Path, int], str]) -> dict[str, str | None]:
        """What ``used`` would be if the files of some references were read now.

        Args:
            names: the references.
            sha256: gives the digest of a file of at most so many bytes, or raises OSError or ValueError.
        """
        digests = dict[str, str | None]()
        for name in names:
            try:
                digests[name] = sha256(self._path(name), self._rest)
            except (OSError, ValueError):
                digests[name] = None
        return digests

    def _path(self, name: str) -> Path:
        """Where a reference leads; no file system is asked, so there is nothing to change under our hands."""
        parts = name.split("/")
        if not name or len(name) > _MAX_NAME or not name.isprintable() or ".." in parts or Path(name).is_absolute():
            raise FileNotFoundError(None, "it does not lie in the CAD's folder")
        return self._folder / name


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError | NotADirectoryError) or not str(error):
        return "it is not in the CAD's folder"
    return (error.strerror or "it cannot be opened") if isinstance(error, OSError) else str(error)


def missing(what: str, name: str, reason: object) -> str:
    """The warning for a reference that could not be used."""
    return f"{what} {quoted(name)} cannot be used: {reason}; rendered without it"
