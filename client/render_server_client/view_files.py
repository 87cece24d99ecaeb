"""The files of a job's templates, from a folder or from a zip, and views read from them."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from render_server_client.errors import FilesError

MANIFEST = "manifest.json"
_MAX_FILE_BYTES = 1024**3
"""More than any file of a template has: what a damaged or hostile zip claims beyond it is not unpacked."""


class View(NamedTuple):
    """One view.

    Attributes:
        rgb: (H, W, 3) uint8.
        mask: (H, W) bool.
        xyz: (H, W, 3) float32, mm in the CAD's frame; -1 beside the object.
    """

    rgb: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    xyz: NDArray[np.float32]


class Source(Protocol):
    """Where the files lie."""

    def names(self) -> list[str]:
        """Of all files, relative to the templates."""

    def read(self, name: str) -> bytes:
        """One file's content.

        Raises:
            FilesError: it is not there.
        """


class FolderSource:
    """A folder of templates, or the output_dir that holds one.

    Args:
        folder: of this machine.

    Raises:
        FilesError: it holds no templates.
    """

    def __init__(self, folder: Path) -> None:
        inner = folder / "templates"
        self._folder = inner if inner.is_dir() else folder
        if not self._folder.is_dir():
            raise FilesError(f"{folder} is no folder; name a folder of templates, or the output_dir that holds one")

    def names(self) -> list[str]:
        """See ``Source``."""
        return [path.name for path in self._folder.iterdir()]

    def read(self, name: str) -> bytes:
        """See ``Source``."""
        try:
            return (self._folder / name).read_bytes()
        except OSError as error:
            raise FilesError(f"{self._folder / name} cannot be read: {error.strerror}; render the CAD again") from error


class ZipSource:
    """A job's ``templates.zip``.

    Args:
        archive: open; read as long as this is used.

    Raises:
        FilesError: it holds no templates.
    """

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        first = next((name for name in archive.namelist() if re.fullmatch(r"(.*/)?rgb_0\.png", name)), None)
        if first is None:
            raise FilesError("the job's files are of a layout that has no rgb_0.png; use download() and read them as its pipeline does")
        self._above = first.removesuffix("rgb_0.png")

    def names(self) -> list[str]:
        """See ``Source``."""
        return [name.removeprefix(self._above) for name in self._archive.namelist() if name.startswith(self._above)]

    def read(self, name: str) -> bytes:
        """See ``Source``."""
        try:
            info = self._archive.getinfo(self._above + name)
            if info.file_size > _MAX_FILE_BYTES:
                raise FilesError(f"{name} claims to have {info.file_size} bytes; the download is damaged, repeat it")
            return self._archive.read(info)
        except (KeyError, zipfile.BadZipFile, zipfile.LargeZipFile, OSError) as error:
            raise FilesError(f"{name} of the download cannot be read ({error}); repeat it") from error


def view_count(source: Source) -> int:
    """How many views there are.

    Raises:
        FilesError: none, or one of them is missing.
    """
    found = sorted(int(match[1]) for name in source.names() if (match := re.fullmatch(r"rgb_(\d+)\.png", name)))
    if not found:
        raise FilesError("there is no rgb_<i>.png; name a folder of templates in SAM-6D's own layout")
    if found != list(range(len(found))):
        missing = next(view for view in range(len(found)) if found[view] != view)
        raise FilesError(f"rgb_{missing}.png is missing; render the CAD again")
    return len(found)


def manifest(source: Source) -> dict[str, Any]:
    """``manifest.json``, or an empty one where there is none.

    Raises:
        FilesError: it is none.
    """
    if MANIFEST not in source.names():
        return {}
    try:
        content = json.loads(source.read(MANIFEST))
    except ValueError as error:
        raise FilesError(f"{MANIFEST} is no JSON ({error}); render the CAD again") from error
    if not isinstance(content, dict):
        raise FilesError(f"{MANIFEST} is no JSON object; render the CAD again")
    return content


def read_view(source: Source, view: int) -> View:
    """One view.

    Raises:
        FilesError: a file is missing or damaged, or they do not fit together.
    """
    rgb = _png(source, f"rgb_{view}.png", "RGB")
    mask = _png(source, f"mask_{view}.png", "L")
    name = f"xyz_{view}.npy"
    try:
        xyz = np.load(io.BytesIO(source.read(name)), allow_pickle=False).astype(np.float32)
    except (ValueError, EOFError) as error:
        raise FilesError(f"{name} cannot be read ({error}); render the CAD again") from error
    if not (rgb.shape == xyz.shape and mask.shape == rgb.shape[:2]):
        raise FilesError(f"view {view}: rgb is {rgb.shape}, mask {mask.shape}, xyz {xyz.shape}: not of one view; render the CAD again")
    return View(rgb, mask > 0, xyz)


def _png(source: Source, name: str, mode: str) -> NDArray[np.uint8]:
    try:
        with Image.open(io.BytesIO(source.read(name)), formats=("PNG",)) as image:
            return np.asarray(image.convert(mode))
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise FilesError(f"{name} is no PNG that can be read ({error}); render the CAD again") from error
