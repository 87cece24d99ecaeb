from __future__ import annotations

import pytest

from render_actor.contract.view_time import batch_limit_sec, most_view_sec, normal_view_sec, view_limit_sec


@pytest.mark.parametrize(("side", "samples"), [(64, 1), (512, 12), (2048, 12), (2048, 4096)])
def test_no_limit_is_near_what_an_image_full_of_an_ordinary_object_takes(side: int, samples: int) -> None:
    batch = batch_limit_sec(side**2, samples, 300)
    normal = normal_view_sec(side**2, samples)
    assert batch >= 300 and view_limit_sec(side**2, samples, 60, batch) >= 5 * normal


def test_a_view_is_given_up_well_before_its_renderer_is_killed() -> None:
    for pixels in (1, 10**5, 4 * 10**6):
        for samples in (1, 12, 4096):
            assert view_limit_sec(pixels, samples, 60, 300) <= most_view_sec(300) <= 150


def test_more_work_may_take_longer_and_so_may_a_view_of_a_patient_server() -> None:
    assert view_limit_sec(10**5, 12, 60, 1e9) < view_limit_sec(2 * 10**5, 12, 60, 1e9) < view_limit_sec(2 * 10**5, 24, 60, 1e9)
    assert view_limit_sec(10**5, 12, 120, 1e9) == pytest.approx(2 * view_limit_sec(10**5, 12, 60, 1e9))
