"""The CADs of a dataset, and what its ``models_info.json`` tells of them."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from serve_app.cad.parse import FORMATS
from serve_app.cli.exit_codes import UsageError

MODELS_INFO = "models_info.json"
_BOP_NAME = re.compile(r"obj_\d+\.ply", re.IGNORECASE)


@dataclass(frozen=True)
class Model:
    """A CAD of the dataset.

    Attributes:
        object_id: the number at the end of the file's name.
        path: absolute.
        diameter: as ``models_info.json`` has it, in the CAD's unit; None where it does not.
    """

    object_id: int
    path: Path
    diameter: float | None


def models_in(folder: Path) -> list[Model]:
    """The CADs of a folder, by their number: ``obj_<number>.ply`` where there are such ones, otherwise every CAD.

    Raises:
        UsageError: there is none, one has no number or the number of another, or ``models_info.json`` cannot be used.
    """
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix.lower() in FORMATS and path.is_file())
    except OSError as error:
        raise UsageError(f"{folder} cannot be read: {error.strerror or error}; name the folder of the CADs") from error
    files = [path for path in files if _BOP_NAME.fullmatch(path.name)] or files
    if not files:
        raise UsageError(f"{folder} holds no CAD ({', '.join(FORMATS)}); name the folder of the CADs")
    diameters = _diameters(folder / MODELS_INFO)
    models: dict[int, Model] = {}
    for path in files:
        number = re.search(r"\d+$", path.stem)
        if number is None or len(number[0].lstrip("0")) > 6:
            raise UsageError(f"{path.name} has no object id: its name must end in a number of at most six digits, such as obj_000001.ply")
        object_id = int(number[0])
        if object_id in models:
            raise UsageError(f"{models[object_id].path.name} and {path.name} have the same object id {object_id}; rename or remove one")
        models[object_id] = Model(object_id, path.absolute(), diameters.get(object_id))
    return [models[object_id] for object_id in sorted(models)]


def _diameters(path: Path) -> dict[int, float]:
    """Diameters by object id; none where there is no such file."""
    try:
        content: Any = json.loads(path.read_text("utf-8"))
        found = {int(object_id): info["diameter"] for object_id, info in content.items() if "diameter" in info}
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise UsageError(f"{path} is not what BOP calls {MODELS_INFO}, object ids with a diameter each: {error}") from error
    for object_id, diameter in found.items():
        if isinstance(diameter, bool) or not isinstance(diameter, int | float) or not (0 < diameter < math.inf):
            raise UsageError(f"{path} gives object {object_id} the diameter {diameter!r}; it must be a number above 0")
    return found
