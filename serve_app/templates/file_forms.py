"""By which first bytes the files of a folder are known: nothing of them is parsed, whoever may have written them."""

from __future__ import annotations

import re
from typing import NamedTuple

from render_actor.contract.model_file import MESH_COMMENT

HEAD_BYTES = 256
"""Enough for the header of an xyz file, and for what our manifests begin with."""


class FileForm(NamedTuple):
    """The first bytes of a kind of file.

    Attributes:
        whole: regular expression of the first ``HEAD_BYTES``.
        begin: the first of them, where a file ends before its header does.
    """

    whole: bytes
    begin: bytes

    def fits(self, head: bytes, *, half_written: bool = False) -> bool:
        """Whether a file that begins so may be of this form. An empty file may: a kill leaves such ones.

        Args:
            head: at most ``HEAD_BYTES``.
            half_written: whether the file may end early.
        """
        if not head or re.fullmatch(self.whole, head, re.DOTALL):
            return True
        return half_written and len(head) < HEAD_BYTES and self.begin.startswith(head[: len(self.begin)])


_PNG_BEGIN = b"\x89PNG\r\n\x1a\n"


def _png(bits: bytes, colour_type: bytes) -> FileForm:
    return FileForm(rb"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR.{8}" + bits + colour_type + rb".*", _PNG_BEGIN)


PNG = FileForm(rb"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR.*", _PNG_BEGIN)
RGBA_PNG = _png(rb"\x08", rb"\x06")
DEPTH_PNG = _png(rb"\x10", rb"\x00")
"""16 bits of grey."""

# Told by their bytes: numpy would evaluate what it finds there.
XYZ_NPY = FileForm(
    rb"\x93NUMPY[\x01-\x03].{3,5}\{[^{}]*'descr': '[<>=]?f\d{1,2}'[^{}]*'shape': \(\d{1,9}, \d{1,9}, 3\)[^{}]*\}.*", b"\x93NUMPY"
)
POSES_NPY = FileForm(
    rb"\x93NUMPY[\x01-\x03].{3,5}\{[^{}]*'descr': '[<>=]?f\d{1,2}'[^{}]*'shape': \(\d{1,9}, 4, 4\)[^{}]*\}.*", b"\x93NUMPY"
)

JSON = FileForm(rb"\s*[{\[].*", b"{")
"""Any object or list: it says little, so a layout that has such a file must be known by its manifest."""

MANIFEST_FORM = FileForm(rb'\{\s*"(format": \d+,\s*"job_id|job_id)": ".*', b"{")
"""What our manifests begin with. A large one would take the whole process's time to parse."""

MODEL_PLY = FileForm(rb"ply\nformat binary_little_endian 1\.0\ncomment " + re.escape(MESH_COMMENT.encode()) + rb"\n.*", b"ply\n")

POSES_FORM = FileForm(rb'\{\s*"format": \d+,\s*"poses": ".*', b"{")
"""What ``extra/poses.json`` of the layout ``sam6d`` begins with."""
