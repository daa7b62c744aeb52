"""Two owners with API keys, and their requests."""

from typing import Any

from graphcron.facade.auth.callers import Keys, read_keys
from tests.support.facade_server import MINIMAL, Client

ADA, BOB, STRANGER = "ada-key-" + "a" * 20, "bob-key-" + "b" * 20, "stranger-" + "s" * 20


def known() -> Keys:
    return read_keys({"ada": ADA.encode(), "bob": BOB.encode()})[0]


def sent(key: str) -> dict[str, str]:
    return {"X-Api-Key": key}


async def made(client: Client, key: str, path: str = "/runs/crons") -> dict[str, Any]:
    status, cron, _ = await client.call("POST", path, MINIMAL, headers=sent(key))
    assert status == 200
    return dict(cron)
