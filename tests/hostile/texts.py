"""Texts in every encoding, and files that are something else than their name says."""

from __future__ import annotations

import gzip
import os
import pickle
import random
from collections.abc import Iterator

from tests.hostile.case import Case, case
from tests.hostile.files import (
    GOOD,
    VERTICES,
    ascii_ply,
    ascii_stl,
    obj,
    png,
    zipped,
)


def text_cases() -> Iterator[Case]:
    texts = {".ply": ascii_ply(), ".obj": obj(), ".stl": ascii_stl()}
    for suffix, text in texts.items():
        for codec in ("utf-8-sig", "utf-16", "utf-32"):
            yield case("text", codec, suffix, text.encode(codec), "rendered")
        yield case("text", "utf-16-be-mark", suffix, b"\xfe\xff" + text.encode("utf-16-be"), "rendered")
        for codec in ("utf-16-le", "utf-16-be", "utf-32-le", "cp037"):
            yield case("text", f"{codec}-bare", suffix, text.encode(codec))
        yield case("text", "utf-16-odd", suffix, text.encode("utf-16")[:-1], "either")
        for label, end in {"cr": "\r", "crlf": "\r\n"}.items():
            yield case("text", label, suffix, text.replace("\n", end), "rendered")
        for label, end in {"lfcr": "\n\r", "vt": "\x0b", "nel": "\x85", "ls": "\u2028", "nul": "\0", "space": " "}.items():
            yield case("text", label, suffix, text.replace("\n", end), "either")
        ends = random.Random(5)
        yield case("text", "mixed", suffix, "".join(line + ends.choice(("\n", "\r\n")) for line in text.splitlines()), "rendered")
        yield case("text", "zeros-after", suffix, text.encode() + b"\0" * 100, "either")
        yield case("text", "zeros-in", suffix, text.encode().replace(b" ", b"\0", 9)[:-1], "either")
        yield case("text", "dos-end", suffix, text + "\x1a", "either")
        yield case("text", "upper", suffix, text.upper(), "either")
        yield case("text", "deep-white", suffix, text.replace(" ", " " * 3000), "rendered")
    yield case("text", "continued", ".obj", obj(faces=["1 \\\n2 \\\r\n3", "2 3 \\\r4"]), "rendered")
    yield case("text", "continued-end", ".obj", obj() + "f 1 2 \\", "either")
    yield case("text", "comments", ".obj", "# \xff\xfe\x00\n".encode("latin-1").replace(b"\0", b"") + obj().encode(), "rendered")
    yield case("text", "utf-7", ".obj", b"usemtl +2AA-\xff\n" + obj().encode(), "rendered")
    yield case("text", "surrogates", ".obj", b"mtllib \xed\xa0\x80.mtl\nusemtl \xed\xa0\x80\n" + obj().encode(), "rendered")
    yield case("text", "polyline", ".obj", obj() + "l 1 2 3\np 1\ncurv 0 1 2\nend\ncall evil.obj\ncsh rm -rf x\n", "rendered")
    yield case("text", "stl-several", ".stl", ascii_stl() * 3, "rendered")
    yield case("text", "stl-names", ".stl", ascii_stl().replace("part", "facet endfacet vertex 1 2"), "either")
    yield case("text", "stl-square", ".stl", ascii_stl([[*VERTICES]]))
    yield case("text", "stl-ind", ".stl", ascii_stl().replace("normal 0 0 1", "normal -1.#IND nan 1e999"), "rendered")


class _Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch evil",)


def confusion_cases() -> Iterator[Case]:
    contents = {
        "empty": b"",
        "byte": b"p",
        "zeros": b"\0" * 1000,
        "zip": zipped("a.ply", GOOD["ascii.ply"]),
        "zip-bomb": zipped("a.ply", b"0" * 30_000_000),
        "gzip": gzip.compress(GOOD["ascii.ply"], mtime=0),
        "pickle": pickle.dumps(_Evil()),
        "png": png(),
        "elf": b"\x7fELF\x02\x01\x01" + b"\0" * 200,
        "html": b"<!DOCTYPE html><html><body>404 Not Found</body></html>",
        "json": b'{"asset": {"version": "2.0"}, "buffers": [{"uri": "http://127.0.0.1:9/x"}]}',
        "gltf": b"glTF\x02\0\0\0\xff\xff\xff\xff",
        "xml": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
        "script": b"#!/bin/sh\ntouch evil\n",
        "url": b"http://127.0.0.1:9/part.ply",
        "path": b"/etc/passwd",
    }
    for suffix in (".ply", ".obj", ".stl"):
        for label, data in contents.items():
            yield case("confusion", label, suffix, data)
        for name, data in GOOD.items():
            if not name.endswith(suffix):
                yield case("confusion", f"is-{name.replace('.', '-')}", suffix, data)
        for seed in range(6):
            noise = random.Random(seed).randbytes(10 ** (1 + seed % 4))
            yield case("confusion", f"noise{seed}", suffix, noise)
            start = GOOD["little.ply" if suffix == ".ply" else "binary.stl" if suffix == ".stl" else "plain.obj"]
            yield case("confusion", f"start-noise{seed}", suffix, start[: len(start) // 2] + noise)
