from __future__ import annotations

import numpy as np
import pytest

from render_actor.view.checks import view_failure


def mask(rows: slice, columns: slice) -> np.ndarray:  # type: ignore[type-arg]
    result = np.zeros((32, 32), dtype=bool)
    result[rows, columns] = True
    return result


def test_a_whole_object_is_fine() -> None:
    assert view_failure(mask(slice(1, 31), slice(1, 31)), 3) is None


@pytest.mark.parametrize(
    ("rows", "columns", "code", "words"),
    [
        (slice(0, 0), slice(0, 0), "view_blank", "recenter"),
        (slice(0, 9), slice(4, 9), "view_clipped", "top"),
        (slice(20, 32), slice(4, 9), "view_clipped", "bottom"),
        (slice(4, 9), slice(0, 9), "view_clipped", "left"),
        (slice(4, 9), slice(20, 32), "view_clipped", "right"),
        (slice(0, 32), slice(0, 32), "camera_inside_object", "normalize"),
    ],
)
def test_others_name_the_view_the_fault_and_the_remedy(rows: slice, columns: slice, code: str, words: str) -> None:
    failure = view_failure(mask(rows, columns), 17)
    assert failure is not None and failure.code == code and failure.view == 17
    assert "view 17" in failure.message and words in failure.message
    assert not failure.worth_retrying
