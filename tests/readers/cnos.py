"""As CNOS reads the templates of a BOP dataset, and those of a CAD of one's own."""

from __future__ import annotations

from pathlib import Path

from tests.readers.view import ReadView, rgba_view

LEVEL_0 = [
    *(0, 46, 47, 48, 49, 50, 141, 142, 143, 144, 145, 176, 177, 178, 179, 180),
    *range(304, 341, 4),
    *(461, 462, 463, 464, 465, 496, 497, 498, 499, 500, 591, 592, 593, 594, 595, 641),
]
"""The numbers of level 0's 42 views among the 642 of level 2."""


def read(dataset: Path, numbers: list[int] = LEVEL_0) -> dict[int, list[ReadView]]:
    """The views of all objects that have a folder, in the order of their numbers."""
    object_ids = sorted(int(folder.name[4:10]) for folder in dataset.iterdir() if folder.is_dir())
    return {each: [rgba_view(dataset / f"obj_{each:06d}" / f"{number:06d}.png") for number in numbers] for each in object_ids}


def read_own(folder: Path) -> list[ReadView]:
    """Every PNG of a folder."""
    return [rgba_view(path) for path in sorted(folder.glob("*.png"))]
