"""Keeps the meshes that were used last loaded in Blender."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from render_actor.blender.mesh import blender_object, remove_object
from render_actor.contract.types import CadMesh
from render_actor.process.free_memory import give_back_free_memory
from render_actor.view.surface_guide import SurfaceGuide
from render_actor.view.xyz_raycast import ObjectCoordinates


@dataclass(eq=False)
class WarmMesh:
    """A CAD that is loaded in Blender and ready for ray casts.

    Attributes:
        mesh: its arrays.
        blender_object: Blender's object of it.
        coordinates: its ray caster.
        dropped: whether its Blender object has been removed.
    """

    mesh: CadMesh
    blender_object: Any
    coordinates: ObjectCoordinates
    dropped: bool = False
    _guide: tuple[float | None, SurfaceGuide] | None = None

    def guide(self, grey: float | None) -> SurfaceGuide | None:
        """Its guide, where the guide's expected value is known; made once, since its first ray has it look at every face.

        Args:
            grey: linear base colour that replaces the mesh's own, or None.
        """
        if grey is None and not SurfaceGuide.knows(self.mesh):
            return None
        if self._guide is None or self._guide[0] != grey:
            self._guide = (grey, SurfaceGuide(self.mesh, self.coordinates, grey))
        return self._guide[1]


class WarmMeshes:
    """The loaded meshes by key; the least recently used one is dropped first.

    Args:
        max_meshes: how many stay loaded.
    """

    def __init__(self, max_meshes: int) -> None:
        self._max_meshes = max_meshes
        self._meshes: OrderedDict[str, WarmMesh] = OrderedDict()

    def __contains__(self, key: str) -> bool:
        return key in self._meshes

    def load(self, mesh: CadMesh) -> WarmMesh:
        """Load a mesh into Blender, under its own key."""
        warm = WarmMesh(mesh, blender_object(mesh), ObjectCoordinates(mesh.vertices, mesh.faces))
        self.add(warm)
        return warm

    def add(self, warm: WarmMesh) -> None:
        """Keep a mesh that is loaded, and drop the least recently used ones when there are too many."""
        self._meshes[warm.mesh.key] = warm
        while len(self._meshes) > self._max_meshes:
            self.drop(next(iter(self._meshes)))

    def use(self, key: str) -> WarmMesh:
        """The mesh of a key, from now on the most recently used one.

        Raises:
            KeyError: it is not loaded.
        """
        self._meshes.move_to_end(key)
        return self._meshes[key]

    def drop(self, key: str) -> None:
        """Remove a mesh from Blender.

        Raises:
            KeyError: it is not loaded.
        """
        warm = self._meshes.pop(key)
        warm.dropped = True
        remove_object(warm.blender_object)
        give_back_free_memory()
