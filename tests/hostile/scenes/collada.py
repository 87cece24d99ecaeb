"""COLLADA: XML that grows, nodes that hold themselves, arrays that lie."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tests.hostile.case import Case, Outcome, case
from tests.hostile.files import TRIANGLES, VERTICES
from tests.hostile.scenes.xml import ENTITIES

_POSITIONS = " ".join(map(str, np.ravel(VERTICES)))
_INDICES = " ".join(map(str, np.ravel(TRIANGLES)))

TRIANGLES_ELEMENT = f'<triangles count="4"><input semantic="VERTEX" source="#v" offset="0"/><p>{_INDICES}</p></triangles>'
SCENE = '<node id="part"><instance_geometry url="#g"/></node>'


def dae(
    *,
    scene: str = SCENE,
    nodes: str = "",
    positions: str = _POSITIONS,
    count: object = 12,
    stride: object = 3,
    accessor_count: object = 4,
    primitives: str = TRIANGLES_ELEMENT,
    effects: str = "",
    unit: str = '<unit name="millimeter" meter="0.001"/>',
    axis: str = "Z_UP",
    before: str = "",
    inside: str = "",
    instance: str = '<instance_visual_scene url="#s"/>',
) -> bytes:
    """The solid of ``files`` as a document, parts of which a case may replace."""
    return (
        f'<?xml version="1.0" encoding="utf-8"?>{before}<COLLADA xmlns="http://www.collada.org/2005/11/COLLADASchema" version="1.4.1">'
        f"<asset>{unit}<up_axis>{axis}</up_axis></asset>{inside}{effects}"
        '<library_geometries><geometry id="g"><mesh><source id="p">'
        f'<float_array id="a" count="{count}">{positions}</float_array><technique_common>'
        f'<accessor source="#a" count="{accessor_count}" stride="{stride}"><param name="X" type="float"/><param name="Y" type="float"/>'
        '<param name="Z" type="float"/></accessor></technique_common></source>'
        f'<vertices id="v"><input semantic="POSITION" source="#p"/></vertices>{primitives}</mesh></geometry></library_geometries>'
        f'<library_nodes>{nodes}</library_nodes><library_visual_scenes><visual_scene id="s">{scene}</visual_scene></library_visual_scenes>'
        f"<scene>{instance}</scene></COLLADA>"
    ).encode()


def _triangles(indices: str, count: object = 4) -> str:
    return f'<triangles count="{count}"><input semantic="VERTEX" source="#v" offset="0"/><p>{indices}</p></triangles>'


def _image(uri: str) -> str:
    """A material ``mat`` whose texture is an image of this URI."""
    surface = '<newparam sid="f"><surface type="2D"><init_from>i</init_from></surface></newparam>'
    sampler = '<newparam sid="m"><sampler2D><source>f</source></sampler2D></newparam>'
    look = '<technique sid="t"><phong><diffuse><texture texture="m" texcoord="UV"/></diffuse></phong></technique>'
    return (
        f'<library_images><image id="i"><init_from>{uri}</init_from></image></library_images>'
        f'<library_effects><effect id="e"><profile_COMMON>{surface}{sampler}{look}</profile_COMMON></effect></library_effects>'
        '<library_materials><material id="mat"><instance_effect url="#e"/></material></library_materials>'
    )


_BOUND = (
    '<node id="part"><instance_geometry url="#g"><bind_material><technique_common><instance_material symbol="m" target="#mat"/>'
    "</technique_common></bind_material></instance_geometry></node>"
)


def document_cases() -> Iterator[Case]:
    holder = "".join(f'<node id="n{i}"><instance_node url="#n{i + 1}"/><instance_node url="#n{i + 1}"/></node>' for i in range(40))
    leaf = '<node id="n40"><instance_geometry url="#g"/></node>'
    place = '<node><{kind}>{numbers}</{kind}><instance_geometry url="#g"/></node>'
    polygons = '<polylist count="{}"><input semantic="VERTEX" source="#v" offset="0"/><vcount>{}</vcount><p>{}</p></polylist>'
    documents: dict[str, tuple[bytes, Outcome]] = {
        "holds-itself": (dae(scene='<node id="n"><instance_node url="#n"/></node>'), "refused"),
        "circle": (
            dae(
                scene='<node><instance_node url="#a"/></node>',
                nodes='<node id="a"><instance_node url="#b"/></node><node id="b"><instance_node url="#a"/></node>',
            ),
            "refused",
        ),
        "doubling": (dae(scene='<node><instance_node url="#n0"/></node>', nodes=leaf + holder), "refused"),
        "deep-nodes": (dae(scene="<node>" * 20_000 + '<instance_geometry url="#g"/>' + "</node>" * 20_000), "either"),
        "nested-elements": (dae(inside="<extra>" * 100_000), "refused"),
        "no-such-geometry": (dae(scene='<node><instance_geometry url="#x"/></node>'), "refused"),
        "no-such-node": (dae(scene='<node><instance_node url="#x"/></node>'), "refused"),
        "no-such-scene": (dae(instance='<instance_visual_scene url="#x"/>'), "refused"),
        "no-scene": (dae(instance=""), "either"),
        "empty-scene": (dae(scene=""), "refused"),
        "geometry-of-a-file": (dae(scene='<node><instance_geometry url="file:///etc/passwd#g"/></node>'), "refused"),
        "geometry-of-the-net": (dae(scene='<node><instance_geometry url="http://127.0.0.1:9/a.dae#g"/></node>'), "refused"),
        "positions-nan": (dae(positions=_POSITIONS.replace("40", "NaN", 1)), "refused"),
        "positions-infinite": (dae(positions=_POSITIONS.replace("40", "1e999", 1)), "refused"),
        "positions-words": (dae(positions="x " * 12), "refused"),
        "positions-few": (dae(positions="1 2 3"), "refused"),
        "positions-none": (dae(positions=""), "refused"),
        "count-lies": (dae(count=10**9), "either"),
        "accessor-beyond": (dae(accessor_count=10**9), "either"),
        "stride-zero": (dae(stride=0), "either"),
        "stride-negative": (dae(stride=-3), "either"),
        "stride-word": (dae(stride="x"), "either"),
        "index-beyond": (dae(primitives=_triangles("0 1 4")), "refused"),
        "index-negative": (dae(primitives=_triangles("0 1 -1")), "refused"),
        "index-huge": (dae(primitives=_triangles("0 1 99999999999999999999")), "refused"),
        "index-word": (dae(primitives=_triangles("0 1 x")), "refused"),
        "index-odd": (dae(primitives=_triangles("0 1")), "refused"),
        "count-negative": (dae(primitives=_triangles(_INDICES, -4)), "either"),
        "no-input": (dae(primitives=f'<triangles count="4"><p>{_INDICES}</p></triangles>'), "refused"),
        "no-source": (dae(primitives=TRIANGLES_ELEMENT.replace("#v", "#x")), "refused"),
        "offset-huge": (dae(primitives=TRIANGLES_ELEMENT.replace('offset="0"', 'offset="1000000000"')), "refused"),
        "no-primitives": (dae(primitives=""), "refused"),
        "lines": (dae(primitives=TRIANGLES_ELEMENT.replace("triangles", "lines")), "refused"),
        "polygon-beyond": (dae(primitives=polygons.format(1, 40, _INDICES)), "refused"),
        "polygon-of-two": (dae(primitives=polygons.format(2, "2 2", "0 1 2 3")), "refused"),
        "polygon-negative": (dae(primitives=polygons.format(1, -4, "0 1 2 3")), "refused"),
        "polygon-huge": (dae(primitives=polygons.format(1, 10**10, "0 1 2 3")), "refused"),
        "matrix-nan": (dae(scene=place.format(kind="matrix", numbers="NaN " * 16)), "refused"),
        "matrix-zero": (dae(scene=place.format(kind="matrix", numbers="0 " * 16)), "refused"),
        "matrix-short": (dae(scene=place.format(kind="matrix", numbers="1 0 0")), "refused"),
        "matrix-huge": (dae(scene=place.format(kind="matrix", numbers="1e308 " * 16)), "refused"),
        "scale-zero": (dae(scene=place.format(kind="scale", numbers="0 0 0")), "refused"),
        "rotate-short": (dae(scene=place.format(kind="rotate", numbers="1")), "refused"),
        "lookat-degenerate": (dae(scene=place.format(kind="lookat", numbers="0 0 0 0 0 0 0 0 0")), "either"),
        "unit-zero": (dae(unit='<unit meter="0"/>'), "either"),
        "unit-negative": (dae(unit='<unit meter="-1"/>'), "either"),
        "unit-nan": (dae(unit='<unit meter="nan"/>'), "either"),
        "unit-huge": (dae(unit='<unit meter="1e400"/>'), "either"),
        "unit-word": (dae(unit='<unit meter="x"/>'), "either"),
        "axis-unknown": (dae(axis="W_UP"), "either"),
        "wrong-root": (b"<html/>", "refused"),
        "not-xml": (b"hello", "refused"),
        "nothing": (b"", "refused"),
        "wrong-namespace": (dae().replace(b"2005/11", b"1999/01"), "either"),
        "utf-16": (dae().decode().replace("utf-8", "utf-16").encode("utf-16"), "either"),
        "encoding-unknown": (dae().replace(b"utf-8", b"x-none"), "refused"),
        "nul": (dae().replace(b"<asset>", b"\0<asset>"), "refused"),
        "include": (
            dae(inside='<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd" parse="text"/>'),
            "either",
        ),
        "long-text": (dae(inside=f"<extra>{'x' * 12_000_000}</extra>"), "either"),
        "same-id": (dae(nodes=SCENE + SCENE), "either"),
    }
    for label, (data, outcome) in documents.items():
        yield case("collada", label, ".dae", data, outcome)
    yield case("collada", "million-instances", ".dae", lambda: dae(scene='<node><instance_geometry url="#g"/></node>' * 1_000_000))
    for label, (declared, used) in ENTITIES.items():
        data = dae(before=declared.format(root="COLLADA"), inside=f"<extra>{used}</extra>")
        yield case("collada", f"entities-{label}", ".dae", data, "either" if label == "internal" else "refused")
    uris = {
        "parent": "../secret.png",
        "file": "file:///etc/passwd",
        "http": "http://127.0.0.1:9/a.png",
        "missing": "a.png",
        "system": "/sys/kernel/notes",
    }
    for label, uri in uris.items():
        yield case(
            "collada-reference",
            f"image-{label}",
            ".dae",
            dae(effects=_image(uri), scene=_BOUND, primitives=TRIANGLES_ELEMENT.replace("<triangles", '<triangles material="m"')),
            "rendered",
        )
