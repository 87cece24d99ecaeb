"""What reading a CAD may take."""

from __future__ import annotations

import pytest

from serve_app.cad.limits import CadLimits

MEBIBYTE = 1024**2


@pytest.mark.parametrize(("size", "seconds"), [(0, 8), (32 * MEBIBYTE, 10), (128 * MEBIBYTE, 16), (512 * MEBIBYTE, 40)])
def test_the_time_grows_with_the_size_and_with_the_setting(size: int, seconds: float) -> None:
    assert CadLimits().seconds(size) == seconds
    assert CadLimits(base_seconds=16).seconds(size) == 2 * seconds
