"""Hostile, broken and odd CAD files by the hundred, made anew from fixed seeds: ``corpus()``.

What each may become: ``refused`` with one clear error, ``rendered`` as if nothing were wrong (perhaps with a warning), or
``either``, where the format cannot tell. Never a crash, a stall or a fault of the server's.
"""

from __future__ import annotations

from tests.hostile.case import Case
from tests.hostile.files import GOOD
from tests.hostile.headers import good_cases, header_cases, truncated_cases
from tests.hostile.large import large_cases
from tests.hostile.references import SECRETS, material_cases, reference_cases, texture_cases
from tests.hostile.scenes import scene_cases
from tests.hostile.scenes.gltf_odd import odd_cases
from tests.hostile.texts import confusion_cases, text_cases
from tests.hostile.values import degenerate_cases, index_cases, number_cases

__all__ = ["GOOD", "SECRETS", "Case", "corpus"]


def corpus(scale: float = 1.0) -> list[Case]:
    """All cases.

    Args:
        scale: share of the large files' size; 1 for the full form.
    """
    small = (
        *(good_cases, truncated_cases, header_cases, index_cases, number_cases, degenerate_cases),
        *(text_cases, confusion_cases, reference_cases, texture_cases, material_cases, scene_cases),
    )
    cases = [found for generate in small for found in generate()]
    return [*cases, *odd_cases(11 if scale == 1.0 else 1), *large_cases(scale)]
