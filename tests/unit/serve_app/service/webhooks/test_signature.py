from __future__ import annotations

import base64
import re
import time
from pathlib import Path
from typing import Any

import pytest

from serve_app.base.api_key import UnusableKeyError
from serve_app.base.settings import Settings
from serve_app.service.webhooks.signature import signed_headers, webhook_secret

DOCS = Path(__file__).parents[5] / "docs" / "events.md"
SECRET = "a secret of sixteen bytes, and more"


def test_the_standards_own_example() -> None:
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = signed_headers(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert headers["webhook-id"] == "msg_p5jXN8AQM9LWM0D4loKWxJek" and headers["webhook-timestamp"] == "1614265330"


def test_the_lines_in_the_documentation_check_a_signature() -> None:
    code = re.search(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert code is not None
    names: dict[str, object] = {}
    exec(code[1], names)
    is_genuine = names["is_genuine"]
    assert callable(is_genuine)
    headers, body = signed_headers(SECRET.encode(), "m", int(time.time()), b"{}"), b"{}"
    assert is_genuine(SECRET.encode(), headers, body)
    assert not is_genuine(SECRET.encode(), headers, b"{ }") and not is_genuine(b"another", headers, body)
    for changed in ({"webhook-id": "n"}, {"webhook-timestamp": str(int(time.time()) + 1)}):
        assert not is_genuine(SECRET.encode(), headers | changed, body)
    assert not is_genuine(SECRET.encode(), signed_headers(SECRET.encode(), "m", int(time.time()) - 600, body), body)


def test_where_the_secret_comes_from(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET + "\n")
    assert webhook_secret(Settings(webhook_secret_file=tmp_path / "secret")) == SECRET.encode()
    assert webhook_secret(Settings(webhook_secret="whsec_" + base64.b64encode(b"0123456789abcdef").decode())) == b"0123456789abcdef"
    assert webhook_secret(Settings()) is None


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"webhook_hosts": ["a.example"]}, "RENDER_WEBHOOK_SECRET_FILE"),
        ({"webhook_secret": "short"}, "has 5 bytes, fewer than 16"),
        ({"webhook_secret": "whsec_not base64"}, "no base64"),
        ({"webhook_secret_file": Path("/nowhere/secret")}, "RENDER_WEBHOOK_SECRET_FILE .* cannot be read"),
        ({"webhook_secret": SECRET, "webhook_secret_file": Path("/nowhere/secret")}, "both set"),
    ],
)
def test_a_secret_that_is_none_is_told_and_never_shown(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(UnusableKeyError, match=told) as failed:
        webhook_secret(Settings(**settings))
    assert SECRET not in str(failed.value)
