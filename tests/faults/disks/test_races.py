"""Publishing against a neighbour who changes the same folders at the same time, again and again."""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from serve_app.base import directory
from serve_app.base.errors import ServiceError
from serve_app.templates.layouts.layout import MANIFEST
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
    report(f"race {what} exchange={exchange_works}", **ends, mischief=said["done"], letters=len(said["letters"]))


def test_nested_outputs_at_once_never_take_each_other(tmp_path: Path) -> None:
    """Several servers, which know nothing of each other's jobs."""
    root = tmp_path / "root"
    targets = [root / "a", root / "a" / "templates", root / "a" / "b"]
    ends = {target: Counter[str]() for target in targets}

    def server(target: Path) -> None:
        for job in range(TRIES):
            staging = staging_at(root, target, f"{target.name}-{job}")
            try:
                staging.open()
                staging.write("rgb_0.png", template("rgb_0.png", job % 200))
                staging.publish({"rgb_0.png": len(template("rgb_0.png", job % 200))})
                ends[target]["published"] += 1
            except ServiceError as error:
                staging.discard()
                ends[target][error.code] += 1

    with ThreadPoolExecutor(len(targets)) as threads:
        list(threads.map(server, targets))
    there = [target for target in targets if (target / "rgb_0.png").is_file()]
    assert there and not list(root.rglob(".render-*"))
    # Whoever published last is there, or was the whole content of a folder that another one published in its turn.
    assert all(target in there or root / "a" in there for target in targets if ends[target]["published"])
    report("race nested outputs", **{str(target.relative_to(root)): ends[target]["published"] for target in targets})
