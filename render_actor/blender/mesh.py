"""Makes a Blender object of a CAD's arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from render_actor.blender.images import BlenderImages
from render_actor.blender.materials import COLOR_LAYER, blender_material
from render_actor.blender.session import bpy
from render_actor.contract.types import CadMesh

_UV_LAYER = "UVMap"


def blender_object(mesh: CadMesh) -> Any:
    """A new Blender object in the CAD's frame and unit, not linked to any scene; its materials and images are its own."""
    data = bpy.data.meshes.new("cad")
    data.vertices.add(len(mesh.vertices))
    data.vertices.foreach_set("co", np.ascontiguousarray(mesh.vertices, dtype=np.float32).ravel())
    data.loops.add(mesh.faces.size)
    data.loops.foreach_set("vertex_index", np.ascontiguousarray(mesh.faces, dtype=np.int32).ravel())
    data.polygons.add(len(mesh.faces))
    data.polygons.foreach_set("loop_start", np.arange(0, mesh.faces.size, 3, dtype=np.int32))
    data.polygons.foreach_set("material_index", np.ascontiguousarray(mesh.face_materials, dtype=np.int32))
    data.update(calc_edges=True)
    # Faces made from arrays are smooth unless told otherwise; a CAD without normals is flat.
    data.polygons.foreach_set("use_smooth", np.full(len(mesh.faces), mesh.corner_normals is not None))
    if mesh.corner_normals is not None:
        data.normals_split_custom_set(mesh.corner_normals.reshape(-1, 3).tolist())
    if mesh.vertex_colors is not None:
        layer = data.color_attributes.new(COLOR_LAYER, "BYTE_COLOR", "POINT")
        layer.data.foreach_set("color_srgb", (mesh.vertex_colors / 255.0).astype(np.float32).ravel())
    if mesh.corner_uv is not None:
        data.uv_layers.new(name=_UV_LAYER).data.foreach_set("uv", np.ascontiguousarray(mesh.corner_uv, dtype=np.float32).ravel())
    images = BlenderImages(mesh.textures)
    for material in mesh.materials:
        data.materials.append(blender_material(material, images, has_colors=mesh.vertex_colors is not None))
    return bpy.data.objects.new("cad", data)


def remove_object(blender_object: Any) -> None:
    """Remove an object made by ``blender_object`` from Blender, with its mesh, materials and images."""
    data = blender_object.data
    materials = list(data.materials)
    images = {node.image for material in materials for node in material.node_tree.nodes if node.type == "TEX_IMAGE"}
    bpy.data.objects.remove(blender_object)
    bpy.data.meshes.remove(data)
    for material in materials:
        bpy.data.materials.remove(material)
    for image in images:
        bpy.data.images.remove(image)
