"""A real server and somebody hostile who may write in its input and output folders."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.conftest import FULL
from tests.faults.disks.neighbour import KINDS
from tests.faults.disks.place import Place
from tests.faults.fault_server import FEW_VIEWS, FaultServer, check_templates, report

JOBS = 200 if FULL else 8
_PAUSE_SEC = 0.5
"""A neighbour who is busier than this lets no job through, and what comes late in a job is never met."""

HONEST = {
    "output_not_writable",
    "output_not_replaceable",
    "cad_not_found",
    "cad_not_a_file",
    "cad_unreadable",
    "cad_invalid",
    "path_outside_roots",
}


@pytest.fixture(scope="module")
def shared_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultServer]:
    """A server whose roots are not its own folder."""
    folder = tmp_path_factory.mktemp("shared-disk")
    server = FaultServer(
        folder, {"RENDER_OUTPUT_ROOTS": str(folder / "out"), "RENDER_INPUT_ROOTS": f"{folder / 'out'}:{folder / f'views_{FEW_VIEWS}.npy'}"}
    )
    try:
        server.start()
        yield server
    finally:
        server.stop()


def attacked(server: FaultServer, name: str, kinds: str, outside: Path) -> tuple[Place, Counter[str]]:
    """Jobs whose CAD and whose target a neighbour changes all the while; returns how they ended."""
    place = Place(server.folder / "out" / name, outside)
    shutil.copy(server.folder / "flange.stl", place.outside / "secret.ply")
    for cad in ("good.ply", "cad.ply"):
        shutil.copy(server.folder / "knot.ply", place.root / cad)
    place.remember()
    ends: Counter[str] = Counter()
    with place.neighbour(kinds, _PAUSE_SEC) as said, server.http() as http:
        for number in range(JOBS):
            body = server.body(f"out/{name}/cad.ply", f"{name}/out", **server.few, samples=1 + number)
            answer = http.put(f"/jobs/{name}-{number}", json=body, params={"wait": "true"}).json()
            ends[answer["code"] if "code" in answer else (answer.get("error") or {}).get("code", answer["status"])] += 1
    place.audit(said["letters"])
    report(f"hostile neighbour {name}", **ends, mischief=said["done"], letters=len(said["letters"]))
    return place, ends


def test_a_hostile_neighbour_of_the_outputs_harms_nobody_else(shared_disk: FaultServer, tmp_path: Path) -> None:
    _, ends = attacked(shared_disk, "outputs", ",".join(KINDS), tmp_path / "outside")
    assert set(ends) <= HONEST | {"succeeded"}
    with shared_disk.http() as http:
        assert http.get("/health").status_code == 200
    assert shared_disk.wait_for_all([shared_disk.submit("out/outputs/good.ply", "after", **shared_disk.few)]) == {"succeeded": 1}


def test_links_into_the_servers_own_folders_lead_nowhere(shared_disk: FaultServer) -> None:
    place, ends = attacked(shared_disk, "state", "swap_the_parent,swap_the_staging_folder,swap_the_target", shared_disk.data / "theirs")
    assert set(ends) <= HONEST | {"succeeded", "output_reserved"}
    assert not list(shared_disk.data.glob("rgb_*")) and place.outside.is_dir()
    shared_disk.kill_everything()
    shared_disk.start(ready=False)
    assert shared_disk.wait_for_all([shared_disk.submit("out/state/good.ply", "after", **shared_disk.few)]) == {"succeeded": 1}


def test_a_hostile_neighbour_of_the_inputs_gives_no_file_from_outside_away(shared_disk: FaultServer, tmp_path: Path) -> None:
    place, ends = attacked(shared_disk, "inputs", "swap_the_cad", tmp_path / "outside")
    assert set(ends) <= HONEST | {"succeeded"}
    secret = hashlib.sha256((place.outside / "secret.ply").read_bytes()).hexdigest()
    for manifest in place.root.rglob("manifest.json"):
        assert json.loads(manifest.read_text())["cad"]["sha256"] != secret
    for folder in place.root.rglob("templates"):
        check_templates(folder, None, None)
    assert not list(place.root.rglob("*.partial*"))
    assert shared_disk.wait_for_all([shared_disk.submit("out/inputs/good.ply", "after", **shared_disk.few)]) == {"succeeded": 1}
