"""Makes Blender materials of a CAD's materials."""

from __future__ import annotations

from typing import Any

from render_actor.blender.guide_pass import add_guide
from render_actor.blender.images import BlenderImages
from render_actor.blender.session import bpy
from render_actor.contract.types import DATA_SLOTS, SurfaceMaterial, TextureSlot, Wrap

COLOR_LAYER = "Col"
"""Name of a mesh's colour attribute, by which its materials find it."""

_SOCKETS: dict[TextureSlot, str] = {
    "base_color": "Base Color",
    "roughness": "Roughness",
    "specular": "Specular IOR Level",
    "emission": "Emission Color",
    "alpha": "Alpha",
}


_EXTENSIONS: dict[Wrap, str] = {"repeat": "REPEAT", "clamp": "EXTEND", "mirror": "MIRROR"}


def gives_light(material: SurfaceMaterial) -> bool:
    """Whether a surface shines on others."""
    return material.unlit or any(material.emission) or "emission" in material.textures


def blender_material(material: SurfaceMaterial, images: BlenderImages, *, has_colors: bool) -> Any:
    """A new Blender material.

    Args:
        material: of the CAD.
        images: of the mesh's textures.
        has_colors: whether the mesh has vertex colours.
    """
    result = bpy.data.materials.new(material.name)
    inputs = _surface_inputs(result)
    nodes = _Nodes(result, material, images)
    inputs["Base Color"].default_value = (*material.base_color, 1.0)
    inputs["Alpha"].default_value = material.alpha
    inputs["Metallic"].default_value = material.metallic
    inputs["Roughness"].default_value = material.roughness
    inputs["Specular IOR Level"].default_value = material.specular
    inputs["Emission Color"].default_value = (*material.emission, 1.0)
    inputs["Emission Strength"].default_value = 1.0 if any(material.emission) or "emission" in material.textures else 0.0
    if has_colors and ("base_color" not in material.textures or material.multiplied):
        colors = nodes.colors()
        factor = material.base_color if material.multiplied else None
        nodes.drive(inputs["Base Color"], colors, factor)
    for slot in material.textures:
        texture = nodes.image(slot)
        if slot in ("bump", "normal"):
            bump = nodes.new("ShaderNodeNormalMap")
            bump.inputs["Strength"].default_value = material.bump_strength
            nodes.link(texture.outputs["Color"], bump.inputs["Color"])
            nodes.link(bump.outputs["Normal"], inputs["Normal"])
        elif slot == "metallic_roughness":
            channels = nodes.new("ShaderNodeSeparateColor")
            nodes.link(texture.outputs["Color"], channels.inputs["Color"])
            nodes.link(nodes.times(channels.outputs["Green"], material.roughness), inputs["Roughness"])
            nodes.link(nodes.times(channels.outputs["Blue"], material.metallic), inputs["Metallic"])
        elif slot == "alpha":
            alpha = texture.outputs["Alpha"]
            nodes.link(nodes.seen(nodes.times(alpha, material.alpha)) if material.multiplied else alpha, inputs["Alpha"])
        elif material.multiplied and slot == "base_color" and inputs["Base Color"].is_linked:
            nodes.drive(inputs["Base Color"], nodes.product(inputs["Base Color"].links[0].from_socket, texture.outputs["Color"]))
        elif material.multiplied and slot in ("base_color", "emission"):
            nodes.drive(inputs[_SOCKETS[slot]], texture.outputs["Color"], getattr(material, slot))
        else:
            nodes.link(texture.outputs["Color"], inputs[_SOCKETS[slot]])
    if material.unlit:
        nodes.give_off_base_color(inputs)
    add_guide(result)
    return result


class _Nodes:
    """Makes the nodes of one material."""

    def __init__(self, blender_material: Any, material: SurfaceMaterial, images: BlenderImages) -> None:
        self._tree, self._material, self._images = blender_material.node_tree, material, images

    def new(self, kind: str) -> Any:
        return self._tree.nodes.new(kind)

    def link(self, output: Any, socket: Any) -> None:
        self._tree.links.new(output, socket)

    def image(self, slot: TextureSlot) -> Any:
        """The image in a slot."""
        texture = self.new("ShaderNodeTexImage")
        texture.image = self._images.image(self._material.textures[slot], numbers=slot in DATA_SLOTS)
        texture.extension = _EXTENSIONS[self._material.wrap]
        return texture

    def colors(self) -> Any:
        """The vertex colours."""
        colors = self.new("ShaderNodeVertexColor")
        colors.layer_name = COLOR_LAYER
        return colors.outputs["Color"]

    def drive(self, socket: Any, color: Any, factor: tuple[float, float, float] | None = None) -> None:
        """Have a colour, times a factor that is the same everywhere, drive an input."""
        self.link(color if factor in (None, (1.0, 1.0, 1.0)) else self.product(color, factor), socket)

    def product(self, color: Any, other: Any) -> Any:
        """A colour times another one, or times three numbers."""
        product = self.new("ShaderNodeVectorMath")
        product.operation = "MULTIPLY"
        self.link(color, product.inputs[0])
        if isinstance(other, tuple):
            product.inputs[1].default_value = other
        else:
            self.link(other, product.inputs[1])
        return product.outputs["Vector"]

    def times(self, value: Any, factor: float) -> Any:
        """A number times one that is the same everywhere."""
        return value if factor == 1.0 else self._math("MULTIPLY", value, factor)

    def seen(self, alpha: Any) -> Any:
        """Opacity after the material's cutoff."""
        if self._material.alpha_cutoff is None:
            return alpha
        below = self._math("LESS_THAN", alpha, self._material.alpha_cutoff)
        return self._math("SUBTRACT", 1.0, below)

    def give_off_base_color(self, inputs: Any) -> None:
        """Let the base colour be light, and nothing else be seen of the surface."""
        base = inputs["Base Color"]
        if base.is_linked:
            link = base.links[0]
            self.link(link.from_socket, inputs["Emission Color"])
            self._tree.links.remove(link)
        else:
            inputs["Emission Color"].default_value = base.default_value
        base.default_value = (0.0, 0.0, 0.0, 1.0)
        inputs["Emission Strength"].default_value = 1.0
        inputs["Specular IOR Level"].default_value = 0.0

    def _math(self, operation: str, *values: Any) -> Any:
        node = self.new("ShaderNodeMath")
        node.operation = operation
        for socket, value in zip(node.inputs, values, strict=False):
            if isinstance(value, float):
                socket.default_value = value
            else:
                self.link(value, socket)
        return node.outputs["Value"]


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
