"""Which extensions of glTF are read, and what is said of the others."""

from __future__ import annotations

from typing import Any

from serve_app.cad.formats.gltf_file import GltfFile
from serve_app.cad.refusals import quoted

_READ = {
    "KHR_mesh_quantization",
    "KHR_texture_transform",
    "KHR_materials_unlit",
    "KHR_materials_emissive_strength",
    "KHR_materials_pbrSpecularGlossiness",
    "KHR_materials_specular",
    "KHR_materials_ior",
    "EXT_texture_webp",
}

_HARMLESS = ("KHR_xmp", "KHR_animation_pointer", "KHR_materials_variants", "KHR_lights_", "EXT_lights_")
"""What they say has no part in a template."""

_LOOKS = "KHR_materials_"
"""What materials have of these is left out, with a warning where it is."""

_COPIES = "EXT_mesh_gpu_instancing"

_REMEDIES = {
    "KHR_draco_mesh_compression": "it is Draco-compressed: export it without compression",
    "EXT_meshopt_compression": "it is meshopt-compressed: export it without compression (gltfpack without -c)",
    "KHR_meshopt_compression": "it is meshopt-compressed: export it without compression (gltfpack without -c)",
    "KHR_texture_basisu": "its textures are KTX2: export it with PNG or JPEG textures",
    "EXT_texture_avif": "its textures are AVIF: export it with PNG or JPEG textures",
    "MSFT_texture_dds": "its textures are DDS: export it with PNG or JPEG textures",
    _COPIES: "its copies are made by the GPU: export each copy as a node (gltfpack without -mi)",
}


def check_extensions(gltf: GltfFile) -> None:
    """Refuse a file that cannot be read without an extension that is not read here.

    Raises:
        ValueError: names the extension, and what to do.
    """
    for name in _listed(gltf, "extensionsRequired"):
        if name not in _READ and not name.startswith((_LOOKS, *_HARMLESS)):
            raise ValueError(f"it needs the extension {quoted(name)}, which is not read; {_remedy(name)}")


def check_node(node: dict[str, Any], owner: str) -> None:
    """Refuse a node that stands for more than it says without an extension, whether the file calls that needed or not.

    Raises:
        ValueError: names the extension, and what to do.
    """
    if extension_of(node, _COPIES) is not None:
        raise ValueError(f"{owner} has the extension {quoted(_COPIES)}, which is not read; {_remedy(_COPIES)}")


def _remedy(name: str) -> str:
    return _REMEDIES.get(name, "export it without that extension")


def left_out(gltf: GltfFile) -> list[str]:
    """Warnings for what of a file has no part in a template, or is not read."""
    messages = []
    kinds = [kind for kind in ("cameras", "animations", "skins") if gltf.header.get(kind)]
    if any("lights" in name for name in _listed(gltf, "extensionsUsed")):
        kinds.append("lights")
    if kinds:
        still = "; skinned meshes stand where their nodes are, not as their joints turn them" if "skins" in kinds else ""
        messages.append(f"its {' and '.join(kinds)} are left out{still}")
    if len(gltf.entries("scenes")) > 1:
        messages.append("it has several scenes: only the one that it declares as its own is rendered")
    return messages


def _listed(gltf: GltfFile, key: str) -> list[str]:
    names: Any = gltf.header.get(key, [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"its {key} are no list of names")
    return names


def extension_of(entry: dict[str, Any], name: str) -> dict[str, Any] | None:
    """What an entry of the header says by an extension, or None."""
    extensions = entry.get("extensions")
    found = extensions.get(name) if isinstance(extensions, dict) else None
    return found if isinstance(found, dict) else None
