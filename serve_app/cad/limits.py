"""What a CAD may cost."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from serve_app.cad.read_options import TESSELLATED
from serve_app.cad.refusals import too_large

if TYPE_CHECKING:  # The parsing process has no use for the settings, and starts sooner without them.
    from serve_app.base.settings import Settings

MAX_MATERIALS = 1024
"""Materials that one CAD may use: each is a shader that Blender compiles."""

MAX_INSTANCES = 100_000
"""Meshes that the nodes of one scene may place: each is work of its own, however few faces it has."""

MAX_REFERENCES = 256
"""Files that one CAD may ask for, there or not."""

MAX_LIBRARY_BYTES = 16 * 1024**2
"""Bytes of one .mtl file."""

MAX_LINE_BYTES = 1024**2
"""Bytes of one line of text: a polygon of a hundred thousand corners."""

BYTES_OF_BASE = 128 * 1024**2
"""A CAD of this size may take twice as long as a small one, of twice this size three times as long, and so on: the slowest text of good
CADs, with full corners, takes two thirds of that."""

_BYTES_OF_BASE = {**dict.fromkeys(TESSELLATED, 8 * 1024**2), ".3mf": 16 * 1024**2}
"""The same of formats that take longer for a byte: exact surfaces become triangles, twice where the first ones are too coarse, and a
package is unpacked."""

_TESSELLATION = 3.0
"""Times the seconds where surfaces are exact: a flat face with 400 round holes takes 11 s, for its corners are joined one by one."""


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

    max_bytes: int
    faces: int
    texture_pixels: int
    memory: int
    base_seconds: float

    @classmethod
    def from_settings(cls, settings: Settings) -> CadLimits:
        """The limits that an operator has set; the defaults stand there."""
        return cls(
            max_bytes=settings.max_cad_bytes,
            faces=settings.max_faces,
            texture_pixels=settings.max_texture_pixels,
            memory=settings.cad_memory_bytes,
            base_seconds=settings.cad_timeout_sec,
        )

    @property
    def vertices(self) -> int:
        """Points, normals, or texture coordinates: three for each face, as in a file that shares none."""
        return 3 * self.faces

    def seconds(self, size: int, suffix: str = "") -> float:
        """Seconds of CPU that reading a file of ``size`` bytes may take: a large one takes longer without being hostile.

        Args:
            size: of the file, in bytes.
            suffix: the ending of its name, in any case.
        """
        suffix = suffix.lower()
        base = self.base_seconds * (_TESSELLATION if suffix in TESSELLATED else 1.0)
        return base * (1 + size / _BYTES_OF_BASE.get(suffix, BYTES_OF_BASE))

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
