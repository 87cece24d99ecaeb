"""Puts a job's ``templates.zip`` into a folder: whole or not at all, and over nothing but older templates."""

from __future__ import annotations

import re
import shutil
import stat
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

from render_server_client.errors import FilesError
from render_server_client.view_files import MANIFEST

_MAX_RATIO = 100
"""Of a file's size to its size in the zip. The server stores them as they are: PNGs hardly become smaller."""

_TEMPLATE_NAME = re.compile(r"(rgb|mask)_\d+\.png|xyz_\d+\.npy|extra")


def unpack(archive: Path, folder: Path) -> list[Path]:
    """Unpack a zip.

    Args:
        archive: the zip.
        folder: made where it is missing.

    Returns:
        What lies in ``folder`` now: the top-level names of the zip, as paths.

    Raises:
        FilesError: the zip is damaged or names a path outside itself, or something that is no template is in the way.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".render-", dir=folder) as scratch, zipfile.ZipFile(archive) as opened:
            fresh, old = Path(scratch) / "new", Path(scratch) / "old"
            for part in (fresh, old):
                part.mkdir()
            for info in opened.infolist():
                _unpack_one(opened, info, fresh)
            names = sorted(path.name for path in fresh.iterdir())
            for name in names:
                _check_replaceable(folder / name, fresh / name)
            for name in names:
                if (folder / name).exists():
                    (folder / name).rename(old / name)
                (fresh / name).rename(folder / name)
    except zipfile.BadZipFile as error:
        raise FilesError(f"the download is damaged ({error}); repeat it") from error
    except OSError as error:
        raise FilesError(f"{error.filename or folder} cannot be written: {error.strerror or error}; use another folder") from error
    return [folder / name for name in names]


def _unpack_one(archive: zipfile.ZipFile, info: zipfile.ZipInfo, folder: Path) -> None:
    path = PurePosixPath(info.filename)
    kind = stat.S_IFMT(info.external_attr >> 16)
    if path.is_absolute() or not path.parts or ".." in path.parts or "\\" in info.filename or ":" in info.filename:
        raise FilesError(f"the download names {info.filename!r}, which lies outside of it; nothing was unpacked")
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise FilesError(f"{info.filename!r} of the download is no file; nothing was unpacked")
    if info.file_size > max(info.compress_size, 1) * _MAX_RATIO:
        raise FilesError(f"{info.filename!r} of the download would have {info.file_size} bytes; nothing was unpacked")
    target = folder.joinpath(*path.parts)
    if info.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(info) as source, target.open("xb") as sink:  # zipfile checks size and CRC.
        shutil.copyfileobj(source, sink, 1024**2)


def _check_replaceable(old: Path, new: Path) -> None:
    """Refuse to replace what is no result of a rendering: neither templates nor files that are all there anew."""
    if old.is_symlink():
        raise FilesError(f"{old} is a link; move it away, or use another folder")
    if old.is_dir() != new.is_dir() and old.exists():
        raise FilesError(f"{old} is {'a folder' if old.is_dir() else 'a file'} where there is to be another; move it away")
    if not old.is_dir():
        return
    names = {inner.name for inner in old.iterdir()}
    if MANIFEST in names or all(_TEMPLATE_NAME.fullmatch(name) for name in names):
        return
    if not {path.relative_to(old) for path in old.rglob("*")} <= {path.relative_to(new) for path in new.rglob("*")}:
        raise FilesError(f"{old} holds something else than templates; move it away, or use another folder")
