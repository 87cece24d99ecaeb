"""The API key as settings give it, and as a header holds it."""

from __future__ import annotations

import pytest
from pydantic import SecretStr, ValidationError

from serve_app.base.api_key import UnusableKeyError, is_loopback, key_bytes
from serve_app.base.settings import Settings

KEY = "Schlüssel-鍵 1"


@pytest.mark.parametrize("key", [" ", "a\nb", "a\0b", "a\x7fb"])
def test_a_key_that_no_header_holds_is_refused_unseen(key: str) -> None:
    with pytest.raises(UnusableKeyError) as caught:
        key_bytes(SecretStr(key))
    assert not key.strip() or key not in str(caught.value)


def test_the_key_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RENDER_API_KEY", KEY)
    settings = Settings()
    assert settings.api_key is not None and key_bytes(settings.api_key) == KEY.encode()
    assert KEY not in repr(settings) + str(settings) + settings.model_dump_json()
    monkeypatch.setenv("RENDER_SERVER_PORT", "none")
    with pytest.raises(ValidationError) as caught:
        Settings()
    assert KEY not in str(caught.value)


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
