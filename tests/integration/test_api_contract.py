"""schemathesis asks the real server everything that its OpenAPI document allows, and much that it does not."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.integration.conftest import API_KEY, ROOT, Server

SECONDS = int(os.environ.get("CONTRACT_SECONDS", "60"))
"""How long; `CONTRACT_SECONDS=1200 make test` is the full form."""


def test_every_answer_is_as_documented(locked_server: Server, tmp_path: Path) -> None:
    command = [str(Path(sys.executable).with_name("schemathesis")), "run", f"{locked_server.url}/openapi.json"]
    options = ["--checks=all", f"--max-time={SECONDS}", "--max-examples=30", "--continue-on-failure", "--seed=1", "--no-shrink"]
    done = subprocess.run(
        [*command, *options, "-H", f"X-API-Key: {API_KEY}"],
        env={
            **os.environ,
            "SCHEMATHESIS_HOOKS": "tests.integration.contract_hooks",
            "CONTRACT_FOLDER": str(locked_server.folder),
            "PYTHONPATH": str(ROOT),
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=SECONDS + 240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    cases = re.search(r"(\d+) generated", done.stdout)
    assert cases and int(cases[1]) > 500, done.stdout
