"""What the parsing process may still do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ATTEMPTS = {
    "open a file elsewhere": "open('/etc/hostname')",
    "open by way of a link's text": "open('{folder}/../outside.txt')",
    "open as os": "__import__('os').open('/etc/hostname', 0)",
    "write beside the CAD": "open('{folder}/new.txt', 'w')",
    "append to the CAD": "__import__('os').open('{folder}/cad.ply', __import__('os').O_WRONLY)",
    "remove the CAD": "__import__('os').remove('{folder}/cad.ply')",
    "rename it": "__import__('os').rename('{folder}/cad.ply', '{folder}/x')",
    "open a socket": "__import__('socket').socket()",
    "look up a name": "__import__('socket').getaddrinfo('localhost', 80)",
    "fetch": "__import__('urllib.request').request.urlopen('http://127.0.0.1:9/')",
    "fetch a file": "__import__('urllib.request').request.urlopen('file:///etc/hostname')",
    "start a program": "__import__('subprocess').run(['true'])",
    "use a shell": "__import__('os').system('true')",
    "replace itself": "__import__('os').execv('/bin/true', ['true'])",
    "unpickle": "__import__('pickle').loads(b'cos\\nsystem\\n(S\\'true\\'\\ntR.')",
}


def confined(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    program = (
        "import socket, subprocess, urllib.request, pickle\nfrom pathlib import Path\n"
        f"from serve_app.cad.sandbox.confinement import confine\nconfine(Path({str(folder)!r}))\n{code}\n"
    )
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_the_parsing_process_can_do_nothing_but_read_its_folder(attempt: str, tmp_path: Path) -> None:
    (tmp_path / "outside.txt").write_text("x")
    folder = tmp_path / "cads"
    folder.mkdir()
    (folder / "cad.ply").write_text("ply")
    ended = confined(ATTEMPTS[attempt].format(folder=folder), folder)
    assert ended.returncode == 1 and "a CAD's reader may not" in ended.stderr, ended.stderr
    assert sorted(os.listdir(folder)) == ["cad.ply"] and (folder / "cad.ply").read_text() == "ply"


def test_it_can_read_its_folder_and_import_modules(tmp_path: Path) -> None:
    (tmp_path / "cad.ply").write_text("ply")
    code = (
        "from serve_app.base.regular_file import read_regular_file\nimport PIL.TiffImagePlugin, colorsys\n"
        f"assert read_regular_file(Path({str(tmp_path / 'cad.ply')!r}), 9) == b'ply'"
    )
    ended = confined(code, tmp_path)
    assert ended.returncode == 0, ended.stderr
