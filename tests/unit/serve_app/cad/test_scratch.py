"""Files in memory that native code opens by name."""

from __future__ import annotations

import ctypes
from pathlib import Path

from serve_app.cad.scratch import scratch_file

libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p


def write_in_c(path: str, data: bytes) -> None:
    stream = ctypes.c_void_p(libc.fopen(path.encode(), b"w"))
    assert stream and libc.fwrite(data, 1, len(data), stream) == len(data)
    libc.fclose(stream)


def read_in_c(path: str) -> bytes:
    stream, buffer = ctypes.c_void_p(libc.fopen(path.encode(), b"r")), ctypes.create_string_buffer(64)
    length = libc.fread(buffer, 1, 64, stream)
    libc.fclose(stream)
    return buffer.raw[:length]


def test_c_writes_by_name_and_its_bytes_come_back() -> None:
    with scratch_file(b"what was there before is longer") as scratch:
        write_in_c(scratch.path, b"hello")
        assert scratch.read() == b"hello"


def test_c_reads_what_python_put_there() -> None:
    with scratch_file(b"from python") as scratch:
        assert read_in_c(scratch.path) == b"from python"


def test_it_is_gone_afterwards() -> None:
    with scratch_file() as scratch:
        assert Path(scratch.path).exists()
    assert not Path(scratch.path).exists()
