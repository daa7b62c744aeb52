"""Retries with exponential back-off and jitter."""

import os
import time
from collections.abc import Callable
from typing import TypeVar

from graphcron.runner.environment import log
from graphcron.runner.errors import TryAgain

T = TypeVar("T")


def persist(call: Callable[[], T], patience: float) -> T:
    """Repeat a call while repeating can help, for `patience` seconds from its first failure on.

    Pauses double from 0.2 s to 5 s and are jittered, so that the pods of one minute do not come back as one.
    """
    pause, give_up = 0.2, None
    while True:
        try:
            return call()
        except TryAgain as error:
            now = time.monotonic()
            give_up = now + patience if give_up is None else give_up
            wait = max(error.wait, pause * (1 + os.urandom(1)[0] / 256) / 2)
            if now + wait > give_up:
                raise
            log(f"{error}; again in {wait:.1f} s")
        time.sleep(wait)
        pause = min(5.0, pause * 2)
