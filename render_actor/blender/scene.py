"""Makes Blender agree with a ``TemplateScene`` and renders its views."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from render_actor.blender.bounded_render import BoundedRender
from render_actor.blender.camera import aim, set_border
from render_actor.blender.left_out import LeftOut
from render_actor.blender.materials import GreyMaterial, gives_light
from render_actor.blender.sampling import apply_sampling, choose_lamps
from render_actor.blender.session import TEMPORARY_FOLDER, Light, Matrix, RendererUtility, bpy
from render_actor.blender.timed_render import sampling_seconds, timed_render
from render_actor.blender.warm_meshes import WarmMesh, WarmMeshes
from render_actor.contract.cameras import camera_poses
from render_actor.contract.scene import (
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
from render_actor.contract.types import CadMesh, SurfaceMaterial
from render_actor.contract.view_quality import ViewQuality
from render_actor.view.border import on_grid
from render_actor.view.direct_image import ViewDirect
from render_actor.view.direct_light import DirectLight
from render_actor.view.dithering import dithered
from render_actor.view.surface_guide import ViewGuide
from render_actor.view.surface_maps import SurfaceMaps
from render_actor.view.too_slow import ViewTooSlowError
from render_actor.view.xyz_raycast import ViewRays

_MARGIN = 3
"""Pixels rendered around the object: the pixel filter reaches 1.5, and the denoiser needs some background."""

_BACKGROUND_TOLERANCE = 64
"""Of 65535: the denoiser changes a pixel that sees only the world by no more than this."""

_SLOW_RAY_SEC = 3e-6
"""Ten times what a ray takes with an ordinary CAD of a million faces."""

_TRIAL_PIXELS = (400, 900)
_TRIAL_MARGIN = 2.0
"""A view is refused before it is sampled when each of these trials says that it would take so many times what it may."""

_Bounds = tuple[WarmMesh, TemplateScene, int, tuple[int, int, int, int]]


class BlenderScene:
    """The Blender scene of this process: one object at a time before a moving camera and light.

    Args:
        max_meshes: how many CADs stay loaded.

    Attributes:
        meshes: the loaded CADs.
    """

    def __init__(self, max_meshes: int) -> None:
        self.meshes = WarmMeshes(max_meshes)
        self._shown: WarmMesh | None = None
        self._last_bounds: _Bounds | None = None
        self._scene = bpy.context.scene
        self._light = Light("POINT")
        self._light.set_energy(LIGHT_ENERGY)
        self._light.set_radius(LIGHT_RADIUS)
        self._grey = GreyMaterial()
        self._image_path = TEMPORARY_FOLDER / "view.png"
        RendererUtility.set_denoiser(None)
        RendererUtility.set_world_background([WORLD_GREY] * 3)
        RendererUtility.set_output_format(file_format="PNG", color_depth=8, enable_transparency=False, view_transform=VIEW_TRANSFORM)
        # Blender's dithering counts pixels from the border's corner; `dithered` does it where it is wanted.
        self._scene.render.dither_intensity = 0.0
        self._scene.render.use_border = True
        self._scene.render.use_crop_to_border = True
        self._sampling: Sampling | None = None
        self._background = self._rendered_background()
        self._bounded = BoundedRender()
        self._left_out = LeftOut()

    def _rendered_background(self) -> NDArray[np.uint16]:
        """The colour, in 16 bits, of a pixel that sees only the world; also the proof that this Blender renders."""
        self._sample_as(Sampling(samples=1, denoiser="none", dither=True))
        set_border((0, 0, 1, 1), 64, 64)
        return self._rendered()[0, 0].astype(np.uint16)

    def warm_up(self) -> None:
        """Render a small view of a tetrahedron, denoiser and all, so that no request waits for the first kernels."""
        vertices = np.array([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
        faces = np.array([[0, 1, 2], [0, 3, 1], [0, 2, 3], [1, 3, 2]], dtype=np.int32)
        colors = np.full((4, 4), 128, dtype=np.uint8)
        mesh = CadMesh("warm-up", vertices, faces, None, colors, None, np.zeros(4, dtype=np.int32), (SurfaceMaterial(),), ())
        corners = np.array([vertices.min(axis=0), vertices.max(axis=0)])
        placed = object_to_scene(corners, normalize=True, recenter=False, axes="cad")
        scene = TemplateScene.stock(64, placed, poses_in_scene(camera_poses(0))[:1], 1.0, None, sampling_for("standard"))
        self.meshes.load(mesh)
        self.show(mesh.key, scene)
        mask, _ = self.mask_and_xyz(scene, 0)
        self.rgb(scene, 0, mask)
        self.meshes.drop(mesh.key)

    def show(self, key: str, scene: TemplateScene) -> None:
        """Put a loaded mesh, and nothing else, into the scene as a ``TemplateScene`` says.

        Args:
            key: of the mesh.
            scene: gives the placement, the sampling and the base colour.

        Raises:
            KeyError: the mesh is not loaded.
        """
        warm = self.meshes.use(key)
        if self._shown is not warm:
            if self._shown is not None and not self._shown.dropped:
                self._scene.collection.objects.unlink(self._shown.blender_object)
            if self._shown is not None and self._shown.dropped:
                # Cycles knows images by their addresses: one of the new mesh may lie where one of the removed mesh has been.
                self._sampling = None
            self._scene.collection.objects.link(warm.blender_object)
            self._shown = warm
        warm.blender_object.matrix_world = Matrix(scene.object_to_scene.tolist())
        self._sample_as(scene.sampling)
        bpy.context.view_layer.material_override = None if scene.base_color is None else self._grey.with_color(scene.base_color)

    def pixels(self, scene: TemplateScene, view: int) -> int:
        """How many pixels ``rgb`` renders: those around the shown mesh."""
        left, top, right, bottom = self._bounds(scene, view)
        return (right - left) * (bottom - top)

    def mask_and_xyz(self, scene: TemplateScene, view: int) -> tuple[NDArray[np.bool_], NDArray[np.float16]]:
        """The first two of ``seen``."""
        return self.seen(scene, view)[:2]

    def seen(
        self, scene: TemplateScene, view: int, may_take_sec: float = math.inf, *, with_surface: bool = False
    ) -> tuple[NDArray[np.bool_], NDArray[np.float16], SurfaceMaps | None]:
        """Mask (H, W) and object coordinates (H, W, 3) of the shown mesh, see ``ViewRays.cast``, and its depth and normals.

        Args:
            scene: the one that was given to ``show``.
            view: index of the camera.
            may_take_sec: CPU seconds, and seconds that ``rgb`` may take afterwards.
            with_surface: whether depth and normals are wanted; otherwise they are None.

        Raises:
            ViewTooSlowError: it would take longer than it may, or ``rgb`` surely would.
        """
        assert self._shown is not None
        rays = ViewRays(self._shown.coordinates, scene, view)
        # A GPU is quick only with many pixels: few say nothing about a view.
        if rays.seconds_a_ray > _SLOW_RAY_SEC and self._scene.cycles.device == "CPU":
            self._refuse_hopeless(scene, view, may_take_sec)
        mask, xyz = rays.cast(may_take_sec)
        return mask, xyz, rays.surface(self._shown.mesh.corner_normals) if with_surface else None

    def rgb(
        self,
        scene: TemplateScene,
        view: int,
        mask: NDArray[np.bool_],
        may_take_sec: float = math.inf,
        all_may_take_sec: float = math.inf,
    ) -> tuple[NDArray[np.uint8], ViewQuality]:
        """Path trace the shown mesh from one camera.

        Args:
            scene: the one that was given to ``show``.
            view: index of the camera.
            mask: (H, W) of ``mask_and_xyz``: an error bound is one of the object's pixels.
            may_take_sec: seconds for the sampling's ``samples`` and denoising; what Blender needs to get the mesh ready does not count.
            all_may_take_sec: seconds for that and for all further samples that an error bound needs.

        Returns:
            (H, W, 3) uint8 RGB, and what it took. Only the pixels around the object are rendered; the others have the world's colour.

        Raises:
            RuntimeError: Blender wrote no image.
            ViewTooSlowError: it took longer than it may.
        """
        assert self._shown is not None
        self._aim(scene, view)
        left, top, right, bottom = self._bounds(scene, view)
        sampling = scene.sampling
        rendered: NDArray[Any]
        if sampling.bound is None:
            rendered, quality = self._rendered(may_take_sec), ViewQuality(sampling.samples)
        else:
            guide = self._guide(scene, view, all_may_take_sec)
            direct = self._direct(scene, view, all_may_take_sec)
            object_pixels = mask[top:bottom, left:right]
            leave_out = self._left_out.of_view(self._shown.blender_object, self._shown.mesh, scene, left, top)
            try:
                rendered, quality = self._bounded.image(object_pixels, sampling, guide, may_take_sec, all_may_take_sec, direct, leave_out)
            finally:
                self._left_out.nowhere()
        flat = (self._background / 257.0).round()
        image = np.empty((scene.height, scene.width, 3), dtype=np.uint8)
        image[:] = flat
        if sampling.dither:
            seen = (np.abs(rendered.astype(np.int32) - self._background) > _BACKGROUND_TOLERANCE).any(axis=-1, keepdims=True)
            # The background stays flat: dithered, it would be most of the file.
            rendered = np.where(seen, dithered(rendered, scene.width, scene.height, left, top), flat.astype(np.uint8))
        image[top:bottom, left:right] = rendered
        return image, quality

    def _guide(self, scene: TemplateScene, view: int, may_take_sec: float = math.inf) -> ViewGuide | None:
        assert self._shown is not None
        guide = self._shown.guide(scene.base_color)
        return None if guide is None else ViewGuide(guide, scene, view, self._bounds(scene, view), may_take_sec)

    def _direct(self, scene: TemplateScene, view: int, may_take_sec: float) -> ViewDirect | None:
        assert self._shown is not None
        if self._scene.cycles.device != "CPU":
            return None  # A GPU's samples take less time than the CPU's rays.
        guide, grey = self._shown.guide(scene.base_color), scene.base_color is not None
        if guide is None or not (grey or DirectLight.knows(self._shown.mesh)):
            return None
        return ViewDirect(DirectLight(guide, scene, view, grey=grey), scene, view, self._bounds(scene, view), may_take_sec)

    def _aim(self, scene: TemplateScene, view: int) -> None:
        """Have the next render show the pixels around the object from one camera."""
        assert self._shown is not None
        aim(scene, view, self._shown.coordinates.depths(scene, view))
        self._light.blender_obj.location = scene.light_position(view).tolist()
        self._sample_as(scene.sampling)
        choose_lamps(scene.sampling, many=scene.base_color is None and any(map(gives_light, self._shown.mesh.materials)))
        set_border(self._bounds(scene, view), scene.width, scene.height)

    def _refuse_hopeless(self, scene: TemplateScene, view: int, may_take_sec: float) -> None:
        """Sample a small picture of a view, to spare the renderer one that would be given up in any case.

        Raises:
            ViewTooSlowError: every trial says that the view takes far longer than it may.
        """
        whole = self.pixels(scene, view)
        once = Sampling(samples=1, denoiser="none")
        estimates = []
        for pixels in _TRIAL_PIXELS:
            if pixels > whole / 2:
                return  # The view is hardly more than a trial.
            small = dataclasses.replace(scene.scaled(math.sqrt(pixels / whole)), sampling=once)
            self._aim(small, view)
            try:
                self._render(may_take_sec)
            except ViewTooSlowError as error:
                raise ViewTooSlowError(f"it would take longer: in a trial of {pixels} of its {whole} pixels {error}") from error
            seconds = sampling_seconds(self._image_path)
            self._image_path.unlink()
            if seconds is None:
                return
            estimates.append(seconds / self.pixels(small, view) * whole * scene.sampling.samples)
            if estimates[-1] < _TRIAL_MARGIN * may_take_sec:
                return
        raise ViewTooSlowError(f"it would take {min(estimates):.3g} s")

    def _bounds(self, scene: TemplateScene, view: int) -> tuple[int, int, int, int]:
        """The pixels around the object; remembered, since each of a million vertices is looked at."""
        assert self._shown is not None
        last = self._last_bounds
        if last is None or last[0] is not self._shown or last[1] is not scene or last[2] != view:
            bounds = self._shown.coordinates.image_bounds(scene, view, _MARGIN)
            if scene.sampling.denoiser == "compositor":
                bounds = on_grid(bounds, scene.width, scene.height)
            self._last_bounds = last = (self._shown, scene, view, bounds)
        return last[3]

    def _sample_as(self, sampling: Sampling) -> None:
        if sampling != self._sampling:
            self._sampling = sampling
            apply_sampling(sampling)

    def _rendered(self, may_take_sec: float = math.inf) -> NDArray[Any]:
        """RGB of the border: uint16 where the sampling asks for dithering, and so for more than 8 bits, otherwise uint8."""
        self._render(may_take_sec)
        image = cv2.imread(str(self._image_path), cv2.IMREAD_UNCHANGED)
        if image is None:
            raise RuntimeError("Blender ended a render without writing its image")
        self._image_path.unlink()
        return np.ascontiguousarray(image[..., ::-1])

    def _render(self, may_take_sec: float) -> None:
        self._scene.render.filepath = str(self._image_path)
        timed_render(self._image_path, may_take_sec)
