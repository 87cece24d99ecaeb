"""Makes Blender materials of a CAD's materials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from render_actor.blender.guide_pass import add_guide
from render_actor.blender.session import bpy
from render_actor.contract.types import SurfaceMaterial, TextureSlot

COLOR_LAYER = "Col"
"""Name of a mesh's colour attribute, by which its materials find it."""

_SOCKETS: dict[TextureSlot, str] = {
    "base_color": "Base Color",
    "roughness": "Roughness",
    "specular": "Specular IOR Level",
    "emission": "Emission Color",
    "alpha": "Alpha",
}


def blender_material(material: SurfaceMaterial, images: Sequence[Any], *, has_colors: bool) -> Any:
    """A new Blender material.

    Args:
        material: of the CAD.
        images: Blender's images of the mesh's textures, in their order.
        has_colors: whether the mesh has vertex colours; they are the base colour where no texture is.
    """
    result = bpy.data.materials.new(material.name)
    inputs = _surface_inputs(result)
    nodes, links = result.node_tree.nodes, result.node_tree.links
    inputs["Base Color"].default_value = (*material.base_color, 1.0)
    inputs["Alpha"].default_value = material.alpha
    inputs["Roughness"].default_value = material.roughness
    inputs["Specular IOR Level"].default_value = material.specular
    inputs["Emission Color"].default_value = (*material.emission, 1.0)
    inputs["Emission Strength"].default_value = 1.0 if any(material.emission) or "emission" in material.textures else 0.0
    if has_colors and "base_color" not in material.textures:
        colors = nodes.new("ShaderNodeVertexColor")
        colors.layer_name = COLOR_LAYER
        links.new(colors.outputs["Color"], inputs["Base Color"])
    for slot, index in material.textures.items():
        texture = nodes.new("ShaderNodeTexImage")
        texture.image = images[index]  # As sRGB, also where it is no colour: Blender's importer does the same.
        if slot == "bump":
            bump = nodes.new("ShaderNodeNormalMap")
            bump.inputs["Strength"].default_value = material.bump_strength
            links.new(texture.outputs["Color"], bump.inputs["Color"])
            links.new(bump.outputs["Normal"], inputs["Normal"])
        else:
            links.new(texture.outputs["Alpha" if slot == "alpha" else "Color"], inputs[_SOCKETS[slot]])
    add_guide(result)
    return result


class GreyMaterial:
    """SAM-6D's ``colorize``: one Principled surface whose grey can be changed."""

    def __init__(self) -> None:
        self._material: Any = None
        self._guide: Any = None

    def with_color(self, base_color: float) -> Any:
        """The material, set to a grey.

        Args:
            base_color: linear, 0..1.
        """
        if self._material is None:
            self._material = bpy.data.materials.new("colorize")
            _surface_inputs(self._material)
            self._guide = add_guide(self._material)
        self._guide.default_value = (base_color,) * 3
        _surface_inputs(self._material)["Base Color"].default_value = (base_color, base_color, base_color, 0.0)
        return self._material


def _surface_inputs(material: Any) -> Any:
    """The inputs of a material's Principled surface."""
    if not material.use_nodes:
        material.use_nodes = True
        nodes = material.node_tree.nodes
        # Unlinked, Cycles computes a tangent for every ray that hits; only an anisotropic surface needs it.
        tangent = nodes.new("ShaderNodeCombineXYZ")
        tangent.inputs["X"].default_value = 1.0
        material.node_tree.links.new(tangent.outputs["Vector"], nodes["Principled BSDF"].inputs["Tangent"])
    return material.node_tree.nodes["Principled BSDF"].inputs
