"""Images of an entry are used again where a request wants other files of the same views."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from render_actor.contract.file_kinds import WantedFiles
from render_actor.contract.view_quality import ViewQuality
from serve_app.templates import cache as template_cache
from serve_app.templates.cache import TemplateCache
from serve_app.templates.views import RenderedViews
from tests.unit.serve_app.templates.staged_views import empty, staged


def with_qualities(rendered: RenderedViews) -> RenderedViews:
    for entry in rendered.entries.values():
        entry |= {"samples": 12 + entry["index"], "estimated_error": 0.5, "error_bound": 1.0}
    return rendered


async def test_images_are_had_for_files_of_other_kinds(tmp_path: Path) -> None:
    cache = TemplateCache(tmp_path / "cache", 10**9)
    source, rendered = staged(tmp_path, "a")
    assert await cache.images("key") == {}
    await cache.insert("key", source, with_qualities(rendered))
    more = WantedFiles(("rgb", "depth"))
    assert await cache.fetch("key", empty(tmp_path, "b"), more) is None
    images = await cache.images("key")
    assert {view: image.png for view, image in images.items()} == {view: f"rgb_{view}.png".encode() + b"x" * 1000 for view in range(3)}
    assert images[2].quality == ViewQuality(14, 0.5, 1.0) and await cache.images("other") == {}


async def test_images_of_which_nobody_knows_what_was_sampled_are_made_again(tmp_path: Path) -> None:
    cache = TemplateCache(tmp_path / "cache", 10**9)
    source, rendered = staged(tmp_path, "a")
    await cache.insert("key", source, rendered)
    assert await cache.images("key") == {} and len(cache) == 1


async def test_images_that_are_not_what_was_kept_go_with_their_entry(tmp_path: Path) -> None:
    cache = TemplateCache(tmp_path / "cache", 10**9)
    source, rendered = staged(tmp_path, "a")
    await cache.insert("key", source, with_qualities(rendered))
    (tmp_path / "cache" / "key" / "rgb_1.png").write_bytes(b"another")
    assert await cache.images("key") == {} and len(cache) == 0 and not os.listdir(tmp_path / "cache")


async def test_images_that_are_too_large_to_be_carried_are_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = TemplateCache(tmp_path / "cache", 10**9)
    source, rendered = staged(tmp_path, "a")
    await cache.insert("key", source, with_qualities(rendered))
    monkeypatch.setattr(template_cache, "_MOST_IMAGE_BYTES", 3000)
    assert await cache.images("key") == {} and len(cache) == 1
