"""What the parsing process may still do, and what becomes of a path that changes while it is opened."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from serve_app.base.errors import ServiceError
from serve_app.cad.references import FolderResolver, open_regular_file, read_regular_file, sha256_of_regular_file

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
        "from serve_app.cad.references import read_regular_file\nimport PIL.TiffImagePlugin, colorsys\n"
        f"assert read_regular_file(Path({str(tmp_path / 'cad.ply')!r}), 9) == b'ply'"
    )
    ended = confined(code, tmp_path)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("kind", ["fifo", "link", "folder", "device", "through a link", "gone", "large"])
def test_only_a_regular_file_is_opened(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").write_bytes(b"secret")
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "link":
        path.symlink_to("other/file")
    elif kind == "folder":
        path.mkdir()
    elif kind == "device":
        path = Path("/dev/zero")
    elif kind == "through a link":
        (tmp_path / "way").symlink_to("other")
        path = tmp_path / "way" / "file"
    elif kind == "large":
        path.write_bytes(b"x" * 101)
    for read in (read_regular_file, sha256_of_regular_file):
        with pytest.raises(ValueError if kind == "large" else OSError) as caught:
            read(path, 100)
        assert str(tmp_path) not in (getattr(caught.value, "strerror", None) or str(caught.value))


@pytest.mark.parametrize("trap", ["link", "fifo", "folder link"])
def test_a_path_that_changes_while_it_is_opened_never_gives_another_file(trap: str, tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "cad.ply").write_bytes(b"secret")
    place = tmp_path / "cads"
    place.mkdir()
    (place / "cad.ply").write_bytes(b"good")
    stop = threading.Event()

    def exchange() -> None:
        spare, victim = tmp_path / "spare", place if trap == "folder link" else place / "cad.ply"
        if trap == "fifo":
            os.mkfifo(spare)
        else:
            spare.symlink_to(tmp_path / "secret" if trap == "folder link" else tmp_path / "secret" / "cad.ply")
        while not stop.is_set():  # Three renames exchange the two.
            victim.rename(tmp_path / "third")
            spare.rename(victim)
            victim.rename(spare)
            (tmp_path / "third").rename(victim)

    thread = threading.Thread(target=exchange)
    thread.start()
    read = refused = 0
    try:
        until = time.monotonic() + 60
        while read + refused < 3000 or (not (read and refused) and time.monotonic() < until):
            try:
                with open_regular_file(tmp_path / "cads" / "cad.ply") as file:
                    assert file.read() == b"good"
                read += 1
            except OSError:
                refused += 1
    finally:
        stop.set()
        thread.join()
    assert read and refused, (read, refused)


def test_references_count_together(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).write_bytes(b"x" * 40)
    resolver = FolderResolver(tmp_path, 100)
    assert resolver.get("a") == resolver.get("b") == b"x" * 40
    with pytest.raises(FileNotFoundError, match="more than 20"):
        resolver.get("c")
    assert [digest is None for digest in resolver.used.values()] == [False, False, True]
    assert FolderResolver(tmp_path, 100).digests(["a", "b"]) == {name: resolver.used[name] for name in "ab"}


def test_too_many_references_are_refused(tmp_path: Path) -> None:
    resolver = FolderResolver(tmp_path, 100)
    with pytest.raises(ServiceError) as caught:
        for number in range(1000):
            with pytest.raises(FileNotFoundError):
                resolver.get(f"{number}.png")
    assert caught.value.code == "cad_too_large" and len(resolver.used) == 256
