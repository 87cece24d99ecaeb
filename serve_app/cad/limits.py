"""What a CAD may cost, and the two refusals that all readers share."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import NoReturn

from serve_app.base.errors import ServiceError

MAX_MATERIALS = 1024
"""Materials that one CAD may use: each is a shader that Blender compiles."""

MAX_REFERENCES = 256
"""Files that one CAD may ask for, there or not."""

MAX_LIBRARY_BYTES = 16 * 1024**2
"""Bytes of one .mtl file."""

MAX_LINE_BYTES = 1024**2
"""Bytes of one line of text: a polygon of a hundred thousand corners."""

BYTES_OF_BASE = 128 * 1024**2
"""A CAD of this size may take twice as long as a small one, of twice this size three times as long, and so on: the slowest text of good
CADs, with full corners, takes two thirds of that."""


@dataclass(frozen=True)
class CadLimits:
    """Limits of reading one CAD.

    Attributes:
        max_bytes: of the file, and of all files that it refers to together.
        faces: triangles, after polygons are split.
        texture_pixels: of all textures together.
        memory: bytes of address space of the process that reads it.
        base_seconds: of CPU that reading a small CAD may take.
    """

    max_bytes: int = 512 * 1024**2
    faces: int = 5_000_000
    texture_pixels: int = 64 * 1024**2
    memory: int = 8 * 1024**3
    base_seconds: float = 8.0

    @property
    def vertices(self) -> int:
        """Points, normals, or texture coordinates: three for each face, as in a file that shares none."""
        return 3 * self.faces

    def seconds(self, size: int) -> float:
        """Seconds of CPU that reading a file of ``size`` bytes may take: a large one takes longer without being hostile."""
        return self.base_seconds * (1 + size / BYTES_OF_BASE)

    def to_json(self) -> str:
        """For the command line of the parsing process."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> CadLimits:
        """Inverse of ``to_json``."""
        return cls(**json.loads(text))

    def check_faces(self, count: int) -> None:
        """Refuse a CAD with too many triangles (``cad_too_large``)."""
        if count > self.faces:
            too_large(f"it has {count} triangles, more than {self.faces}; simplify it, or have the operator raise RENDER_MAX_FACES")

    def check_vertices(self, count: int, what: str = "vertices") -> None:
        """Refuse a CAD with too many of what lies at its corners (``cad_too_large``)."""
        if count > self.vertices:
            too_large(
                f"it has {count} {what}, more than {self.vertices}; simplify it, or have the operator raise RENDER_MAX_FACES, "
                "three times of which they may be"
            )


def invalid(detail: str) -> ServiceError:
    """The error for a file that is there but holds no usable mesh, in the words that users know."""
    return ServiceError("cad_invalid", f"CAD file not found or invalid format: {detail}", "cad_path")


def too_large(detail: str) -> NoReturn:
    """Refuse a CAD that is beyond a limit."""
    raise ServiceError("cad_too_large", f"the CAD is too large: {detail}", "cad_path")


def shown(text: str, most: int = 80) -> str:
    """Text out of a CAD as messages may quote it: short, printable, in quotes."""
    return repr(text if len(text) <= most else text[: most - 3] + "...")
