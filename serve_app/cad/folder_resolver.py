"""Gives a CAD parser the files that the CAD refers to, from the CAD's own folder and from nowhere else."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import Any

from trimesh.resolvers import Resolver


def open_regular_file(path: Path) -> int:
    """Open a regular file for reading, and no link, pipe or device.

    Args:
        path: absolute, with no symbolic link in it.

    Returns:
        A file descriptor.

    Raises:
        OSError: it cannot be opened, or what was opened is not this path or not a regular file.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    opened = Path(f"/proc/self/fd/{descriptor}").readlink()
    if opened != path or not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(f"{path.name} is not a regular file or changed while it was opened")
    return descriptor


def read_regular_file(path: Path, limit: int) -> bytes:
    """Content of a regular file, refused when it is larger than ``limit`` bytes (``ValueError``)."""
    with os.fdopen(open_regular_file(path), "rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise ValueError(f"{path.name} is larger than {limit} bytes")
    return data


class FolderResolver(Resolver):
    """Resolves ``mtllib``, ``map_*`` and ``TextureFile`` references.

    A reference names a file in the CAD's folder or in a folder below it. One that leads elsewhere, by ``..``, by an
    absolute path or through a link, is treated as missing.

    Args:
        folder: the CAD's folder, links resolved.
        limit: bytes that one referenced file may have.

    Attributes:
        used: SHA-256 of each file that was read, and None for each that was asked for and is not there,
            by the reference's text.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder, self._limit = folder, limit
        self.used: dict[str, str | None] = {}

    def get(self, key: str) -> bytes:
        """Content of the referenced file; ``FileNotFoundError`` where there is none to be had."""
        name = key.strip().replace("\\", "/")
        self.used.setdefault(name, None)
        path = self._folder / name
        if Path(name).is_absolute() or not path.resolve().is_relative_to(self._folder) or path.resolve() != Path(os.path.normpath(path)):
            raise FileNotFoundError(f"{name!r} does not lie in the CAD's folder")
        try:
            data = read_regular_file(path.resolve(), self._limit)
        except (OSError, ValueError) as error:
            raise FileNotFoundError(f"{name!r}: {error}") from error
        self.used[name] = hashlib.sha256(data).hexdigest()
        return data

    def keys(self) -> list[str]:
        """References asked for so far."""
        return list(self.used)

    def write(self, name: str, data: Any) -> None:
        """Not offered: a parser only reads."""
        raise PermissionError("a CAD's folder is read only")

    def namespaced(self, namespace: str) -> FolderResolver:
        """Not offered: no format that we read nests namespaces."""
        raise PermissionError("namespaces are not used by PLY, OBJ or STL")
