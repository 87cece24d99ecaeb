"""Renders the converged images that ``tests/integration/test_quality.py`` holds every quality against: ``make converged``.

``python -m tests.data.make_converged CAD FOLDER`` writes ``rgb_<i>.png`` of 4096 samples without a denoiser, ``mask_<i>.png`` and
``xyz_<i>.npz`` for each of ``VIEWS``, and ``made_with.json``. The files in this folder are part of the project, so that a change which
shifts the images is seen in any clone: make them again only where the images are meant to change, and look at them.
"""

from __future__ import annotations

import json
import os
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
from PIL import Image

from bench.probe import Probe
from render_actor.contract.scene import Sampling

VIEWS = (9, 20)
"""Cameras of SAM-6D's list of 42 that the files 0, 1, ... show."""

RESOLUTION = 128
SAMPLES = 4096


def main() -> None:
    """Render one CAD."""
    cad, folder = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    probe = Probe(cad, num_gpus=0, resolution=RESOLUTION)
    for index, view in enumerate(VIEWS):
        rgb, _ = probe.render(view, Sampling(SAMPLES, denoiser="none"))
        mask, xyz = probe.mask_and_xyz(view)
        Image.fromarray(rgb).save(folder / f"rgb_{index}.png", optimize=True)
        Image.fromarray(mask.astype(np.uint8) * 255).save(folder / f"mask_{index}.png", optimize=True)
        np.savez_compressed(folder / f"xyz_{index}.npz", xyz=xyz)
    made_with = {"cad": cad.name, "views": VIEWS, "samples": SAMPLES, "bpy": version("bpy"), "device": probe.device}
    (folder / "made_with.json").write_text(json.dumps(made_with) + "\n")
    os._exit(0)  # Blender crashes when its interpreter ends in order.


if __name__ == "__main__":
    main()
