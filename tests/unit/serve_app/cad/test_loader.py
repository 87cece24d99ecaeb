from __future__ import annotations

from pathlib import Path

import pytest
import ray
from ray.exceptions import ObjectStoreFullError, OutOfDiskError

from serve_app.base.errors import ServiceError
from serve_app.base.settings import Settings
from serve_app.cad.limits import CadLimits
from serve_app.cad.loader import CadLoader
from tests.hostile_cads import GOOD


@pytest.mark.parametrize("error", [ObjectStoreFullError, OutOfDiskError])
async def test_shared_memory_that_is_full_is_said_and_kept_cads_make_room(
    tmp_path: Path, settings: Settings, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("first", "second"):
        (tmp_path / f"{name}.ply").write_bytes(GOOD["ascii.ply"])
    loader = CadLoader(CadLimits.from_settings(settings), settings.cad_cache_bytes)
    monkeypatch.setattr(ray, "put", lambda mesh: "reference")
    first = await loader.load(tmp_path / "first.ply")
    assert await loader.load(tmp_path / "first.ply") is first

    def full(mesh: object) -> None:
        raise error("Failed to put object 00ffff in object store at /tmp/ray/session")

    monkeypatch.setattr(ray, "put", full)
    with pytest.raises(ServiceError) as caught:
        await loader.load(tmp_path / "second.ply")
    assert (caught.value.code, caught.value.status) == ("storage_full", 507)
    assert "/dev/shm" in caught.value.detail and "/tmp" not in caught.value.detail
    monkeypatch.setattr(ray, "put", lambda mesh: "reference")
    assert await loader.load(tmp_path / "first.ply") is not first
