"""schemathesis asks the real server everything that its OpenAPI document allows, and much that it does not."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.conftest import ROOT, Server
from tests.integration.security.conftest import API_KEY

SECONDS = int(os.environ.get("CONTRACT_SECONDS", "15"))
"""For how long; the full form is `make contract`."""

SEED = [] if "CONTRACT_SECONDS" in os.environ else ["--seed=1"]
"""The short form asks about the same every time; what is rare is for the full one to find."""


@pytest.mark.timeout(SECONDS + 600)
def test_every_answer_is_as_documented(locked_server: Server, tmp_path: Path) -> None:
    with locked_server.http() as http:
        document = http.get("/openapi.json", headers={"X-API-Key": API_KEY})
    (tmp_path / "openapi.json").write_text(document.text)
    command = [str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(Path(__file__).with_name("schemathesis.toml"))]
    # DELETE cancels a job; its record stays, for whoever asks what became of it.
    checks = ["--checks=all", "--exclude-checks=use_after_free"]
    options = ["--url", locked_server.url, *checks, f"--max-time={SECONDS}", "--max-examples=30", "--no-shrink", *SEED]
    environment = {
        "RENDER_API_KEY": API_KEY,
        "CONTRACT_FOLDER": str(locked_server.folder),
        "CONTRACT_HOOKS": "tests.integration.security.contract_hooks",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [*command, "run", "openapi.json", *options],
        env={**os.environ, **environment},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=SECONDS + 300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    cases = re.search(r"(\d+) generated", done.stdout)
    assert cases and int(cases[1]) > 100, done.stdout
