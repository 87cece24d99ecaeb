"""``render-server sheet``: a picture of all templates of a folder, for people."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from render_server_client import FilesError
from render_server_client.sheet import ALL_KINDS, Kind, contact_sheet
from render_server_client.view_files import FolderSource, read_view, view_count
from serve_app.cli.completion import names_folder
from serve_app.cli.messages import CommandError, success


def add_sheet_flags(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    names_folder(parser.add_argument("directory", metavar="DIR", type=Path, help="a templates folder, or the output_dir that holds it"))
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, help="the PNG (default: contact_sheet.png beside the templates)")
    parser.add_argument("--kind", action="append", choices=ALL_KINDS, help="what to show of each view; once for each (default: all three)")
    parser.add_argument("--columns", type=int, default=7, help="views in a row (default: %(default)s)")
    parser.add_argument("--size", type=int, default=128, help="width of each picture in pixels (default: %(default)s)")


def sheet(arguments: argparse.Namespace) -> None:
    """Write the picture, and say where."""
    if not (1 <= arguments.columns <= 100 and 8 <= arguments.size <= 2048):
        raise CommandError(f"--columns must be 1 to 100 and --size 8 to 2048, got {arguments.columns} and {arguments.size}")
    folder: Path = arguments.directory.expanduser()
    inner = folder / "templates"
    # Not among the templates: some pipelines take every PNG there.
    target: Path = arguments.output or (folder if inner.is_dir() else folder.absolute().parent) / "contact_sheet.png"
    try:
        views = view_count(FolderSource(folder))
        write_contact_sheet(folder, views, target, tuple(arguments.kind or ALL_KINDS), arguments.columns, arguments.size)
    except FilesError as failure:
        raise CommandError(str(failure)) from failure
    except OSError as failure:
        raise CommandError(f"{target} cannot be written: {failure.strerror or failure}; name another file with -o") from failure
    success(f"{views} views: {target}")


def write_contact_sheet(
    folder: Path, views: int, target: Path, kinds: tuple[Kind, ...] = ALL_KINDS, columns: int = 7, size: int = 128
) -> None:
    """Write a PNG grid: of each view its RGB, mask and xyz (as colours), side by side.

    Args:
        folder: of the templates, or the output_dir that holds them.
        views: how many there are.
        target: the PNG to write.
        kinds: what is shown of each view.
        columns: views in a row.
        size: width of each picture in pixels.

    Raises:
        FilesError: a view cannot be read.
    """
    contact_sheet(partial(read_view, FolderSource(folder)), views, kinds, columns, size).save(target, "PNG")
