"""Files of the formats that hold scenes or exact shapes: glTF, 3MF, COLLADA, OFF, STEP, IGES."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tests.hostile.case import Case, Outcome, case
from tests.hostile.scenes import brep, collada, gltf, gltf_file, off, threemf
from tests.hostile.scenes.iges_file import iges
from tests.hostile.scenes.step_file import step

GOOD_SCENES: dict[str, bytes] = {
    "part.step": step().encode(),
    "part.igs": iges(),
    "part.glb": gltf_file.glb(),
    "part.gltf": gltf_file.text(),
    "part.3mf": threemf.package(threemf.model()),
    "part.dae": collada.dae(),
    "part.off": off.off(),
}
"""One good file of each."""

_NATIVE = (".step", ".igs")


def scene_cases() -> Iterator[Case]:
    """All of them."""
    for found in _whole_cut_and_mistaken():
        yield replace(found, native=found.suffix in _NATIVE)
    for generate in (
        *(gltf.graph_cases, gltf.accessor_cases, gltf.reference_cases, gltf.look_cases, gltf.container_cases),
        *(threemf.container_cases, threemf.model_cases, collada.document_cases, off.off_cases, brep.step_cases, brep.iges_cases),
    ):
        yield from generate()


def _whole_cut_and_mistaken() -> Iterator[Case]:
    for name, data in GOOD_SCENES.items():
        suffix = Path(name).suffix
        yield case("scene-good", suffix[1:], suffix, data, "rendered")
        for percent in range(0, 100, 10):
            yield case("scene-truncated", f"{suffix[1:]}-{percent:02}", suffix, data[: len(data) * percent // 100])
        for other, content in GOOD_SCENES.items():
            if other != name:
                # A reader may see the one form of glTF under the name of the other.
                outcome: Outcome = "either" if {suffix, Path(other).suffix} == {".glb", ".gltf"} else "refused"
                yield case("scene-confusion", f"{suffix[1:]}-is-{Path(other).suffix[1:]}", suffix, content, outcome)
