"""What a CAD pulls in from its own folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from serve_app.base.errors import ServiceError
from serve_app.base.file_digests import FileDigests
from serve_app.cad.references import ReferenceResolver


def test_references_count_together(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).write_bytes(b"x" * 40)
    resolver = ReferenceResolver(tmp_path, 100)
    assert resolver.get("a") == resolver.get("b") == b"x" * 40
    with pytest.raises(FileNotFoundError, match="more than 20"):
        resolver.get("c")
    assert [digest is None for digest in resolver.used.values()] == [False, False, True]
    assert ReferenceResolver(tmp_path, 100).digests(["a", "b"], FileDigests().sha256) == {name: resolver.used[name] for name in "ab"}


def test_too_many_references_are_refused(tmp_path: Path) -> None:
    resolver = ReferenceResolver(tmp_path, 100)
    with pytest.raises(ServiceError) as caught:
        for number in range(1000):
            with pytest.raises(FileNotFoundError):
                resolver.get(f"{number}.png")
    assert caught.value.code == "cad_too_large" and len(resolver.used) == 256
