"""Settings that are read from text."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from serve_app.base.settings import Settings


def test_an_origin_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RENDER_CORS_ORIGINS", "https://a.example, http://b.example:8080")
    assert Settings().cors_origins == ["https://a.example", "http://b.example:8080"]
    monkeypatch.setenv("RENDER_CORS_ORIGINS", "a.example/path")
    with pytest.raises(ValidationError, match="RENDER_CORS_ORIGINS"):
        Settings()


def test_the_cap_of_samples_is_a_number_of_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().max_samples == 256
    monkeypatch.setenv("RENDER_MAX_SAMPLES", "1024")
    assert Settings().max_samples == 1024
    for refused in ("15", "4097"):
        monkeypatch.setenv("RENDER_MAX_SAMPLES", refused)
        with pytest.raises(ValidationError, match="max_samples"):
            Settings()


def test_the_way_of_the_files_is_one_that_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().sink == "auto"
    monkeypatch.setenv("RENDER_SINK", "Object_Store")
    assert Settings().sink == "object_store"
    monkeypatch.setenv("RENDER_SINK", "nfs")
    with pytest.raises(ValidationError, match="RENDER_SINK must be one of auto, direct, object_store, not 'nfs'"):
        Settings()


def test_the_consoles_form_is_text_or_json(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().log_format == "text"
    monkeypatch.setenv("RENDER_LOG_FORMAT", "JSON")
    assert Settings().log_format == "json"
    monkeypatch.setenv("RENDER_LOG_FORMAT", "xml")
    with pytest.raises(ValidationError, match="RENDER_LOG_FORMAT must be text or json, not 'xml'"):
        Settings()
