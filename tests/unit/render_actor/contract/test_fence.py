from __future__ import annotations

from render_actor.contract.fence import epoch_of, first_fence


def test_a_fence_tells_its_server_and_a_newer_servers_fences_are_higher() -> None:
    for epoch in (0, 1, 7):
        last = first_fence(epoch + 1) - 1
        assert first_fence(epoch) < last < first_fence(epoch + 1)
        assert epoch_of(first_fence(epoch)) == epoch_of(first_fence(epoch) + 12345) == epoch_of(last) == epoch


def test_a_server_does_not_run_out_of_fences() -> None:
    views_a_second, year = 1000, 365 * 86400
    assert first_fence(1) - first_fence(0) > 30 * year * views_a_second
