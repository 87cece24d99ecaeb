"""What reading .npy data in several threads needs."""

from __future__ import annotations

import io
import threading
from typing import Any

import numpy as np

_npy: Any = np.lib.format  # Its types are not declared.

NPY_HEADERS = threading.Lock()
"""Held while numpy reads the header of .npy data, alone or in an .npz.

numpy parses it with ``ast``, which counts its depth for the whole interpreter in Python 3.11: two threads that do so at once can both
end with ``SystemError: AST constructor recursion depth mismatch``.
"""


def npy_shape(head: bytes) -> tuple[tuple[int, ...], str]:
    """Shape and kind (numpy's letter, such as ``f``) of an array whose .npy file begins with these bytes.

    Raises:
        ValueError: it is no .npy file, or its header is longer than this.
    """
    stream = io.BytesIO(head)
    with NPY_HEADERS:
        read_header = _npy.read_array_header_1_0 if _npy.read_magic(stream) == (1, 0) else _npy.read_array_header_2_0
        shape, _, dtype = read_header(stream)
    return shape, dtype.kind
