from __future__ import annotations

import subprocess
import sys


def test_a_blender_that_will_not_start_says_why() -> None:
    code = (
        "import os, sys; sys.modules['bpy'] = None\n"
        "from render_actor.blender.actor import BlenderActor\nfrom render_actor.contract.types import RendererOptions\n"
        "print(BlenderActor('r', RendererOptions(), os.getpid()).warm_up().message)"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.startswith("Failed to initialize BlenderProc: ") and "bpy" in printed
