"""The configurations of docs/tls.md in a real nginx and a real Caddy, before a server that wants a key."""

from __future__ import annotations

import json
import os
import re
import shutil
import ssl
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import httpx
import pytest

from serve_app.cli.checks import free_port
from tests.integration.conftest import ROOT, Server
from tests.integration.security.conftest import API_KEY
from tests.wait import wait_until

UPLOAD_MB = 200 if os.environ.get("RENDER_PROXIES_FULL") else 8
KEY = {"X-API-Key": API_KEY}


def documented(language: str) -> str:
    """The configuration in docs/tls.md: the first block of its language."""
    found = re.search(rf"```{language}\n(.*?)```", (ROOT / "docs" / "tls.md").read_text(), re.DOTALL)
    assert found
    return found[1]


def replaced(text: str, *changes: tuple[str, str]) -> str:
    """The text with what is another here; each must be in it."""
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text


def nginx(folder: Path, port: int, upstream: str) -> list[str]:
    own = replaced(
        documented("nginx"),
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("/etc/ssl/render.example.pem", str(folder / "cert.pem")),
        ("/etc/ssl/private/render.example.key", str(folder / "key.pem")),
        ("http://127.0.0.1:8004", upstream),
    )
    temporary = "".join(f"{kind}_temp_path {folder / kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (folder / "nginx.conf").write_text(
        f"pid {folder / 'pid'};\nevents {{}}\nhttp {{\naccess_log {folder / 'access.log'};\n{temporary}{own}}}\n"
    )
    return ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log"), "-g", "daemon off;"]


def caddy(folder: Path, port: int, upstream: str) -> list[str]:
    own = replaced(
        documented("text"),
        ("{\n    grace_period 10s", "{\n    admin off\n    auto_https disable_redirects\n    grace_period 1s"),
        ("render.example {", f"https://localhost:{port} {{\n    tls {folder / 'cert.pem'} {folder / 'key.pem'}"),
        ("127.0.0.1:8004", upstream.removeprefix("http://")),
    )
    (folder / "Caddyfile").write_text(own)
    return ["caddy", "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]


@contextmanager
def proxy(make: Callable[[Path, int, str], list[str]], folder: Path, upstream: str) -> Iterator[httpx.Client]:
    """A proxy before a server, and a client of it."""
    port = free_port()
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    words += ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem"), "-subj", "/CN=localhost"]
    subprocess.run([*words, "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
    environment = os.environ | {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    with (folder / "output").open("wb") as output:
        running = subprocess.Popen(make(folder, port, upstream), stdout=output, stderr=subprocess.STDOUT, env=environment)
    trusted = ssl.create_default_context(cafile=str(folder / "cert.pem"))
    try:
        with httpx.Client(base_url=f"https://localhost:{port}", verify=trusted, timeout=120, trust_env=False) as http:

            def up() -> bool:
                assert running.poll() is None, (folder / "output").read_text()
                try:
                    return http.get("/ready").status_code == 200
                except httpx.TransportError:
                    return False

            wait_until(up, lambda: (folder / "output").read_text())
            yield http
    finally:
        running.terminate()
        running.wait(timeout=30)


@pytest.mark.parametrize("make", [nginx, caddy], ids=["nginx", "caddy"])
def test_the_documented_proxies(make: Callable[[Path, int, str], list[str]], locked_server: Server, tmp_path: Path) -> None:
    name = make.__name__
    if shutil.which(name) is None or shutil.which("openssl") is None:
        pytest.skip(f"no {name} on this machine: apt-get install {'nginx-light' if name == 'nginx' else name}")
    body = {"cad_path": str(locked_server.folder / "flange.stl"), "output_dir": str(locked_server.folder / name), "resolution": 64}
    body["camera_poses_path"] = str(locked_server.folder / "one_pose.npy")
    with proxy(make, tmp_path, locked_server.url) as http:
        page = http.get("/")
        assert page.status_code == 200 and "script-src 'self'" in page.headers["Content-Security-Policy"]
        assert http.get("/api/v1/status").status_code == 401 and http.get("/api/v1/status", headers=KEY).status_code == 200

        # Events come while the stream is open: what is collected before it is sent on would not come at all.
        with http.stream("GET", "/api/v1/events", headers=KEY) as events:
            assert http.put(f"/api/v1/jobs/{name}", json=body, headers=KEY).status_code in (200, 202)
            lines = (line for line in events.iter_lines() if line.startswith("data: {"))
            kinds = [json.loads(line.removeprefix("data: ")) for line, _ in zip(lines, range(2), strict=False)]
            assert all(event["job_id"] for event in kinds)
        assert http.put(f"/api/v1/jobs/{name}", params={"wait": "true"}, json=body, headers=KEY).json()["status"] == "succeeded"

        archive = http.get(f"/api/v1/jobs/{name}/templates.zip", headers=KEY)
        assert int(archive.headers["Content-Length"]) == len(archive.content)
        assert "templates/rgb_0.png" in zipfile.ZipFile(BytesIO(archive.content)).namelist()
        rest = http.get(f"/api/v1/jobs/{name}/templates.zip", headers={**KEY, "Range": "bytes=100-"})
        assert rest.status_code == 206 and rest.content == archive.content[100:]

        given = http.post(f"/api/v1/jobs/{name}/download-ticket", headers=KEY)
        assert given.status_code == 204 and "secure" in given.headers["Set-Cookie"].lower()
        assert http.get(f"/api/v1/jobs/{name}/templates.zip").content == archive.content  # With the cookie that the client keeps.

        large = tmp_path / "large.stl"
        with large.open("wb") as file:
            file.truncate(UPLOAD_MB * 1024**2)
        with large.open("rb") as file:
            sent = http.post("/api/v1/uploads", files={"file": ("large.stl", file)}, headers=KEY)
        assert sent.status_code == 201 and sent.json()["bytes"] == UPLOAD_MB * 1024**2, sent.text
        assert http.delete(f"/api/v1/uploads/{sent.json()['upload_id']}", headers=KEY).status_code in (200, 204)
