"""3MF: archives that lie, XML that grows, objects that hold themselves."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
from collections.abc import Iterator, Mapping

from tests.hostile.case import Case, Data, Outcome, case
from tests.hostile.files import TRIANGLES, VERTICES
from tests.hostile.scenes.xml import ENTITIES

MODEL = "3D/3dmodel.model"
CORE = "http://schemas.microsoft.com/3dmanufacturing/core/2015/02"

_TYPES = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="model" ContentType="application/vnd.ms-package.3dmanufacturing-3dmodel+xml"/></Types>'
)
_RELATIONS = (
    '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Target="/{target}" Id="rel0" Type="http://schemas.microsoft.com/3dmanufacturing/2013/01/3dmodel"/></Relationships>'
)


def mesh(vertices: object = VERTICES, triangles: object = TRIANGLES) -> str:
    points = "".join('<vertex x="{}" y="{}" z="{}"/>'.format(*point) for point in vertices)  # type: ignore[attr-defined]
    faces = "".join('<triangle v1="{}" v2="{}" v3="{}"/>'.format(*face) for face in triangles)  # type: ignore[attr-defined]
    return f"<mesh><vertices>{points}</vertices><triangles>{faces}</triangles></mesh>"


def model(
    objects: str = f'<object id="1" type="model">{mesh()}</object>',
    items: str = '<item objectid="1"/>',
    *,
    before: str = "",
    attributes: str = 'unit="millimeter"',
) -> bytes:
    """The model part: its objects, and the items that build it."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{before}<model {attributes} xml:lang="en-US" xmlns="{CORE}">'
        f"<resources>{objects}</resources><build>{items}</build></model>"
    ).encode()


Part = bytes | int
"""Content of a part; a number for so many mebibytes of spaces."""


def package(part: Part, *, target: str = MODEL, others: Mapping[str, Part] | None = None, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """The archive around a model part."""
    files = {
        "[Content_Types].xml": _TYPES.encode(),
        "_rels/.rels": _RELATIONS.format(target=target).encode(),
        target: part,
        **(others or {}),
    }
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method, compresslevel=1) as archive:
        for name, content in files.items():
            information = zipfile.ZipInfo(name)
            information.compress_type = method
            with archive.open(information, "w") as file:
                for piece in (b" " * 2**20 for _ in range(content)) if isinstance(content, int) else (content,):
                    file.write(piece)
    return stream.getvalue()


def container_cases() -> Iterator[Case]:
    good = package(model())
    offset = good.rindex(b"PK\1\2")
    cases: dict[str, tuple[Data, Outcome]] = {
        "not-a-zip": (model(), "refused"),
        "magic": (b"PX" + good[2:], "either"),
        "empty-zip": (b"PK\5\6" + b"\0" * 18, "refused"),
        "model-elsewhere": (package(model(), target="3D/other.txt"), "either"),
        "no-model": (good.replace(b"3D/3dmodel.model", b"3D/3dmodel.mode_"), "refused"),
        "bomb": (lambda: package(600), "refused"),
        "bomb-beside": (lambda: package(model(), others={"Metadata/thumbnail.png": 600}), "either"),
        "parents": (package(model(), others={"../../evil": b"evil", "..\\evil": b"evil"}), "either"),
        "absolute": (package(model(), others={"/tmp/evil": b"evil"}), "either"),
        "model-by-parents": (package(model(), target="../3dmodel.model"), "either"),
        "link": (_with_link(), "refused"),
        "many-parts": (lambda: package(model(), others={f"a/{i}": b"" for i in range(50_000)}, method=zipfile.ZIP_STORED), "either"),
        "lzma": (package(model(), method=zipfile.ZIP_LZMA), "either"),
        "bzip2": (package(model(), method=zipfile.ZIP_BZIP2), "either"),
        "method-unknown": (good[: offset + 10] + struct.pack("<H", 77) + good[offset + 12 :], "refused"),
        "encrypted": (good[: offset + 8] + struct.pack("<H", 1) + good[offset + 10 :], "refused"),
        "size-lies": (good[: offset + 24] + struct.pack("<I", 10) + good[offset + 28 :], "refused"),
        "size-huge": (good[: offset + 24] + struct.pack("<I", 2**32 - 2) + good[offset + 28 :], "either"),
        "offset-beyond": (good[: offset + 42] + struct.pack("<I", 2**31) + good[offset + 46 :], "refused"),
        "broken-sum": (good[: offset + 16] + b"\1\2\3\4" + good[offset + 20 :], "refused"),
        "broken-data": (good.replace(good[500:520], bytes(20), 1), "refused"),
    }
    for label, (data, outcome) in cases.items():
        yield case("3mf-archive", label, ".3mf", data, outcome)


def _with_link() -> bytes:
    """An archive whose model is a symbolic link."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("_rels/.rels", _RELATIONS.format(target=MODEL))
        link = zipfile.ZipInfo(MODEL)
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    return stream.getvalue()


def model_cases() -> Iterator[Case]:
    def holding(*components: str) -> str:
        return "<components>" + "".join(f'<component objectid="{c}"/>' for c in components) + "</components>"

    solid = f'<object id="1" type="model">{mesh()}</object>'
    doubling = solid + "".join(f'<object id="{i}">{holding(str(i - 1), str(i - 1))}</object>' for i in range(2, 40))
    deep = solid + "".join(f'<object id="{i}">{holding(str(i - 1))}</object>' for i in range(2, 5000))
    transform = '<item objectid="1" transform="{}"/>'
    vertices: list[tuple[object, ...]] = [*VERTICES]
    models: dict[str, tuple[bytes, Outcome]] = {
        "holds-itself": (model(f'<object id="1">{holding("1")}</object>'), "refused"),
        "circle": (model(f'<object id="1">{holding("2")}</object><object id="2">{holding("1")}</object>'), "refused"),
        "doubling": (model(doubling, '<item objectid="39"/>'), "refused"),
        "deep": (model(deep, '<item objectid="4999"/>'), "either"),
        "no-such-object": (model(items='<item objectid="7"/>'), "refused"),
        "no-such-component": (model(f'<object id="1">{holding("7")}</object>'), "refused"),
        "no-items": (model(items=""), "either"),
        "no-objects": (model(""), "refused"),
        "same-id": (model(solid + solid), "either"),
        "id-word": (model(solid.replace('id="1"', 'id="one"'), '<item objectid="one"/>'), "either"),
        "id-huge": (model(solid.replace('id="1"', f'id="{"9" * 5000}"'), f'<item objectid="{"9" * 5000}"/>'), "either"),
        "no-id": (model(solid.replace('id="1"', "")), "refused"),
        "empty-mesh": (model(f'<object id="1">{mesh([], [])}</object>'), "refused"),
        "no-triangles": (model(f'<object id="1">{mesh(triangles=[])}</object>'), "refused"),
        "index-beyond": (model(f'<object id="1">{mesh(triangles=[(0, 1, 4)])}</object>'), "refused"),
        "index-negative": (model(f'<object id="1">{mesh(triangles=[(0, 1, -1)])}</object>'), "refused"),
        "index-huge": (model(f'<object id="1">{mesh(triangles=[(0, 1, 10**30)])}</object>'), "refused"),
        "index-word": (model(f'<object id="1">{mesh(triangles=[(0, 1, "x")])}</object>'), "refused"),
        "vertex-nan": (model(f'<object id="1">{mesh([("nan", 0, 0), *vertices[1:]])}</object>'), "either"),
        "vertex-infinite": (model(f'<object id="1">{mesh([("1e999", 0, 0), *vertices[1:]])}</object>'), "either"),
        "vertex-word": (model(f'<object id="1">{mesh([("x", 0, 0), *vertices[1:]])}</object>'), "refused"),
        "vertex-short": (model(solid.replace(' z="-10"', "", 1)), "refused"),
        "transform-nan": (model(items=transform.format("nan " * 12)), "refused"),
        "transform-zero": (model(items=transform.format("0 " * 12)), "refused"),
        "transform-short": (model(items=transform.format("1 0 0")), "either"),
        "transform-words": (model(items=transform.format("a " * 12)), "refused"),
        "transform-huge": (model(items=transform.format("1e308 " * 12)), "refused"),
        "unit-unknown": (model(attributes='unit="parsec"'), "either"),
        "requires-unknown": (model(attributes='unit="millimeter" xmlns:x="urn:x" requiredextensions="x"'), "either"),
        "production-outside": (
            model('<object id="1"><components><component objectid="1" path="/../../etc/passwd"/></components></object>'),
            "refused",
        ),
        "wrong-root": (b"<html/>", "refused"),
        "not-xml": (b"hello", "refused"),
        "nothing": (b"", "refused"),
        "unclosed": (model()[:-20], "refused"),
        "nested-elements": (b"<model>" * 100_000, "refused"),
        "utf-16": (model().decode().replace("UTF-8", "UTF-16").encode("utf-16"), "either"),
        "long-attribute": (model(attributes=f'unit="{"x" * 12_000_000}"'), "either"),
    }
    for label, (part, outcome) in models.items():
        yield case("3mf-model", label, ".3mf", package(part), outcome)
    yield case("3mf-model", "many-items", ".3mf", lambda: package(model(items='<item objectid="1"/>' * 300_000)))
    for label, (declared, used) in ENTITIES.items():
        objects = solid.replace("<mesh>", f"<metadatagroup><metadata name='a'>{used}</metadata></metadatagroup><mesh>")
        part = model(objects, before=declared.format(root="model"))
        yield case("3mf-model", f"entities-{label}", ".3mf", package(part), "either" if label == "internal" else "refused")
