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


class OwnFolders:
    """Folders and files that no output may be, hold or lie in.

    They are told by their resolved paths, and by device and inode: the same folder can have more than one path, as with a bind mount
    or on a file system that takes upper and lower case for the same.

    Args:
        paths: of each; it need not be there yet.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        self._paths = tuple(dict.fromkeys(path.resolve() for path in paths))

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

    def touched_by(self, path: Path) -> bool:
        """Whether a path is, holds or lies in one of them.

        Args:
            path: links resolved; it need not be there.
        """
        if any(path.is_relative_to(own) or own.is_relative_to(path) for own in self._paths):
            return True
        own, above = self.identities()
        there = [identity for folder in (path, *path.parents) if (identity := _identity(folder)) is not None]
        return any(identity in own for identity in there) or _identity(path) in above

    def identities(self) -> tuple[frozenset[Identity], frozenset[Identity]]:
        """Of each that is there at this moment, and of the folders above them."""
        own = (_identity(path) for path in self._paths)
        above = (_identity(folder) for path in self._paths for folder in path.parents)
        return frozenset(filter(None, own)), frozenset(filter(None, above))


def _identity(path: Path) -> Identity | None:
    try:
        return identity_of(path.stat())
    except OSError:
        return None
