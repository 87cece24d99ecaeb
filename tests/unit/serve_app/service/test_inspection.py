"""CADs are looked at without a job: by the same rules, and a few at a time."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from serve_app.base.errors import ServiceError
from serve_app.base.file_digests import FileDigests
from serve_app.base.settings import Settings
from serve_app.cad.limits import CadLimits
from serve_app.cad.loader import CadLoader
from serve_app.cad.parse import ParsedCad, parse_cad
from serve_app.cad.read_options import WHOLE, ReadOptions
from serve_app.jobs.cad_choice import CadChoice
from serve_app.jobs.quarantine import Quarantine
from serve_app.jobs.store import JobStore
from serve_app.service.cad_files import CadFiles
from serve_app.service.inspection import MAX_INSPECTED, MAX_WAITING, CadInspection
from serve_app.service.path_policy import PathPolicy
from serve_app.uploads.store import UploadStore
from tests.hostile import GOOD
from tests.unit.serve_app.rendering.fakes import until


class Parser:
    """Parses in this process, when it may."""

    def __init__(self) -> None:
        self.reading, self.go_on = 0, asyncio.Event()
        self.go_on.set()

    async def __call__(self, path: Path, size: int, limits: CadLimits, options: ReadOptions) -> ParsedCad:
        self.reading += 1
        await self.go_on.wait()
        self.reading -= 1
        return parse_cad(path.read_bytes(), path.suffix, path.parent, limits, options)


class Desk:
    """An inspection with all that it uses."""

    def __init__(self, settings: Settings) -> None:
        self.parser, self.store = Parser(), JobStore(settings.data_dir)
        self.quarantine = Quarantine(self.store, 3600)
        limits = CadLimits.from_settings(settings)
        self.loader = CadLoader(limits, 2**20, FileDigests(), parse=self.parser, put=lambda mesh: "reference")
        uploads = UploadStore.of_server(settings, lambda upload_id: False)
        self.inspection = CadInspection(CadFiles(PathPolicy(settings), uploads), self.loader, self.quarantine)

    async def look(self, path: Path, unit: Any = "auto", options: ReadOptions = WHOLE) -> dict[str, Any]:
        return await self.inspection.inspect(CadChoice(cad_path=str(path)), unit, options)


@pytest.fixture
def desk(settings: Settings, tmp_path: Path) -> Any:
    for name in ("a.ply", *(f"{number}.ply" for number in range(40))):
        (tmp_path / name).write_bytes(GOOD["ascii.ply"])
    desk = Desk(settings)
    yield desk
    desk.store.close()


async def test_a_cad_is_told_with_what_is_assumed_of_it(desk: Desk, tmp_path: Path) -> None:
    told = await desk.look(tmp_path / "a.ply")
    assert (told["format"], told["unit"], told["unit_from"], told["faces"], told["parts"]) == ("ply", "mm", "assumed", 4, [])
    assert any("its unit is mm" in text for text in told["assumed"]) and any("this file" in text for text in told["assumed"])
    metres = await desk.look(tmp_path / "a.ply", "m")
    assert metres["size_mm"] == [1000 * extent for extent in told["size_mm"]]
    assert not any("its unit is" in text for text in metres["assumed"]) and any("model_mm.ply" in text for text in metres["assumed"])
    assert any("larger than most parts" in text for text in metres["warnings"])


async def test_what_a_job_may_not_read_is_refused(desk: Desk, tmp_path: Path) -> None:
    for path, code in ((Path("/etc/passwd.ply"), "path_outside_roots"), (tmp_path / "gone.ply", "cad_not_found")):
        with pytest.raises(ServiceError) as caught:
            await desk.look(path)
        assert caught.value.code == code
    with pytest.raises(ServiceError, match="no named parts"):
        await desk.look(tmp_path / "a.ply", options=ReadOptions(("lid",)))
    await desk.quarantine.add((await desk.loader.load(tmp_path / "a.ply")).file_sha256, "it killed two")
    with pytest.raises(ServiceError) as caught:
        await desk.look(tmp_path / "a.ply")
    assert caught.value.code == "cad_quarantined"


async def test_jobs_are_not_starved_and_more_than_a_few_are_turned_away(desk: Desk, tmp_path: Path) -> None:
    desk.parser.go_on.clear()
    looks = [asyncio.create_task(desk.look(tmp_path / f"{number}.ply")) for number in range(MAX_INSPECTED + MAX_WAITING)]
    await until(lambda: desk.parser.reading == MAX_INSPECTED)
    with pytest.raises(ServiceError) as caught:
        await desk.look(tmp_path / "39.ply")
    assert caught.value.code == "too_many_waiting" and caught.value.retry_after_sec
    job = asyncio.create_task(desk.loader.load(tmp_path / "a.ply"))
    await until(lambda: desk.parser.reading == MAX_INSPECTED + 1)
    looks[-1].cancel()
    desk.parser.go_on.set()
    told = await asyncio.gather(*looks, return_exceptions=True)
    assert sum(isinstance(one, dict) for one in told) == len(looks) - 1 and (await job).statistics["faces"] == 4
    assert (await desk.look(tmp_path / "39.ply"))["faces"] == 4
