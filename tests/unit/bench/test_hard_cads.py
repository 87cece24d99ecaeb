from __future__ import annotations

from pathlib import Path

import pytest

from bench.hard_cads import ORDINARY, SLOW, write
from serve_app.base.settings import Settings
from serve_app.cad.limits import CadLimits
from serve_app.cad.parse import parse_cad


@pytest.mark.parametrize("kind", [*SLOW, *ORDINARY])
def test_every_kind_passes_the_checks_of_a_cad(kind: str, tmp_path: Path, settings: Settings) -> None:
    faces = []
    for size in (10, 40):
        path = write(kind, size, tmp_path)
        faces.append(len(parse_cad(path.read_bytes(), path.suffix, tmp_path, CadLimits.from_settings(settings)).mesh.faces))
    assert 0 < faces[0] <= faces[1]
