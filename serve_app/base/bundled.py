"""The configs and examples that come with the package: a command uses them where its own folder has none."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

NAMES = ("serve_config.yaml", "cluster", "examples")
"""Of the project's folder, or of ``serve_app/bundled`` where a wheel is installed."""

_PACKAGE = Path(__file__).parents[1]


def bundled_folder() -> Path:
    """Where the files lie."""
    installed = _PACKAGE / "bundled"
    return installed if installed.is_dir() else _PACKAGE.parent


def config_path(path: Path) -> Path:
    """A config as it is named, or the one of this name that comes with the package where there is none.

    Args:
        path: absolute, or relative to the current folder.
    """
    if path.exists() or path.is_absolute() or path.parts[0] not in NAMES:
        return path
    ours = bundled_folder() / path
    return ours if ours.is_file() else path


def example_path(path: Path) -> Path:
    """An example's absolute path; where the current folder lacks it, the package's examples are copied there first.

    A server reads CADs below its start folder, not in the package's.

    Args:
        path: ``examples/NAME`` may be one of the package's.
    """
    if not path.exists() and path.parts[:1] == ("examples",) and (bundled_folder() / path).is_file():
        for _ in copy_bundled(Path(), ("examples",)):
            pass
    return path.absolute()


def copy_bundled(folder: Path, names: tuple[str, ...] = NAMES) -> Iterator[tuple[Path, bool]]:
    """Copy files that come with the package; one that is there already stays as it is.

    Args:
        folder: gets them.
        names: some of ``NAMES``.

    Yields:
        Each file's path in ``folder``, and whether it was copied.
    """
    root = bundled_folder()
    for name in names:
        top = root / name
        for source in sorted(top.rglob("*")) if top.is_dir() else [top]:
            target = folder / source.relative_to(root)
            if not source.is_file() or source.suffix in (".py", ".pyc"):
                continue
            missing = not target.exists()
            if missing:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)
            yield target, missing


__all__ = ["NAMES", "bundled_folder", "config_path", "copy_bundled", "example_path"]
