"""Leader election: takes, renews and releases the Lease as `lease` decides, and opens the write gate meanwhile."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from datetime import UTC, datetime

from graphcron.kube import lease
from graphcron.kube.client import Kube
from graphcron.kube.errors import Conflict, KubeError, NotFound
from graphcron.kube.lease import LeaseTiming
from graphcron.kube.resources import Manifest
from graphcron.kube.write_gate import WriteGate, steady_clock

log = logging.getLogger(__name__)

RELEASE_SECONDS = 5.0
"""At the end: for the writes in flight, and again for the release itself."""


class LeaderElector:
    """One candidate of an election. `identity` is its own alone; `on_started_leading` is called each time it takes the
    lead."""

    def __init__(
        self,
        kube: Kube,
        gate: WriteGate,
        name: tuple[str, str],
        identity: str,
        timing: LeaseTiming,
        on_started_leading: Callable[[], None],
        clock: Callable[[], float] = steady_clock,
    ) -> None:
        self._kube = kube
        self._gate = gate
        self._namespace, self._name = name
        self._identity = identity
        self._timing = timing
        self._on_started_leading = on_started_leading
        self._clock = clock
        self._lease: Manifest | None = None
        self._observed_at = 0.0
        self._leads = False
        self._claimed = False
        self._reported = ""
        self.answering_since: float | None = None
        """Since when the apiserver has answered each attempt, by `clock`; None when it did not answer the last."""

    async def run(self) -> None:
        """Stand for election until cancelled."""
        while True:
            await self.attempt()
            await asyncio.sleep(self._timing.retry_period)

    async def attempt(self) -> None:
        """Take or renew the Lease, if it is free or ours. Failures are logged, each once."""
        problem = ""
        try:
            # Half of the deadline, so that one request that hangs leaves time for another.
            async with asyncio.timeout(self._timing.renew_deadline / 2):
                await self._take_or_renew()
        except Conflict:
            self._lease = None  # somebody else was faster; the next attempt reads it anew
        except TimeoutError:
            problem = "the Kubernetes API does not answer in time"
        except KubeError as error:
            problem = error.message
        if problem and problem != self._reported:
            log.warning("Lease %s/%s: %s", self._namespace, self._name, problem)
        self._reported = problem
        self.answering_since = None if problem else self.answering_since or self._clock()
        self._announce()

    async def release(self) -> None:
        """Stop writing for good, wait for the writes in flight, and give the Lease back."""
        self._gate.shut()
        self._announce()
        try:
            async with asyncio.timeout(RELEASE_SECONDS):
                await self._gate.drained()
            if self._claimed:
                async with asyncio.timeout(RELEASE_SECONDS):
                    await self._give_back()
        except (KubeError, TimeoutError) as error:
            reason = str(error) or "no answer in time"
            log.warning(
                "Lease %s/%s was not given back, and runs out by itself: %s", self._namespace, self._name, reason
            )

    async def _give_back(self) -> None:
        """Reads the Lease first: a claim whose answer was lost may have succeeded."""
        while True:
            await self._read()
            if not self._lease or lease.held_by(self._lease) != self._identity:
                return
            with contextlib.suppress(Conflict):
                await self._kube.replace_lease(self._namespace, lease.release(self._lease, datetime.now(UTC)))
                return

    async def _take_or_renew(self) -> None:
        if self._lease is None or lease.held_by(self._lease) != self._identity:
            await self._read()
        if self._lease and not lease.may_take(self._lease, self._identity, self._observed_at, self._clock()):
            return
        sent = self._clock()
        claim = lease.claim(self._lease, self._name, self._identity, self._timing, datetime.now(UTC))
        write = self._kube.replace_lease if self._lease else self._kube.create_lease
        self._claimed = True
        self._observe(await write(self._namespace, claim))
        self._announce()  # if the gate closed meanwhile, writes were refused: it starts leading again
        self._gate.open_until(sent + self._timing.renew_deadline)

    async def _read(self) -> None:
        try:
            self._observe(await self._kube.get_lease(self._namespace, self._name))
        except NotFound:
            self._lease = None

    def _observe(self, found: Manifest) -> None:
        known = self._lease["metadata"]["resourceVersion"] if self._lease else None
        if found["metadata"]["resourceVersion"] != known:
            self._observed_at = self._clock()
        self._lease = found
        if lease.held_by(found) not in ("", self._identity):
            self._gate.close()

    def _announce(self) -> None:
        leads = self._gate.is_open
        if leads != self._leads:
            self._leads = leads
            log.info("Lease %s/%s: %s %s", self._namespace, self._name, self._identity, "leads" if leads else "waits")
            if leads:
                self._on_started_leading()
