"""Makes Blender agree with a ``TemplateScene`` and renders its views."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from render_actor.blender.session import TEMPORARY_FOLDER, Light, Matrix, RendererUtility, bpy
from render_actor.contract.cameras import camera_poses
from render_actor.contract.scene import (
    FIELD_OF_VIEW,
    LIGHT_ENERGY,
    LIGHT_RADIUS,
    VIEW_TRANSFORM,
    WORLD_GREY,
    Sampling,
    TemplateScene,
    object_to_scene,
    poses_in_scene,
    sampling_for,
)
from render_actor.contract.types import CadMesh, SurfaceMaterial, TextureSlot
from render_actor.view.dithering import dithered
from render_actor.view.xyz_raycast import ObjectCoordinates

_COLOR_LAYER = "Col"
_UV_LAYER = "UVMap"
_MARGIN = 3
"""Pixels rendered around the object: the pixel filter reaches 1.5, and the denoiser likes to see background."""

_BACKGROUND_TOLERANCE = 64
"""Of 65535: what the denoiser may do to a pixel that sees only the world."""

_SOCKETS: dict[TextureSlot, str] = {
    "base_color": "Base Color",
    "roughness": "Roughness",
    "specular": "Specular IOR Level",
    "emission": "Emission Color",
    "alpha": "Alpha",
}


@dataclass
class WarmMesh:
    """A CAD that is loaded in Blender and ready for ray casts."""

    mesh: CadMesh
    blender_object: Any
    coordinates: ObjectCoordinates


class BlenderScene:
    """The Blender scene of this process: one object at a time before a moving camera and light.

    Args:
        warm_meshes: how many CADs stay loaded; the least recently used goes first.
    """

    def __init__(self, warm_meshes: int) -> None:
        self._most = warm_meshes
        self._warm: OrderedDict[str, WarmMesh] = OrderedDict()
        self._shown: WarmMesh | None = None
        self._scene = bpy.context.scene
        self._camera = self._scene.camera
        self._light = Light("POINT")
        self._light.set_energy(LIGHT_ENERGY)
        self._light.set_radius(LIGHT_RADIUS)
        self._grey_material: Any = None
        self._image_path = TEMPORARY_FOLDER / "view.png"
        RendererUtility.set_denoiser(None)
        RendererUtility.set_world_background([WORLD_GREY] * 3)
        RendererUtility.set_output_format(file_format="PNG", color_depth=8, enable_transparency=False, view_transform=VIEW_TRANSFORM)
        self._scene.render.image_settings.compression = 0
        # Blender's dithering counts pixels from the border's corner; where it is wanted, `dithered` does it.
        self._scene.render.dither_intensity = 0.0
        self._scene.render.filepath = str(self._image_path)
        self._scene.render.use_border = True
        self._scene.render.use_crop_to_border = True
        self._camera.data.lens_unit = "FOV"
        self._camera.data.angle = FIELD_OF_VIEW
        self._sampling: Sampling | None = None
        self._background = self._rendered_background()

    def _rendered_background(self) -> NDArray[np.uint16]:
        """The colour, in 16 bits, of a pixel that sees only the world; also the proof that this Blender renders."""
        self._apply_sampling(Sampling(samples=1, denoiser="none", dither=True))
        self._set_border((0, 0, 1, 1), 64)
        return self._rendered()[0, 0].astype(np.uint16)

    def warm_up(self) -> None:
        """Render a small view of a tetrahedron, denoiser and all, so that no request waits for the first kernels."""
        vertices = np.array([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
        faces = np.array([[0, 1, 2], [0, 3, 1], [0, 2, 3], [1, 3, 2]], dtype=np.int32)
        colors = np.full((4, 4), 128, dtype=np.uint8)
        mesh = CadMesh("warm-up", vertices, faces, None, colors, None, np.zeros(4, dtype=np.int32), (SurfaceMaterial(),), ())
        corners = np.array([vertices.min(axis=0), vertices.max(axis=0)])
        placed = object_to_scene(corners, normalize=True, recenter=False, axes="cad")
        scene = TemplateScene(64, placed, poses_in_scene(camera_poses(0))[:1], 1.0, None, sampling_for("standard"))
        self.load(mesh)
        self.show(mesh.key, scene)
        self.mask_and_xyz(scene, 0)
        self.rgb(scene, 0)
        self._drop(mesh.key)

    def is_warm(self, key: str) -> bool:
        """Whether the mesh of this key is loaded."""
        return key in self._warm

    def load(self, mesh: CadMesh) -> None:
        """Load a mesh, and drop the least recently used one when there are too many."""
        self._warm[mesh.key] = WarmMesh(mesh, _blender_object(mesh), ObjectCoordinates(mesh.vertices, mesh.faces))
        while len(self._warm) > self._most:
            self._drop(next(iter(self._warm)))

    def _drop(self, key: str) -> None:
        dropped = self._warm.pop(key)
        if self._shown is dropped:
            self._shown = None
        data = dropped.blender_object.data
        materials = list(data.materials)
        images = [node.image for material in materials for node in material.node_tree.nodes if node.type == "TEX_IMAGE"]
        bpy.data.objects.remove(dropped.blender_object)
        bpy.data.meshes.remove(data)
        for block, collection in [*((m, bpy.data.materials) for m in materials), *((i, bpy.data.images) for i in set(images))]:
            collection.remove(block)

    def show(self, key: str, scene: TemplateScene) -> None:
        """Put a warm mesh, and nothing else, into the scene as a ``TemplateScene`` wants it."""
        warm = self._warm[key]
        self._warm.move_to_end(key)
        if self._shown is not warm:
            if self._shown is not None:
                self._scene.collection.objects.unlink(self._shown.blender_object)
            self._scene.collection.objects.link(warm.blender_object)
            self._shown = warm
        warm.blender_object.matrix_world = Matrix(scene.object_to_scene.tolist())
        self._apply_sampling(scene.sampling)
        bpy.context.view_layer.material_override = None if scene.base_color is None else self._grey(scene.base_color)

    def mask_and_xyz(self, scene: TemplateScene, view: int) -> tuple[NDArray[np.bool_], NDArray[np.float16]]:
        """Mask (H, W) and object coordinates (H, W, 3) of the shown mesh; see ``ObjectCoordinates.cast``."""
        assert self._shown is not None
        return self._shown.coordinates.cast(scene, view)

    def rgb(self, scene: TemplateScene, view: int) -> NDArray[np.uint8]:
        """Path trace the shown mesh from one camera.

        Returns:
            (H, W, 3) uint8 RGB. Only the pixels around the object are rendered; the others have the world's colour.
        """
        assert self._shown is not None
        pose = np.array(scene.camera_poses[view])
        pose[:3, 1:3] *= -1  # Blender's camera looks along -z with y up.
        self._camera.matrix_world = Matrix(pose.tolist())
        self._light.blender_obj.location = scene.light_position(view).tolist()
        bounds = scene.image_bounds(view, self._shown.mesh.vertices, _MARGIN)
        self._set_border(bounds, scene.resolution)
        rendered = self._rendered()
        flat = (self._background / 257.0).round()
        image = np.empty((scene.resolution, scene.resolution, 3), dtype=np.uint8)
        image[:] = flat
        left, top, right, bottom = bounds
        if scene.sampling.dither:
            seen = (np.abs(rendered.astype(np.int32) - self._background) > _BACKGROUND_TOLERANCE).any(axis=-1, keepdims=True)
            # The background stays flat: dithered it would be most of the file.
            rendered = np.where(seen, dithered(rendered, scene.resolution, left, top), flat.astype(np.uint8))
        image[top:bottom, left:right] = rendered
        return image

    def _set_border(self, bounds: tuple[int, int, int, int], resolution: int) -> None:
        left, top, right, bottom = bounds
        render = self._scene.render
        render.resolution_x = render.resolution_y = resolution
        render.border_min_x, render.border_max_x = left / resolution, right / resolution
        render.border_min_y, render.border_max_y = 1 - bottom / resolution, 1 - top / resolution

    def _rendered(self) -> NDArray[Any]:
        """RGB of the border: uint16 where the sampling asks for dithering, and so for more than 8 bits, otherwise uint8."""
        bpy.ops.render.render(write_still=True)
        image = cv2.imread(str(self._image_path), cv2.IMREAD_UNCHANGED)
        if image is None:
            raise RuntimeError("Blender ended a render without writing its image")
        self._image_path.unlink()
        return np.ascontiguousarray(image[..., ::-1])

    def _apply_sampling(self, sampling: Sampling) -> None:
        if sampling == self._sampling:
            return
        self._sampling = sampling
        self._denoise_in_compositor(sampling.denoiser == "compositor")
        cycles = self._scene.cycles
        cycles.samples = sampling.samples
        cycles.use_adaptive_sampling = sampling.adaptive_threshold is not None
        cycles.adaptive_threshold = sampling.adaptive_threshold or 0.0
        cycles.adaptive_min_samples = sampling.adaptive_min_samples
        cycles.use_denoising = bpy.context.view_layer.cycles.use_denoising = sampling.denoiser == "cycles"
        cycles.denoiser = "OPENIMAGEDENOISE"
        cycles.denoising_use_gpu = cycles.device == "GPU"
        cycles.denoising_input_passes = "RGB_ALBEDO" if sampling.guides else "RGB"
        cycles.denoising_prefilter = "NONE"
        cycles.denoising_quality = sampling.denoiser_quality.upper()
        self._scene.render.image_settings.color_depth = "16" if sampling.dither else "8"
        # Cycles keeps its pattern of samples with the scene, and then the same request gives other noise after a
        # request with more samples: have it start afresh.
        self._scene.render.use_persistent_data = False
        self._scene.render.use_persistent_data = True

    def _denoise_in_compositor(self, wanted: bool) -> None:
        """Switch the stock procedure's denoiser on, or off with all that BlenderProc leaves switched on for it."""
        RendererUtility.set_denoiser("INTEL" if wanted else None)
        self._scene.use_nodes = self._scene.render.use_compositing = wanted
        layer = bpy.context.view_layer
        layer.use_pass_normal = layer.use_pass_diffuse_color = wanted

    def _grey(self, base_color: float) -> Any:
        """SAM-6D's ``colorize``: a Principled surface of one grey."""
        if self._grey_material is None:
            self._grey_material = bpy.data.materials.new("colorize")
        _surface_inputs(self._grey_material)["Base Color"].default_value = (base_color, base_color, base_color, 0.0)
        return self._grey_material


def _blender_object(mesh: CadMesh) -> Any:
    """A Blender object, not linked to the scene yet, made of a mesh's arrays."""
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
        layer = data.color_attributes.new(_COLOR_LAYER, "BYTE_COLOR", "POINT")
        layer.data.foreach_set("color_srgb", (mesh.vertex_colors / 255.0).astype(np.float32).ravel())
    if mesh.corner_uv is not None:
        data.uv_layers.new(name=_UV_LAYER).data.foreach_set("uv", np.ascontiguousarray(mesh.corner_uv, dtype=np.float32).ravel())
    images = [_blender_image(pixels, f"texture_{index}") for index, pixels in enumerate(mesh.textures)]
    for material in mesh.materials:
        data.materials.append(_blender_material(material, images, has_colors=mesh.vertex_colors is not None))
    return bpy.data.objects.new("cad", data)


def _blender_image(pixels: NDArray[np.uint8], name: str) -> Any:
    height, width = pixels.shape[:2]
    image = bpy.data.images.new(name, width, height, alpha=True)
    image.pixels.foreach_set((pixels[::-1] / 255.0).astype(np.float32).ravel())
    image.update()
    return image


def _surface_inputs(material: Any) -> Any:
    """The inputs of a material's Principled surface."""
    if not material.use_nodes:
        material.use_nodes = True
        nodes = material.node_tree.nodes
        # Left unlinked, Cycles works out a tangent for every ray that hits, which only an anisotropic surface would use.
        tangent = nodes.new("ShaderNodeCombineXYZ")
        tangent.inputs["X"].default_value = 1.0
        material.node_tree.links.new(tangent.outputs["Vector"], nodes["Principled BSDF"].inputs["Tangent"])
    return material.node_tree.nodes["Principled BSDF"].inputs


def _blender_material(material: SurfaceMaterial, images: list[Any], *, has_colors: bool) -> Any:
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
        colors.layer_name = _COLOR_LAYER
        links.new(colors.outputs["Color"], inputs["Base Color"])
    for slot, index in material.textures.items():
        texture = nodes.new("ShaderNodeTexImage")
        texture.image = images[index]  # As sRGB, also where it is no colour: so Blender's importer has it.
        if slot == "bump":
            bump = nodes.new("ShaderNodeNormalMap")
            bump.inputs["Strength"].default_value = material.bump_strength
            links.new(texture.outputs["Color"], bump.inputs["Color"])
            links.new(bump.outputs["Normal"], inputs["Normal"])
        else:
            links.new(texture.outputs["Alpha" if slot == "alpha" else "Color"], inputs[_SOCKETS[slot]])
    return result
