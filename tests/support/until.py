"""Waits for what another thread or process does."""

import threading
import time
from collections.abc import Callable
from typing import Any


def until(condition: Callable[[], Any], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.01)


def later(condition: Callable[[], Any], action: Callable[[], Any]) -> None:
    """Do something from outside as soon as the tested code has come that far."""

    def wait_and_act() -> None:
        until(condition)
        action()

    threading.Thread(target=wait_and_act, daemon=True).start()
