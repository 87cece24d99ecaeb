"""The kinds of file that a view can be had as."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

FileKind = Literal["rgb", "mask", "xyz", "depth", "normals", "rgba", "masked"]
"""What a file of an H x W view holds:

- ``rgb``: PNG, 3 x uint8.
- ``mask``: PNG, uint8, 255 on the object and 0 off it.
- ``xyz``: NPY, 3 x float16, object coordinates in mm (CAD unit times the scene's ``xyz_scale``), background -1.
- ``depth``: PNG, uint16; times ``WantedFiles.depth_scale`` it is z in the camera's frame in mm; background 0.
- ``normals``: PNG, 3 x uint8: x, y, z of the unit normal in the camera's frame (OpenCV axes: x right, y down, z forward) as
  round((n + 1) / 2 x 255) in the channels red, green, blue; the side that is seen, so z is as good as never above 0; background 0, 0, 0,
  which no normal has.
- ``rgba``: PNG, 4 x uint8: ``rgb``, with ``mask`` as alpha, and 0, 0, 0 where that is 0.
- ``masked``: PNG, 3 x uint8: ``rgb``, and 0, 0, 0 where ``mask`` is 0.
"""

KINDS: tuple[FileKind, ...] = get_args(FileKind)

TEMPLATE_KINDS: tuple[FileKind, ...] = ("rgb", "mask", "xyz")
"""What SAM-6D's templates are made of."""

_OF_RAYS: tuple[FileKind, ...] = ("depth", "normals")
"""What is not made of a template's own arrays, but of more that the rays tell."""

ENDINGS: Mapping[FileKind, str] = {kind: "npy" if kind == "xyz" else "png" for kind in KINDS}
"""By which its file ends."""

_DEPTH_STEPS = 65535
_DEPTH_SCALES = (0.1, 1.0, 10.0, 100.0)


@dataclass(frozen=True)
class WantedFiles:
    """The files that are made of each view.

    Attributes:
        kinds: of files, each once.
        depth_scale: mm that 1 stands for in a ``depth`` file.
    """

    kinds: tuple[FileKind, ...] = TEMPLATE_KINDS
    depth_scale: float = 1.0

    @property
    def of_rays(self) -> bool:
        """Whether a file is made of more than a template's own arrays."""
        return not set(_OF_RAYS).isdisjoint(self.kinds)

    def covers(self, other: WantedFiles) -> bool:
        """Whether these are all that ``other`` wants, and maybe more."""
        return set(other.kinds) <= set(self.kinds) and ("depth" not in other.kinds or self.depth_scale == other.depth_scale)


TEMPLATE = WantedFiles()
"""What SAM-6D's templates need."""


def depth_scale_for(farthest_mm: float) -> float | None:
    """The finest depth scale whose file holds a depth; None where none of them does.

    Args:
        farthest_mm: the largest depth of the job.
    """
    return next((scale for scale in _DEPTH_SCALES if farthest_mm / scale <= _DEPTH_STEPS), None)
