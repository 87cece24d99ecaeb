"""References that lead elsewhere, and textures and material libraries that are broken."""

from __future__ import annotations

import os
import random
import struct
from collections.abc import Iterator

from tests.hostile.case import Case, Maker, Outcome, case, sparse
from tests.hostile.files import (
    obj,
    png,
    png_claiming,
    textured_obj,
    textured_ply,
    zipped,
)
from tests.hostile.scenes.gltf_file import BINARY


def _link(target: str) -> Maker:
    return lambda path: path.symlink_to(target)


SECRETS = {"secret.mtl": b"newmtl m\nKd 1 0 0\n", "secret.png": png(color="red"), "secret.bin": BINARY}
"""What must never be read: files that lie outside the CAD's folder, and would turn the CAD red, or give it its points."""


def reference_cases() -> Iterator[Case]:
    names = {
        "missing": "gone.x",
        "parent": "../secret.mtl",
        "deep-parent": "sub/../../secret.mtl",
        "back-slash": "..\\secret.mtl",
        "absolute": "/etc/passwd",
        "proc": "/proc/self/environ",
        "to-proc": "../" * 40 + "proc/self/environ",
        "http": "http://127.0.0.1:9/a.mtl",
        "https": "https://127.0.0.1:9/a.png",
        "file": "file:///etc/passwd",
        "data": "data:text/plain;base64,bmV3bXRsIG0KS2QgMSAwIDAK",
        "share": "//server/share/a.mtl",
        "smb": "\\\\server\\share\\a.mtl",
        "home": "~/.ssh/id_rsa",
        "variable": "$HOME/a.mtl",
        "shell": "$(touch evil).mtl",
        "pipe": "|touch evil",
        "long": "a" * 5000,
        "dots": "." * 300,
        "dot": ".",
        "slash": "a/",
        "nul": "a\0b.mtl",
        "escape": "\x1b[31mred.mtl",
        "percent": "%2e%2e/secret.mtl",
        "self": "cad.obj",
    }
    for label, name in names.items():
        # A zero byte is refused in OBJ text as a whole.
        outcome: Outcome = "refused" if label == "nul" else "rendered"
        yield case("reference", f"mtllib-{label}", ".obj", textured_obj(name), outcome)
        yield case(
            "reference", f"map-{label}", ".obj", textured_obj(), "rendered", a__mtl=f"newmtl m\nmap_Kd {name}\nbump {name}\n".encode()
        )
        yield case("reference", f"texture-{label}", ".ply", textured_ply(name), "rendered")
    made: dict[str, Maker] = {
        "fifo": lambda path: os.mkfifo(path),
        "folder": lambda path: path.mkdir(),
        "link-outside": _link("../secret.mtl"),
        "link-device": _link("/dev/zero"),
        "link-proc": _link("/proc/self/mem"),
        "link-loop": _link("a.mtl"),
        "link-inside": _link("cad.obj"),
        "sparse": sparse(2**40),
        "large": sparse(17 * 2**20),
        "zeros": sparse(2**20),
        "empty": sparse(0),
    }
    for label, make in made.items():
        yield case("reference", f"mtllib-{label}", ".obj", textured_obj(), "rendered", a__mtl=make)
        yield case("reference", f"texture-{label}", ".ply", textured_ply("a.png"), "rendered", a__png=make)
    yield case("reference", "folder-link", ".obj", textured_obj("sub/secret.mtl"), "rendered", sub=_link(".."))
    yield case("reference", "thousand-libraries", ".obj", "".join(f"mtllib {i}.mtl\n" for i in range(1000)) + obj())
    yield case("reference", "same-library", ".obj", "mtllib a.mtl\n" * 20_000 + textured_obj(), "rendered", a__mtl=b"newmtl m\n")


def texture_cases() -> Iterator[Case]:
    jpeg, tiff = png(64, 64, kind="JPEG"), png(64, 64, kind="TIFF", compression="tiff_lzw")
    noise = random.Random(1).randbytes(5000)
    files: dict[str, bytes] = {
        "bomb": png_claiming(50_000, 50_000, b"\0" * 10_000_000),
        "bomb-line": png_claiming(2**31 - 1, 1),
        "zero-wide": png_claiming(0, 10),
        "large-and-short": png_claiming(8000, 8000, b"\0" * 100),
        "no-data": png_claiming(10, 10),
        "broken-sum": png()[:-6] + b"\0\0\0\0\0\0",
        "text-bomb": png().replace(b"IDAT", b"zTXt", 1),
        "trailing": png() + noise,
        "noise": noise,
        "gif": png(kind="GIF"),
        "webp": png(kind="WEBP"),
        "ico": png(16, 16, kind="ICO"),
        "ppm": b"P6 2 2 255\n" + b"\0" * 12,
        "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n(touch evil) (w) file\n",
        "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
        "pdf": b"%PDF-1.4\n",
        "zip": zipped("a.png", png()),
        "npy": b"\x93NUMPY\x01\x00",
        "bmp-zero": b"BM" + b"\0" * 52,
        "bmp-huge": png(kind="BMP")[:18] + struct.pack("<ii", 2**31 - 1, 2**31 - 1) + png(kind="BMP")[26:],
        "tga-huge": b"\0\0\x02" + b"\0" * 9 + b"\xff\xff\xff\xff\x20\0",
        "tiff-loop": b"II*\0\x08\0\0\0\0\0\x08\0\0\0",
        "tiff-far": b"II*\0\xff\xff\xff\xff",
    }
    files |= {f"png-{mode}": png(mode=mode) for mode in ("1", "L", "LA", "P", "RGBA", "I;16")}
    files |= {f"jpeg-{mode}": png(mode=mode, kind="JPEG") for mode in ("L", "CMYK")}
    files |= {f"tiff-{mode}": png(mode=mode, kind="TIFF") for mode in ("1", "I;16", "I", "F", "CMYK", "YCbCr")}
    files |= {
        "bmp": png(kind="BMP"),
        "tga": png(kind="TGA"),
        "tga-rle": png(kind="TGA", compression="tga_rle"),
        "png-transparent": png(mode="P", transparency=b"\1\2"),
    }
    for label, whole in (("png", png(64, 64)), ("jpeg", jpeg), ("tiff", tiff)):
        for percent in (10, 50, 90, 99):
            files[f"{label}-cut{percent}"] = whole[: len(whole) * percent // 100]
    for label, data in files.items():
        yield case("texture", label, ".obj", textured_obj(), "rendered", a__mtl=b"newmtl m\nmap_Kd a.png\n", a__png=data)
    many = b"newmtl m\n" + b"".join(b"map_%s t%d.png\n" % (slot, i) for i, slot in enumerate((b"Kd", b"Ks", b"Ns", b"Ke", b"d")))
    yield case(
        "texture",
        "too-many-pixels",
        ".obj",
        textured_obj(),
        "rendered",
        a__mtl=many,
        **{f"t{i}__png": png(4000, 5000, "L") for i in range(5)},
    )


def material_cases() -> Iterator[Case]:
    libraries: dict[str, bytes] = {
        "nan": b"newmtl m\nKd nan nan nan\nKs inf 0 0\nNs nan\nd -inf\nillum nan\nPr nan\n",
        "huge": b"newmtl m\nKd 1e308 -1e308 1e999\nNs 1e308\nd 1e308\nillum 1e300\n",
        "short": b"newmtl m\nKd\nKs 1\nNs\nd\nillum\nmap_Kd\nbump -bm\n",
        "words": b"newmtl m\nKd red green blue\nNs shiny\nd half\nillum x\nKd spectral a.rfl\nKd xyz 1 1 1\n",
        "options": b"newmtl m\nmap_Kd -s -o -t -mm -bm -clamp\nbump -bm nan a.png\nmap_Ks -s 1 2 3 4 5 6\n",
        "no-newmtl": b"Kd 1 0 0\nmap_Kd a.png\n",
        "empty-name": b"newmtl\nKd 1 0 0\n",
        "long-name": b"newmtl " + b"m" * 100_000 + b"\nKd 1 0 0\n",
        "binary": bytes(range(256)) * 50,
        "utf-16": "newmtl m\nKd 1 0 0\n".encode("utf-16"),
        "long-line": b"newmtl m\nKd " + b"1 " * 2_000_000,
        "many": b"".join(b"newmtl n%d\n" % i for i in range(200_000)) + b"newmtl m\n",
    }
    for label, library in libraries.items():
        yield case("material", label, ".obj", textured_obj(), "rendered", a__mtl=library)
    faces = "".join(f"usemtl n{i}\nf 1 2 3\n" for i in range(2000))
    defined = b"".join(b"newmtl n%d\nKd 0 0 1\n" % i for i in range(2000))
    yield case("material", "two-thousand-used", ".obj", obj(before="mtllib a.mtl\n") + faces, "refused", a__mtl=defined)
    yield case("material", "two-thousand-undefined", ".obj", obj() + faces, "rendered")
    yield case(
        "material",
        "strange-names",
        ".obj",
        obj(between="usemtl \x1b[31m\x00\u202e\ud83d\n".encode("utf-8", "replace").decode().replace("\0", "")),
        "rendered",
    )
