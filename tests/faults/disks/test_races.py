"""Publishing against a neighbour who changes the same folders at the same time, again and again."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from serve_app.base import directory
from serve_app.base.errors import ServiceError
from serve_app.templates.replaceable import MANIFEST
from tests.faults.conftest import FULL
from tests.faults.disks.neighbour import KINDS
from tests.faults.disks.place import Place
from tests.faults.fault_server import report
from tests.unit.serve_app.templates_made import staging_at, template

TRIES = 1000 if FULL else 40
NAMES = ("rgb_0.png", "mask_0.png", "xyz_0.npy")


def publish(place: Place, job: str, brightness: int) -> str:
    """One job's life; returns how it ended."""
    staging = staging_at(place.root, place.root / "out" / "templates", job)
    try:
        staging.open()
        for name in NAMES:
            staging.write(name, template(name, brightness))
        manifest = json.dumps({"job_id": job, "views": []}).encode()
        staging.write(MANIFEST, manifest)
        staging.publish({name: len(template(name, brightness)) for name in NAMES} | {MANIFEST: len(manifest)})
    except ServiceError as error:
        staging.discard()
        return error.code
    return "published"


@pytest.mark.parametrize("exchange_works", [True, False])
@pytest.mark.parametrize("kind", [*KINDS, ",".join(KINDS)])
def test_a_neighbour_harms_nobody_else(tmp_path: Path, kind: str, exchange_works: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not exchange_works:
        monkeypatch.setattr(directory, "_RENAME_EXCHANGE", 1 << 20)  # As on NFS.
    place, ends = Place(tmp_path / "root", tmp_path / "outside"), Counter[str]()
    with place.neighbour(kind) as said:
        for number in range(TRIES):
            ends[publish(place, f"j{number}", number % 200)] += 1
    place.audit(said["letters"])
    assert set(ends) <= {"published", "output_not_writable", "output_not_replaceable"}
    what = kind if "," not in kind else "everything"
    report(f"race {what} exchange={exchange_works}", **ends, mischief=said["done"], letters=len(said["letters"]), harmed=0)
