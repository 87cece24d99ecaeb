from __future__ import annotations

import os
from pathlib import Path

from render_actor.process.cpu_affinity import CoreClaim


def test_two_renderers_never_share_a_core(tmp_path: Path) -> None:
    count = len(os.sched_getaffinity(0))
    claims = [CoreClaim(1, tmp_path) for _ in range(count)]
    assert sorted(core for claim in claims for core in claim.cores) == sorted(os.sched_getaffinity(0))
    late = CoreClaim(1, tmp_path)
    assert late.cores == ()
    claims[0].release()
    assert len(CoreClaim(1, tmp_path).cores) == 1


def test_a_claim_is_all_or_nothing(tmp_path: Path) -> None:
    count = len(os.sched_getaffinity(0))
    assert CoreClaim(count + 1, tmp_path).cores == ()
    assert len(CoreClaim(count, tmp_path).cores) == count


def test_a_spare_takes_over_the_cores_it_was_started_on_and_no_others(tmp_path: Path) -> None:
    old = CoreClaim(1, tmp_path)
    assert CoreClaim(1, tmp_path, among=old.cores).cores == ()
    cores = old.cores
    old.release()
    assert CoreClaim(1, tmp_path, among=cores).cores == cores
