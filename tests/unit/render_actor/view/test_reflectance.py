from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from render_actor.view.reflectance import POWERS, matt_part

REST = np.linspace(0, 1, 20)
LAYERS = list(itertools.product((0.05, 0.25, 0.5, 1.0), (0.0, 0.1, 0.5, 0.8, 1.0)))


def seen(specular: float, roughness: float) -> NDArray[np.float64]:
    """By 1 - cosine of the angle to the camera."""
    return np.asarray(np.stack([REST**power for power in POWERS], axis=-1) @ matt_part(specular, roughness))


def test_without_polish_all_of_it_is_matt() -> None:
    assert (seen(0.0, 0.3) == 1).all()


@pytest.mark.parametrize(("specular", "roughness"), LAYERS)
def test_polish_mirrors_the_more_the_flatter_the_camera_looks_and_never_all(specular: float, roughness: float) -> None:
    part = seen(specular, roughness)
    assert (np.diff(part) <= 0).all() and 0 < part[-1] < part[0] < 1


@pytest.mark.parametrize("roughness", [0.0, 0.3, 0.5, 1.0])
def test_more_specular_leaves_less(roughness: float) -> None:
    parts = [seen(specular, roughness) for specular in (0.0, 0.1, 0.3, 0.5, 1.0)]
    assert all((more <= less + 1e-6).all() for less, more in itertools.pairwise(parts))
