"""Keeps the sums of `shared_spending` in a ConfigMap, so that an operator which starts knows what GraphCrons had used
that are deleted since. Without budgets of the installation, or without the ConfigMap, it does nothing."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from graphcron.kube.client import Kube
from graphcron.kube.errors import KubeError, NotLeading
from graphcron.operator.shared_spending import SharedSpending

log = logging.getLogger(__name__)

PAUSE_SECONDS = 5.0
"""Between two writes. What is used in between is in the statuses: it is forgotten only if the operator dies within this
time, and a GraphCron is deleted before another one works."""
KEY = "sums.json"


class SpendingRecord:
    """The ConfigMap of that name, which the chart makes; None for none."""

    def __init__(
        self,
        kube: Kube,
        spent: SharedSpending,
        namespace: str,
        name: str | None,
        clock: Callable[[], datetime],
        leads: Callable[[], bool],
    ) -> None:
        self._kube = kube
        self._spent = spent
        self._namespace = namespace
        self._name = name
        self._clock = clock
        self._leads = leads
        self._text: str | None = None
        """What is in it; None until it was read, and before that nothing is written over it."""
        self._trouble = ""

    async def read(self) -> None:
        """Before the GraphCrons are listed: what is listed later has all that the record has of it."""
        if self._name is None:
            return
        try:
            found = await self._kube.get_config_map(self._namespace, self._name)
            self._text = str((found.get("data") or {}).get(KEY, ""))
        except KubeError as error:
            self._tell("what deleted GraphCrons have used is not known: %s", error)

    def restore(self) -> None:
        """Once they are listed."""
        self._spent.restore(self._text or "", self._clock())

    async def run(self) -> None:
        """Without end, whatever happens."""
        while self._name is not None:
            await asyncio.sleep(PAUSE_SECONDS)
            if self._leads():
                await self._write(self._name)

    async def _write(self, name: str) -> None:
        if self._text is None:
            await self.read()
            self.restore()
        if self._text is None or (text := self._spent.recorded(self._clock())) == self._text:
            return
        try:
            await self._kube.patch_config_map(self._namespace, name, {KEY: text})
            self._text, self._trouble = text, ""
        except NotLeading:
            pass
        except KubeError as error:
            self._tell("what deleted GraphCrons have used is not recorded: %s", error)

    def _tell(self, what: str, error: KubeError) -> None:
        if error.message != self._trouble:
            log.warning(what, error.message)
        self._trouble = error.message
