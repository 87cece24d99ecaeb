"""What reading .npy data in several threads needs."""

from __future__ import annotations

import threading

NPY_HEADERS = threading.Lock()
"""Held while numpy reads the header of .npy data, alone or in an .npz.

numpy parses it with ``ast``, which counts its depth for the whole interpreter in Python 3.11: two threads that do so at once can both
end with ``SystemError: AST constructor recursion depth mismatch``.
"""
