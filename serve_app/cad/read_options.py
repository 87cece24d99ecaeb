"""How a CAD is to be read: what of a request changes the mesh that comes of a file."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Literal

Tessellation = Literal["coarse", "normal", "fine"]

TESSELLATED = (".step", ".stp", ".iges", ".igs")
"""Formats whose surfaces are exact, and become triangles when they are read."""


@dataclass(frozen=True)
class ReadOptions:
    """What a job wants of a CAD file.

    Attributes:
        parts: names of the parts of an assembly that are wanted; none for all.
        pixels_across: pixels that the CAD's diameter covers at most in a view: what can be seen of a curved surface.
        tessellation: how fine a curved surface becomes, beside that.
    """

    parts: tuple[str, ...] = ()
    pixels_across: int = 512
    tessellation: Tessellation = "normal"

    def that_matter_to(self, suffix: str) -> ReadOptions:
        """These options without those that change nothing in a format: equal ones give equal meshes of one file.

        Args:
            suffix: the ending of the file's name, in any case.
        """
        return self if suffix.lower() in TESSELLATED else ReadOptions(self.parts)

    def to_json(self) -> str:
        """For the command line of the parsing process, and for keys."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> ReadOptions:
        """Inverse of ``to_json``."""
        fields = json.loads(text)
        return cls(**{**fields, "parts": tuple(fields["parts"])})


WHOLE = ReadOptions()
"""A CAD with all its parts, for a usual view."""
