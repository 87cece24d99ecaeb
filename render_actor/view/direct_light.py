"""The lamp's light that a surface reflects once, in all directions, by our own rays: one to the surface and one on to the lamp.

It is most of the light in a template, and nearly all of its noise: outlines, edges, prints and shadows. What Cycles' samples say of it is
exchanged for what many cheap rays say, see ``direct_image``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from render_actor.contract.scene import LIGHT_RADIUS, TemplateScene
from render_actor.contract.types import CadMesh
from render_actor.view.surface_guide import SurfaceGuide

_OFF_SURFACE = 2e-6
"""Of the mesh's size: so far before the surface a ray to the lamp begins, or it would meet the surface itself."""

_UNKNOWN_SLOTS = frozenset({"alpha", "emission", "bump", "normal", "metallic_roughness"})
"""Textures that change how a surface reflects, or let it shine on others, in a way that the rays do not follow."""

_MOST_KINDS = 8


@dataclass(frozen=True)
class Lit:
    """What some rays from the camera meet.

    Attributes:
        hit: (N,) indices of the rays that meet the surface.
        light: (N, 3) base colour times cosine of the lamp's angle over its squared distance in scene units; 0 in the shadow.
        cosine: (N,) of the angle between the shading normal and the way back to the camera, 0..1.
        kind: (N,) of the surface, see ``DirectLight.kinds``.
    """

    hit: NDArray[np.int64]
    light: NDArray[np.float32]
    cosine: NDArray[np.float32]
    kind: NDArray[np.int64]


class DirectLight:
    """The direct light of one mesh in one view.

    Args:
        guide: knows the mesh and its base colours.
        scene: gives camera and lamp.
        view: index of the camera.
        grey: whether one grey replaces the mesh's own look.
    """

    def __init__(self, guide: SurfaceGuide, scene: TemplateScene, view: int, *, grey: bool) -> None:
        self._guide, self._mesh, self._coordinates = guide, guide.mesh, guide.coordinates
        to_cad = np.linalg.inv(scene.object_to_scene)
        self._centre = scene.camera_in_cad(view)[1]
        lamp = to_cad[:3, :3] @ scene.light_position(view) + to_cad[:3, 3]
        self._lamp = (lamp - self._coordinates.middle).astype(np.float32)
        self._scale = np.float32(np.linalg.norm(scene.object_to_scene[:3, 0]))
        self._radius = np.float32(LIGHT_RADIUS) / self._scale
        self._grey = grey

    @staticmethod
    def knows(mesh: CadMesh) -> bool:
        """Whether rays tell the direct light of a mesh in its own look; beside that, ``SurfaceGuide.knows`` must be true."""
        plain = all(not any(material.emission) and not _UNKNOWN_SLOTS & set(material.textures) for material in mesh.materials)
        return plain and len({_reflection(material) for material in mesh.materials}) <= _MOST_KINDS

    @cached_property
    def _kind_of_material(self) -> NDArray[np.int64]:
        looks = [() if self._grey else _reflection(material) for material in self._mesh.materials]
        different = list(dict.fromkeys(looks))
        return np.array([different.index(look) for look in looks])

    @property
    def kinds(self) -> int:
        """Number of the ways in which parts of the surface reflect."""
        return int(self._kind_of_material.max()) + 1

    @cached_property
    def _in_all_directions(self) -> NDArray[np.float32]:
        """(materials,) the part that is no metal."""
        return np.array([1.0 if self._grey else 1 - material.metallic for material in self._mesh.materials], dtype=np.float32)

    @cached_property
    def _vertices(self) -> NDArray[np.float32]:
        return self._coordinates.vertices.astype(np.float32)

    @cached_property
    def _off(self) -> np.float32:
        return np.float32(_OFF_SURFACE * np.abs(self._vertices).max())

    def along(self, directions: NDArray[np.float32], disk: NDArray[np.float32]) -> Lit:
        """What rays from the camera meet.

        Args:
            directions: (R, 3) in the CAD's axes.
            disk: (R, 2) places on the lamp, uniform in 0..1.
        """
        found = self._coordinates.hits(self._centre, directions)
        hit = np.nonzero(found["primID"] >= 0)[0]
        faces, u, v = (found[name][hit] for name in ("primID", "u", "v"))
        weights = np.stack([1 - u - v, u, v], axis=-1)
        back = _unit(-directions[hit])
        corners = self._mesh.faces[faces]
        place = np.einsum("rk,rkc->rc", weights, self._vertices[corners])
        flat = self._guide.flat[faces]
        flat = flat * np.sign(_dot(flat, back))[:, None]
        normal = flat
        if self._mesh.corner_normals is not None:
            normal = _unit(np.einsum("rk,rkc->rc", weights, self._mesh.corner_normals[faces]))
            normal = normal * np.sign(_dot(self._guide.flat[faces], back))[:, None]
        to_lamp = self._on_lamp(self._lamp - place, disk[hit])
        squared = _dot(to_lamp, to_lamp)
        cosine = _dot(normal, to_lamp) / np.sqrt(squared)
        strength = np.maximum(cosine, np.float32(0)) / (squared * self._scale**2)
        strength[~self._reaches(place + flat * self._off, to_lamp, strength > 0)] = 0
        materials = self._mesh.face_materials[faces]
        light = self._guide.base.at(faces, weights) * (strength * self._in_all_directions[materials])[:, None]
        kind = self._kind_of_material[materials]
        return Lit(hit, light, np.clip(_dot(normal, back), 0, 1), kind)

    def _on_lamp(self, middle: NDArray[np.float32], disk: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, 3) to a place on the lamp, which is a disk that looks here; ``middle`` is (N, 3) the way to its middle."""
        axis = _unit(middle)
        # A basis without branches: Duff et al., "Building an Orthonormal Basis, Revisited", JCGT 2017.
        sign = np.where(axis[:, 2] >= 0, np.float32(1), np.float32(-1))
        a = -1 / (sign + axis[:, 2])
        b = axis[:, 0] * axis[:, 1] * a
        first = np.stack([1 + sign * axis[:, 0] ** 2 * a, sign * b, -sign * axis[:, 0]], axis=-1)
        second = np.stack([b, sign + axis[:, 1] ** 2 * a, -axis[:, 1]], axis=-1)
        radius, angle = self._radius * np.sqrt(disk[:, 0]), np.float32(2 * np.pi) * disk[:, 1]
        return np.asarray(middle + (radius * np.cos(angle))[:, None] * first + (radius * np.sin(angle))[:, None] * second)

    def _reaches(self, places: NDArray[np.float32], ways: NDArray[np.float32], asked: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(N,) whether nothing is in the way from places to the lamp; True where it is not asked."""
        free = np.ones(len(places), dtype=bool)
        free[asked] = ~self._coordinates.blocked(places[asked], ways[asked])
        return free


def _reflection(material: Any) -> tuple[object, ...]:
    return (
        material.metallic,
        material.specular,
        material.roughness,
        tuple(sorted(slot for slot in material.textures if slot != "base_color")),
    )


def _dot(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(np.einsum("rc,rc->r", a, b))


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(vectors / np.maximum(np.sqrt(_dot(vectors, vectors)), np.float32(1e-30))[:, None])
