from __future__ import annotations

import os
import threading
import time
from pathlib import Path

from render_actor.process.cpu_affinity import CoreClaim, narrowed_to


def test_two_renderers_never_share_a_core(tmp_path: Path) -> None:
    count = len(os.sched_getaffinity(0))
    claims = [CoreClaim(1, tmp_path, quota=None) for _ in range(count)]
    assert sorted(core for claim in claims for core in claim.cores) == sorted(os.sched_getaffinity(0))
    late = CoreClaim(1, tmp_path, quota=None)
    assert late.cores == ()
    claims[0].release()
    assert len(CoreClaim(1, tmp_path, quota=None).cores) == 1


def test_a_claim_is_all_or_nothing(tmp_path: Path) -> None:
    count = len(os.sched_getaffinity(0))
    assert CoreClaim(count + 1, tmp_path, quota=None).cores == ()
    assert len(CoreClaim(count, tmp_path, quota=None).cores) == count


def test_a_spare_takes_over_the_cores_it_was_started_on_and_no_others(tmp_path: Path) -> None:
    old = CoreClaim(1, tmp_path, quota=None)
    assert CoreClaim(1, tmp_path, among=old.cores, quota=None).cores == ()
    cores = old.cores
    old.release()
    assert CoreClaim(1, tmp_path, among=cores, quota=None).cores == cores


def test_a_container_without_cores_of_its_own_claims_none(tmp_path: Path) -> None:
    count = len(os.sched_getaffinity(0))
    assert CoreClaim(1, tmp_path, quota=count - 0.5).cores == ()
    assert len(CoreClaim(1, tmp_path, quota=float(count)).cores) == 1


def test_a_process_is_narrow_for_a_while_and_so_are_threads_that_begin_meanwhile() -> None:
    cores, seen, go_on = os.sched_getaffinity(0), [], threading.Event()

    def began_meanwhile() -> None:
        seen.append(os.sched_getaffinity(0))
        go_on.wait()
        seen.append(os.sched_getaffinity(0))

    thread = threading.Thread(target=began_meanwhile)
    try:
        with narrowed_to(1):
            assert len(os.sched_getaffinity(0)) == 1
            thread.start()
            while not seen:
                time.sleep(0.01)
    finally:
        go_on.set()
        thread.join()
    assert len(seen[0]) == 1 and seen[1] == os.sched_getaffinity(0) == cores
    with narrowed_to(len(cores) + 1):
        assert os.sched_getaffinity(0) == cores
