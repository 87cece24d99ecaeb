from __future__ import annotations

import os
from pathlib import Path

import pytest

from serve_app.base.errors import ServiceError
from serve_app.templates.kept_manifests import KeptManifests


def test_a_manifest_is_kept_until_it_is_removed(tmp_path: Path) -> None:
    kept = KeptManifests(tmp_path / "data" / "manifests")
    assert kept.read("j1") is None
    kept.write("j1", b"{}")
    kept.write("j1", b'{"new": 1}')
    assert kept.read("j1") == b'{"new": 1}' and os.listdir(tmp_path / "data" / "manifests") == ["j1.json"]
    kept.remove("j1")
    kept.remove("j1")
    assert kept.read("j1") is None


def test_where_it_cannot_be_kept_the_client_is_told(tmp_path: Path) -> None:
    (tmp_path / "manifests").write_text("a file")
    with pytest.raises(ServiceError, match="RENDER_DATA_DIR") as caught:
        KeptManifests(tmp_path / "manifests").write("j1", b"{}")
    assert caught.value.code == "store_unavailable"
