"""The example of docs/how-to/be-told-about-failures.md knows what the notifier has signed."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cluster.paths import HERE
from graphcron.notifier.payloads import signed
from tests.docs.blocks import blocks

PAGE = Path("docs/how-to/be-told-about-failures.md")
BODY = b'{"specversion": "1.0"}'


@pytest.fixture
def is_genuine() -> Callable[..., bool]:
    (block,) = [block for block in blocks(HERE.root.resolve(), PAGE) if block.language == "python"]
    found: dict[str, Any] = {}
    exec(block.text, found)  # noqa: S102  our own text
    example: Callable[..., bool] = found["is_genuine"]
    return example


def test_it_takes_what_is_signed_and_nothing_else(is_genuine: Callable[..., bool]) -> None:
    now = datetime.fromtimestamp(time.time(), UTC)
    headers = signed(BODY, "an-id", now, b"a-key-of-the-team")
    assert is_genuine(headers, BODY, b"a-key-of-the-team")
    assert not is_genuine(headers, BODY + b" ", b"a-key-of-the-team")
    assert not is_genuine(headers, BODY, b"another-key")
    assert not is_genuine(headers | {"webhook-id": "another"}, BODY, b"a-key-of-the-team")
    old = signed(BODY, "an-id", now - timedelta(hours=1), b"a-key-of-the-team")
    assert not is_genuine(old, BODY, b"a-key-of-the-team")
