"""Only what changes the mesh of a format counts there."""

from __future__ import annotations

from serve_app.cad.read_options import WHOLE, ReadOptions

FINE = ReadOptions(("lid",), 2048, "fine")


def test_tessellation_matters_to_exact_surfaces_alone() -> None:
    assert FINE.that_matter_to(".STEP") == FINE
    assert FINE.that_matter_to(".ply") == ReadOptions(("lid",))
    assert ReadOptions(pixels_across=64).that_matter_to(".glb") == WHOLE


def test_they_travel_as_json() -> None:
    assert ReadOptions.from_json(FINE.to_json()) == FINE
