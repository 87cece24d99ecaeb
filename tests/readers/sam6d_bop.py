"""As PEM reads the templates of a BOP dataset: sorted folders beside sorted CADs."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.readers.view import ReadView, box_of, pixels_of


def read(dataset: Path, object_ids: list[int], wanted: int = 42) -> dict[int, list[ReadView]]:
    """The views of all objects.

    Args:
        dataset: the folder of the objects.
        object_ids: of the CADs.
        wanted: views of each object; taken evenly where there are more.
    """
    folders = sorted(dataset.glob("*"))
    assert len(folders) == len(object_ids), f"{len(folders)} folders for {len(object_ids)} objects"
    return {number: _views(folder, wanted) for number, folder in zip(sorted(object_ids), folders, strict=True)}


def _views(folder: Path, wanted: int) -> list[ReadView]:
    total = len(list(folder.glob("rgb_*.png")))
    assert len(list(folder.iterdir())) == 3 * total, "something else than templates"
    views = []
    for each in range(wanted):
        index = int(total / wanted * each)
        rgb, mask = pixels_of(folder / f"rgb_{index}.png", "RGB"), pixels_of(folder / f"mask_{index}.png", "L") == 255
        xyz = np.load(folder / f"xyz_{index}.npy")
        assert xyz.dtype == np.float16 and xyz.shape == rgb.shape
        views.append(ReadView(rgb, mask, box_of(mask), xyz=xyz.astype(np.float64)))
    return views
