"""Downloads: taken up where they broke off, unpacked whole or not at all, over nothing but templates."""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from render_server_client import FilesError, Templates
from render_server_client.unpacking import unpack
from tests.unit.client.fake_server import FakeServer, job_of, refusal
from tests.unit.client.made import files_of, folder_of, zip_of


class Breaking(httpx.SyncByteStream):
    """Sends half and breaks off."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def __iter__(self) -> Iterator[bytes]:
        yield self._data
        raise httpx.ReadError("connection reset")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> FakeServer:
    monkeypatch.setattr("random.uniform", lambda low, high: 0.01)
    server = FakeServer()
    server.jobs["a"] = job_of("a", templates_dir="/not/here")
    return server


ZIP = zip_of()
PATH = "GET /api/v1/jobs/a/templates.zip"


def test_a_broken_download_goes_on_with_a_range(server: FakeServer, tmp_path: Path) -> None:
    ranges: list[str | None] = []

    def send(request: httpx.Request) -> httpx.Response:
        ranges.append(request.headers.get("Range"))
        head = {"ETag": '"e1"', "Content-Length": str(len(ZIP))}
        if ranges[-1] is None:
            return httpx.Response(200, headers=head, stream=Breaking(ZIP[:100]))
        assert request.headers["If-Range"] == '"e1"'
        return httpx.Response(206, headers={**head, "Content-Length": str(len(ZIP) - 100)}, content=ZIP[100:])

    server.routes[PATH] = send
    assert server.client().download("a", tmp_path / "out") == [tmp_path / "out" / "templates"]
    assert ranges == [None, "bytes=100-"]
    assert {path.name: path.read_bytes() for path in (tmp_path / "out" / "templates").iterdir()} == files_of()


def test_a_file_that_has_changed_meanwhile_is_fetched_anew(server: FakeServer, tmp_path: Path) -> None:
    sent = iter([Breaking(b"of another file"), httpx.ByteStream(ZIP)])
    server.routes[PATH] = lambda _: httpx.Response(200, headers={"ETag": '"e"', "Content-Length": str(len(ZIP))}, stream=next(sent))
    server.client().download("a", tmp_path)
    assert len(Templates.read(tmp_path)) == 3


def test_templates_are_read_from_the_disk_where_it_is_shared(server: FakeServer, tmp_path: Path) -> None:
    server.jobs["a"] = job_of("a", templates_dir=str(folder_of(tmp_path / "templates", "a")))
    assert len(server.client().templates("a")) == 3 and PATH not in server.asked


def test_templates_of_another_job_in_that_place_are_not_taken(server: FakeServer, tmp_path: Path) -> None:
    server.jobs["a"] = job_of("a", templates_dir=str(folder_of(tmp_path / "templates", "another")))
    server.routes[PATH] = lambda _: httpx.Response(200, content=ZIP)
    assert len(server.client().templates("a", views=[1])) == 1 and server.asked[PATH] == 1


async def test_the_same_for_asyncio(server: FakeServer, tmp_path: Path) -> None:
    server.routes[PATH] = lambda _: httpx.Response(200, content=ZIP)
    client = server.async_client()
    assert len(await client.templates("a")) == 3
    assert await client.download("a", tmp_path) == [tmp_path / "templates"]
    assert [event.kind async for event in client.events("a")] == ["queued", "started", "finished"]
    await client.close()


def test_a_refusal_is_passed_on(server: FakeServer, tmp_path: Path) -> None:
    server.routes[PATH] = refusal(410, "results_gone")
    with pytest.raises(Exception, match=r"results_gone.*submit the CAD again"):
        server.client().download("a", tmp_path)
    assert list(tmp_path.iterdir()) == []


def unpacked(tmp_path: Path, data: bytes) -> list[Path]:
    (tmp_path / "a.zip").write_bytes(data)
    return unpack(tmp_path / "a.zip", tmp_path / "out")


def test_older_templates_are_replaced_and_what_is_beside_them_stays(tmp_path: Path) -> None:
    folder_of(tmp_path / "out" / "templates", "older")
    (tmp_path / "out" / "notes.txt").write_text("mine")
    unpacked(tmp_path, ZIP)
    assert Templates.read(tmp_path / "out").manifest["job_id"] == "a"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["notes.txt", "templates"]


def test_what_is_no_template_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "out" / "templates").mkdir(parents=True)
    (tmp_path / "out" / "templates" / "thesis.tex").write_text("mine")
    with pytest.raises(FilesError, match="holds something else than templates"):
        unpacked(tmp_path, ZIP)
    assert [path.name for path in (tmp_path / "out").rglob("*")] == ["templates", "thesis.tex"]


def test_files_of_another_layout_are_replaced_by_the_same_ones(tmp_path: Path) -> None:
    data = zip_of({"obj_000001/000000.png": b"new"})
    (tmp_path / "out" / "obj_000001").mkdir(parents=True)
    (tmp_path / "out" / "obj_000001" / "000000.png").write_bytes(b"old")
    unpacked(tmp_path, data)
    assert (tmp_path / "out" / "obj_000001" / "000000.png").read_bytes() == b"new"
    (tmp_path / "out" / "obj_000001" / "000001.png").write_bytes(b"of a larger set")
    with pytest.raises(FilesError, match="holds something else"):
        unpacked(tmp_path, data)


@pytest.mark.parametrize("name", ["../out.txt", "/etc/out.txt", "templates/../../out.txt", "a\\b.txt", "c:x"])
def test_a_path_that_leads_out_unpacks_nothing(tmp_path: Path, name: str) -> None:
    with pytest.raises(FilesError, match="lies outside"):
        unpacked(tmp_path, zip_of({name: b"x"}))
    assert list((tmp_path / "out").iterdir()) == []


def test_links_bombs_and_damage_unpack_nothing(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        link = zipfile.ZipInfo("templates/link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(FilesError, match="is no file"):
        unpacked(tmp_path, buffer.getvalue())
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("templates/zeros", bytes(1024**2))
    with pytest.raises(FilesError, match="would have 1048576 bytes"):
        unpacked(tmp_path, buffer.getvalue())
    at = ZIP.index(files_of()["rgb_0.png"]) + 40
    with pytest.raises(FilesError, match="damaged"):
        unpacked(tmp_path, ZIP[:at] + bytes([ZIP[at] ^ 1]) + ZIP[at + 1 :])
    assert list((tmp_path / "out").iterdir()) == []
