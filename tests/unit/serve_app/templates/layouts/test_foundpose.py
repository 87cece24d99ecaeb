from __future__ import annotations

from pathlib import Path

import numpy as np

from serve_app.templates.layouts.foundpose import Foundpose
from tests.readers.foundpose import read
from tests.readers.surface import check_surface
from tests.unit.serve_app.templates.layouts.ball import distances, publish


def test_foundpose_reads_what_was_rendered(tmp_path: Path) -> None:
    rendered = publish(Foundpose(), tmp_path / "lmo", 5, views=4)
    views = read(tmp_path, "lmo", 5)
    assert len(views) == 4
    for view, told in zip(views, rendered.views, strict=True):
        check_surface(view, distances)
        assert view.pose is not None and np.allclose(view.pose, told.pose)


def test_the_defaults_are_798_views_cropped_to_420_pixels() -> None:
    camera = Foundpose.request_defaults["camera"]
    viewpoints = camera["poses"]["viewpoints"]
    assert viewpoints["fibonacci"] * viewpoints["in_plane"] == 798 and camera["crop"] == {"size": 420, "pad": 0.2}


def test_an_object_has_its_own_number_for_a_folder() -> None:
    assert Foundpose().folder(12) == "12" and Foundpose().paths("masked", 7, 798) == ("rgb/template_0007.png",)
