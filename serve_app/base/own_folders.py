"""What belongs to the server itself: no request may write there."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

from serve_app.base.directory import Identity, identity_of
from serve_app.base.ray_token import token_file
from serve_app.base.settings import Settings

Identities = tuple[frozenset[Identity], frozenset[Identity]]


class OwnFolders:
    """Folders and files that no output may be, hold or lie in.

    They are told by their resolved paths, and by device and inode: the same folder can have more than one path, as with a bind mount
    or on a file system that takes upper and lower case for the same.

    Args:
        paths: of each; it need not be there yet.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        own = dict.fromkeys(path.resolve() for path in paths)
        self._own = tuple(map(str, own))
        # Each once: they have most of these in common, and every request has all of them looked at.
        self._above = tuple(dict.fromkeys(str(folder) for path in own for folder in path.parents))

    @classmethod
    def of_server(cls, settings: Settings) -> OwnFolders:
        """The data and log folders, the installed code, the Python environment, and what Ray keeps."""
        code = [Path(__file__).parents[2] / package for package in ("serve_app", "render_actor")]
        environment = [Path(sysconfig.get_path(kind)) for kind in ("stdlib", "purelib", "platlib", "scripts")]
        if sys.prefix != sys.base_prefix:  # Otherwise it is something like /usr, which holds more than Python.
            environment.append(Path(sys.prefix))
        of_ray = [Path(os.environ.get("RAY_TMPDIR", "/tmp")) / "ray"]
        token = token_file(os.environ)
        return cls([settings.data_dir, settings.log_dir, *code, *environment, *of_ray, *([token] if token else [])])

    def touched_by(self, path: Path, identities: Identities | None = None) -> bool:
        """Whether a path is, holds or lies in one of them.

        Args:
            path: links resolved; it need not be there.
            identities: what ``identities`` has just told, where the caller needs that, too.
        """
        text = str(path)
        if any(_is_in(text, own) or _is_in(own, text) for own in self._own):
            return True
        own, above = identities or self.identities()
        there = [identity for folder in (path, *path.parents) if (identity := _identity(str(folder))) is not None]
        return any(identity in own for identity in there) or _identity(text) in above

    def identities(self) -> Identities:
        """Of each that is there at this moment, and of the folders above them."""
        own, above = map(_identity, self._own), map(_identity, self._above)
        return frozenset(filter(None, own)), frozenset(filter(None, above))


def _is_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder if folder == os.sep else folder + os.sep)


def _identity(path: str) -> Identity | None:
    try:
        return identity_of(os.stat(path))  # noqa: PTH116  # A `Path` for each costs more than the look.
    except OSError:
        return None
