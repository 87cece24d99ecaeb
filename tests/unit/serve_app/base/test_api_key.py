"""The API key as settings give it, and as a header holds it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from serve_app.base.api_key import MAX_KEY_FILE_BYTES, UnusableKeyError, is_loopback, key_bytes, key_of, source_of_key
from serve_app.base.settings import Settings

KEY = "Schlüssel-鍵 1"


@pytest.mark.parametrize("key", [" ", "a\nb", "a\0b", "a\x7fb"])
def test_a_key_that_no_header_holds_is_refused_unseen(key: str) -> None:
    with pytest.raises(UnusableKeyError) as caught:
        key_bytes(SecretStr(key), "RENDER_API_KEY")
    assert not key.strip() or key not in str(caught.value)


def test_the_key_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RENDER_API_KEY", KEY)
    settings = Settings()
    assert key_of(settings) == KEY.encode()
    assert KEY not in repr(settings) + str(settings) + settings.model_dump_json()
    monkeypatch.setenv("RENDER_SERVER_PORT", "none")
    with pytest.raises(ValidationError) as caught:
        Settings()
    assert KEY not in str(caught.value)


def settings_with(file: Path | str, monkeypatch: pytest.MonkeyPatch, key: str = "") -> Settings:
    """Settings as an operator gives them."""
    monkeypatch.setenv("RENDER_API_KEY", key)
    monkeypatch.setenv("RENDER_API_KEY_FILE", str(file))
    return Settings()


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_key_from_a_file_is_what_its_line_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    (tmp_path / "key").write_bytes((KEY + end).encode())
    assert key_of(settings_with(tmp_path / "key", monkeypatch)) == KEY.encode()


def test_a_key_file_may_be_a_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kubernetes: a link to a file in a folder that is a link."""
    (tmp_path / "version").mkdir()
    (tmp_path / "version" / "key").write_bytes(b"\xffk\n")
    (tmp_path / "now").symlink_to("version")
    (tmp_path / "key").symlink_to("now/key")
    assert key_of(settings_with(tmp_path / "key", monkeypatch)) == b"\xffk"


SECRET = "never to be shown"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read: No such file or directory; name a file"),
        (b"", "holds no key; write the key into it"),
        (b"\n", "holds no key"),
        (b" \t\n", "holds no key"),
        (f"{SECRET}\n\n".encode(), "more than one line; it must hold the key and nothing else"),
        (f"{SECRET}\nsecond".encode(), "more than one line"),
        (f"{SECRET}\rsecond\n".encode(), "more than one line"),
        (f"{SECRET}\0".encode(), "control characters"),
        (SECRET.encode() * MAX_KEY_FILE_BYTES, f"too large for a key: it has {len(SECRET) * MAX_KEY_FILE_BYTES} bytes, more than 4096"),
    ],
)
def test_a_key_file_that_is_not_usable_is_named_and_its_content_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, words: str
) -> None:
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UnusableKeyError) as caught:
        key_of(settings_with(path, monkeypatch))
    assert str(caught.value).startswith(f"RENDER_API_KEY_FILE ({str(path)!r}) ") and words in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("kind", ["folder", "pipe", "link in a circle", "not for us"])
def test_what_is_no_readable_file_is_no_key_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    path = tmp_path / "key"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "not for us":
        path.write_text(SECRET)
        path.chmod(0)
        if os.access(path, os.R_OK):
            pytest.skip("this user may read everything")
    else:
        path.symlink_to(path)
    with pytest.raises(UnusableKeyError, match=r"RENDER_API_KEY_FILE \('.*/key'\) cannot be read: .*; name a file"):
        key_of(settings_with(path, monkeypatch))


def test_two_keys_are_one_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_with(tmp_path / "key", monkeypatch, SECRET)
    with pytest.raises(UnusableKeyError, match=r"RENDER_API_KEY and RENDER_API_KEY_FILE .* are both set; unset one of them") as caught:
        key_of(settings)
    assert SECRET not in str(caught.value)


def test_where_the_key_comes_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "from the file" in source_of_key(settings_with("/run/secrets/key", monkeypatch))
    assert source_of_key(settings_with("", monkeypatch, SECRET)) == "from RENDER_API_KEY"
    assert key_of(settings_with("", monkeypatch)) is None
    assert source_of_key(settings_with("", monkeypatch)).startswith("none, anyone")


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.0.2.7", False),
        ("server", False),
        (None, False),
        ("", False),
    ],
)
def test_loopback(host: str | None, expected: bool) -> None:
    assert is_loopback(host) is expected
