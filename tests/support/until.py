"""Waits for what another task, thread or process does."""

import asyncio
import inspect
import threading
import time
from collections.abc import Callable
from typing import Any


async def until(condition: Callable[[], Any], seconds: float = 60) -> None:
    """The condition may be a coroutine function."""
    async with asyncio.timeout(seconds):
        # Another process or task changes it, and announces nothing.
        while not (await found if inspect.isawaitable(found := condition()) else found):  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def block_until(condition: Callable[[], Any], seconds: float = 30, pause: float = 0.01) -> None:
    """The same without an event loop."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(pause)


def later(condition: Callable[[], Any], action: Callable[[], Any]) -> None:
    """Do something from outside as soon as the tested code has come that far."""

    def wait_and_act() -> None:
        block_until(condition)
        action()

    threading.Thread(target=wait_and_act, daemon=True).start()
