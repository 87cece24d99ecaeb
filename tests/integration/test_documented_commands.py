"""Every block of commands in README and the documentation that is marked `run`, against a real server."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from serve_app.base.bundled import copy_bundled
from tests.docs_blocks import Block, all_blocks
from tests.integration.conftest import Server

BLOCKS = [block for block in all_blocks() if block.is_run]


@pytest.fixture(scope="module")
def folder(server: Server) -> Path:
    """As a user's: with the examples, and results of earlier blocks."""
    own = server.folder / "documented"
    own.mkdir()
    assert all(copied for _, copied in copy_bundled(own, ("examples",)))
    return own


def for_this_server(text: str, url: str, folder: Path) -> str:
    """The block with this server's address and folder, and small images: what is said of a request stays as it is."""
    text = text.replace("http://localhost:8004", url).replace("http://127.0.0.1:8004", url)
    # A server reads relative paths from the folder that it was started in, and this one was started elsewhere.
    text = re.sub(r'"(examples|output)/', rf'"{folder}/\1/', text)
    if '"samples"' not in text:
        text = re.sub(r'("output_dir": "[^"]*")', r'\1, "resolution": 64, "samples": 1', text)
    text = re.sub(r"-F (resolution=128|quality=draft)", "", text)
    text = re.sub(r"-F file=(?!\S+ http\S+/uploads)", "-F resolution=64 -F samples=1 -F file=", text, count=1)
    text = text.replace(r"\"quality\": \"draft\"", r"\"resolution\": 64, \"samples\": 1")
    text = re.sub(r', (quality="draft"|resolution=[0-9]+)', "", text)
    text = re.sub(r'(\.submit\(f?"[^"]*")', r"\1, resolution=64, samples=1", text)
    text = re.sub(r"\brender-server (render|bop) ", r"render-server \1 --resolution 64 --samples 1 ", text)
    text = text.replace("render-server smoke ", "render-server smoke --resolution 64 ")
    return re.sub(r"\bcurl -s ", "curl --no-progress-meter --fail-with-body ", text)


def run(block: Block, server: Server, folder: Path) -> subprocess.CompletedProcess[str]:
    text = for_this_server(block.text, server.url, folder)
    words = [sys.executable, "-c", text] if block.kind == "python" else ["bash", "-euo", "pipefail", "-c", text]
    port = server.url.rsplit(":", 1)[1]
    own = {"RENDER_SERVER_PORT": port, "RENDER_SERVER_URL": server.url, "PATH": f"{sysconfig.get_path('scripts')}:{os.environ['PATH']}"}
    return subprocess.run(words, cwd=folder, env=os.environ | own, capture_output=True, text=True, check=False, timeout=180)


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_the_commands_do_what_the_page_says(block: Block, server: Server, folder: Path) -> None:
    done = run(block, server, folder)
    assert done.returncode == 0, f"{block.text}\n{done.stdout}\n{done.stderr}"
    assert '"status":"failed"' not in done.stdout and '"success":false' not in done.stdout, done.stdout


def test_a_command_that_fails_is_seen(server: Server, folder: Path) -> None:
    text = """curl -s -X POST 'http://localhost:8004/render/templates?wait=true' -H 'Content-Type: application/json' \\
     -d '{"cad_path": "examples/none.ply", "output_dir": "output/none"}'\n"""
    done = run(Block(folder / "page.md", 1, "bash", "run", text), server, folder)
    assert done.returncode != 0 and "cad_not_found" in done.stdout
