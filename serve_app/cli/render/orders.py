"""What a ``render`` command is to do: each CAD, where its files go, and how its job is known again."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from render_server_client.operations import digest
from serve_app.cad.parse import FORMATS
from serve_app.cli.exit_codes import UsageError

_PREFIX = "cli"


@dataclass(frozen=True)
class Order:
    """One CAD.

    Attributes:
        cad: absolute.
        output: absolute; the request's ``output_dir``, or where results are fetched to.
        mark: begins the id of every job that this order has: by the CAD's content, the options and the output.
    """

    cad: Path
    output: Path
    mark: str

    def new_job_id(self) -> str:
        """Of one more job of this order."""
        return f"{self.mark}-{secrets.token_hex(4)}"


def orders_of(words: Sequence[str], output: str | None, options: Mapping[str, Any]) -> list[Order]:
    """The orders of a command line.

    Args:
        words: CADs; or, without ``output``, one CAD and the ``output_dir``, as ever.
        output: folder that gets a folder for each CAD, named for it.
        options: of every request.

    Raises:
        UsageError: a CAD is not there, two would write the same folder, or nobody says where to.
    """
    if output is None:
        if len(words) != 2 or Path(words[1]).suffix.lower() in FORMATS:
            raise UsageError(f"say where the templates go: render-server render {' '.join(words[:2])} -o DIR")
        places = {absolute(words[0]): absolute(words[1])}
    else:
        cads = list(dict.fromkeys(map(absolute, words)))
        places = {cad: absolute(output) / name for cad, name in zip(cads, _names(cads), strict=True)}
    return [Order(cad, place, _mark(cad, place, options)) for cad, place in places.items()]


def absolute(path: str | Path) -> Path:
    """A path without ``..``, so that a CAD that is named twice is rendered once; links stay, as the server is to see them."""
    return Path(os.path.abspath(Path(path).expanduser()))  # noqa: PTH100  # Path.absolute keeps `..`.


def _names(cads: Sequence[Path]) -> list[str]:
    """A folder for each CAD: its name without the ending, or with it where two differ in that alone."""
    stems = Counter(cad.stem for cad in cads)
    names = [cad.stem if stems[cad.stem] == 1 else cad.name for cad in cads]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        same = ", ".join(str(cad) for cad in cads if twice[0] in (cad.stem, cad.name))
        raise UsageError(f"these CADs would have the same folder, {twice[0]}: {same}; render them with a command and an -o of its own each")
    return names


def _mark(cad: Path, output: Path, options: Mapping[str, Any]) -> str:
    try:
        content = digest(cad)
    except OSError as error:
        raise UsageError(f"{cad} cannot be read: {error.strerror or error}; name a CAD file") from error
    told = json.dumps([content, str(cad), str(output), options], sort_keys=True)
    return f"{_PREFIX}-{hashlib.sha256(told.encode()).hexdigest()[:32]}"
