"""Threads on either server of the contract tests."""

import json

from tests.contract.conftest import Side


def new_thread(server: Side) -> str:
    return str(server.send("POST", "/threads", json.dumps({})).body["thread_id"])
