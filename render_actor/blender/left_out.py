"""Has Cycles leave the object out in some pixels: what the camera sees there is black, and no light is followed from it.

A material looks the pixel up in an image. The other pixels get the very samples that they would get without that.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from render_actor.blender.materials import gives_light
from render_actor.blender.session import TEMPORARY_FOLDER, bpy
from render_actor.contract.scene import TemplateScene
from render_actor.contract.types import CadMesh
from render_actor.view.narrowing import LeaveOut

_MOST_MATERIALS = 32
"""Cycles compiles each of them again when other pixels are left out."""

_MOST_PIXELS = 2_100_000
"""Of the whole picture, of which an image is written each time."""


class LeftOut:
    """The pixels of one view in which the object is left out; there are none at first.

    Cycles keeps an image while any material has it, be it one that is not shown any more, and knows it by the name of its file: each time,
    the file has another name.
    """

    def __init__(self) -> None:
        self._image: Any = None
        self._path: Path | None = None
        self._count = 0
        self._changed: list[tuple[Any, Any, list[Any]]] = []

    def of_view(self, blender_object: Any, mesh: CadMesh, scene: TemplateScene, left: int, top: int) -> LeaveOut | None:
        """Leaves out pixels of a view; None where that can't be done, or would be too dear.

        Args:
            blender_object: that is shown.
            mesh: of it.
            scene: tells the size of the picture.
            left: column of the picture's first pixel that is rendered.
            top: its row.
        """
        if bpy.context.scene.cycles.device != "CPU" or scene.width * scene.height > _MOST_PIXELS:
            return None  # A GPU follows the light of many pixels at once.
        grey, own = bpy.context.view_layer.material_override, blender_object.data.materials
        # What gives light stays as it is: Cycles would take it for another kind of lamp.
        changed = [one for one, told in zip(own, mesh.materials, strict=True) if not gives_light(told)] if grey is None else [grey]
        if not 0 < len(changed) <= _MOST_MATERIALS:
            return None

        def sample_only(where: NDArray[np.bool_]) -> None:
            everywhere = np.zeros((scene.height, scene.width), dtype=bool)
            everywhere[top : top + len(where), left : left + where.shape[1]] = where
            self._sample_only(everywhere, changed)

        return LeaveOut(sample_only, len(mesh.faces))

    def _sample_only(self, where: NDArray[np.bool_], materials: Sequence[Any]) -> None:
        self._remove_file()
        self._count += 1
        self._path = TEMPORARY_FOLDER / f"left-out-{self._count}.png"
        if not cv2.imwrite(str(self._path), np.where(where, np.uint8(0), np.uint8(255)), [cv2.IMWRITE_PNG_COMPRESSION, 1]):
            raise RuntimeError("the image of the pixels that are left out could not be written")
        if self._image is None:
            self._image = bpy.data.images.load(str(self._path))
            self._image.colorspace_settings.name = "Non-Color"
        self._image.filepath = str(self._path)
        if not self._changed:
            self._changed = [_look_up(material, self._image) for material in materials]

    def _remove_file(self) -> None:
        if self._path is not None:
            self._path.unlink(missing_ok=True)
            self._path = None

    def nowhere(self) -> None:
        """Leave out no pixel any more."""
        self._remove_file()
        for tree, surface, nodes in self._changed:
            output = nodes[-1].outputs["Shader"].links[0].to_socket
            tree.links.new(surface, output)
            for node in nodes:
                tree.nodes.remove(node)
        self._changed.clear()


def _look_up(material: Any, pixels: Any) -> tuple[Any, Any, list[Any]]:
    """Have a material look up whether it is to be left out; gives its tree, what its surface was, and the new nodes."""
    tree = material.node_tree
    output = next(node for node in tree.nodes if node.type == "OUTPUT_MATERIAL").inputs["Surface"]
    surface = output.links[0].from_socket
    image, place, path, both, mix = (
        tree.nodes.new(f"ShaderNode{kind}") for kind in ("TexImage", "TexCoord", "LightPath", "Math", "MixShader")
    )
    image.image = pixels
    image.interpolation, image.extension = "Closest", "EXTEND"
    tree.links.new(place.outputs["Window"], image.inputs["Vector"])
    both.operation = "MULTIPLY"
    tree.links.new(path.outputs["Is Camera Ray"], both.inputs[0])
    tree.links.new(image.outputs["Color"], both.inputs[1])
    tree.links.new(both.outputs["Value"], mix.inputs["Fac"])
    tree.links.new(surface, mix.inputs[1])  # The other one has no link: black, and no light goes on from there.
    tree.links.new(mix.outputs["Shader"], output)
    return tree, surface, [image, place, path, both, mix]
