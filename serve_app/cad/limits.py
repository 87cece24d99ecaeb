"""What a CAD may cost."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

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
