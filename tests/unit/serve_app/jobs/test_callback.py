from __future__ import annotations

import re

import pytest
from pydantic import ValidationError

from serve_app.jobs.callback import CALLBACK_PATTERN, Target, target_of
from serve_app.jobs.request import RenderRequest
from tests.unit.serve_app.made import make_spec


@pytest.mark.parametrize(
    ("url", "target", "authority"),
    [
        ("https://Hooks.Example.com", Target("https", "hooks.example.com", 443, "/"), "hooks.example.com"),
        ("http://a.example:8080/x/y?z=1", Target("http", "a.example", 8080, "/x/y?z=1"), "a.example:8080"),
        ("http://a.example?q", Target("http", "a.example", 80, "/?q"), "a.example"),
        ("https://[::1]:9/x", Target("https", "::1", 9, "/x"), "[::1]:9"),
        ("http://10.0.0.1:80/", Target("http", "10.0.0.1", 80, "/"), "10.0.0.1"),
    ],
)
def test_a_url_in_its_parts(url: str, target: Target, authority: str) -> None:
    assert target_of(url) == target and target.authority == authority
    assert re.search(CALLBACK_PATTERN, url)
    assert make_spec(callback_url=url).request.callback_url == url


def test_the_address_stands_in_the_place_of_the_name() -> None:
    target = target_of("https://a.example/x?y=1")
    assert target.url_at("10.0.0.1") == "https://10.0.0.1:443/x?y=1" and target.url_at("fd00::1") == "https://[fd00::1]:443/x?y=1"


@pytest.mark.parametrize(
    "url",
    [
        *[
            "ftp://a.example",
            "//a.example",
            "http://",
            "http:///x",
            "http://user@a.example/",
            "http://user:pw@a.example/",
            "http://a.example#x",
        ],
        *[
            "http://a.example:0/",
            "http://a.example:65536/",
            "http://a.example:/",
            "http://a b/",
            "http://a.example/ x",
            "http://a.example\\@b/",
        ],
        *[
            "http://a.example/\r\nX: y",
            "http://a.example\n",
            "http://ä.example/",
            "http://a.example/ä",
            "http://a.example:80:80/",
            "http://-a/",
        ],
    ],
)
def test_what_is_no_callback(url: str) -> None:
    with pytest.raises(ValueError, match="no URL"):
        target_of(url)
    with pytest.raises(ValidationError, match="callback_url"):
        RenderRequest(cad_path="a.stl", output_dir="out", callback_url=url)


def test_it_is_no_option_of_the_rendering() -> None:
    assert "callback_url" not in make_spec(callback_url="http://a.example/?token=secret").options
