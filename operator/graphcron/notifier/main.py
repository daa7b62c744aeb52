"""The notifier process: its reflectors, leader election, assessor, dispatchers and probes."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import Callable, Mapping
from datetime import datetime

import uvloop

from graphcron import logs, probes
from graphcron.environ import CannotStart
from graphcron.kube.client import Kube
from graphcron.kube.leader_election import LeaderElector
from graphcron.kube.reflector import Handler, Reflector
from graphcron.kube.resources import CHANNELS, GRAPHCRONS, Resource
from graphcron.kube.watch_health import WatchHealth
from graphcron.kube.write_gate import WriteGate
from graphcron.notifier.assessor import Assessor, utc_now
from graphcron.notifier.book import Book
from graphcron.notifier.cron import Name
from graphcron.notifier.dispatcher import Dispatcher, Office
from graphcron.notifier.due import Timing
from graphcron.notifier.handlers import ChannelHandler, GraphCronHandler
from graphcron.notifier.message import Links
from graphcron.notifier.metrics import NotifierMetrics
from graphcron.notifier.sending import Sender
from graphcron.notifier.settings import NotifierSettings

log = logging.getLogger(__name__)

SAMPLE_SECONDS = 1.0


class Notifier:
    """Everything that runs in the process, on one connection."""

    def __init__(
        self,
        settings: NotifierSettings,
        kube: Kube,
        sender: Sender,
        leads: Callable[[], bool],
        clock: Callable[[], datetime] = utc_now,
        timing: Timing = Timing(),  # noqa: B008
    ) -> None:
        self.book = Book(settings.release_namespace)
        self.metrics = NotifierMetrics()
        self.assessor = Assessor(kube, self.book, leads, self.wake, clock, timing)
        links = Links(settings.console_url or "", settings.trace_url or "")
        self._office = Office(
            kube, self.book, self.assessor, sender, links, settings.allowed_hosts, settings.messages_per_minute,
            leads, clock, self.metrics,
        )  # fmt: skip
        self._dispatchers: dict[Name, tuple[Dispatcher, asyncio.Task[None]]] = {}
        self._listed = False

    def wake(self, channel: Name) -> None:
        """A channel has something to do, or has changed."""
        if not self._listed:
            return
        known = self._dispatchers.get(channel)
        if known is None or known[1].done():
            made = Dispatcher(self._office, channel)
            self._dispatchers[channel] = known = (made, asyncio.create_task(made.run()))
            known[1].add_done_callback(lambda task: self._ended(channel, task))
        known[0].wake()

    def _ended(self, channel: Name, task: asyncio.Task[None]) -> None:
        """Names of channels come and go, and are anybody's: nothing is kept of those that are gone."""
        if self._dispatchers[channel][1] is task:
            del self._dispatchers[channel]
            if self.assessor.outboxes[channel].is_idle(self._office.clock()):
                del self.assessor.outboxes[channel]

    def changed(self, namespace: str | None) -> None:
        """What is told by default has changed, in a namespace or in all for None."""
        if self._listed:
            self.assessor.add(name for name in self.book.names() if namespace in (None, name[0]))

    def start_leading(self) -> None:
        """From now on this process sends; everything is listed."""
        self._listed = True
        self.assessor.start()
        for name in {*self.book.channels, *self._dispatchers}:
            self.wake(name)

    def observed(self, name: Name) -> None:
        """A GraphCron has changed."""
        if self._listed:
            self.assessor.add([name])

    async def stop(self) -> None:
        """A message that is being sent is given up: the next process sends it again."""
        tasks = [task for _, task in self._dispatchers.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def pending(self) -> float:
        """How much waits; in a replica that waits itself, nothing."""
        return float(sum(map(len, self.assessor.outboxes.values()))) if self._office.leads() else 0.0

    def oldest(self) -> float:
        """For how many seconds the oldest waits."""
        oldest = min((since for box in self.assessor.outboxes.values() if (since := box.oldest)), default=None)
        return (self._office.clock() - oldest).total_seconds() if oldest and self._office.leads() else 0.0

    def failing(self) -> float:
        """How many channels are not as they should be."""
        return float(sum(channel.is_failing for channel in self.book.channels.values()))


async def run(settings: NotifierSettings) -> None:
    """Work until SIGTERM or SIGINT. Raises CannotStart and NoCluster."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    gate = WriteGate()
    watches = WatchHealth([GRAPHCRONS, CHANNELS])
    async with contextlib.AsyncExitStack() as stack:
        kube = await stack.enter_async_context(Kube.connect(gate))
        sender = await stack.enter_async_context(Sender(settings.ca_file))
        leads = lambda: gate.is_open  # noqa: E731
        notifier = Notifier(settings, kube, sender, leads)
        lease = (settings.release_namespace, settings.lease_name)
        elector = LeaderElector(kube, gate, lease, settings.identity, settings.lease_timing, notifier.start_leading)
        handlers: dict[Resource, Handler] = {GRAPHCRONS: GraphCronHandler(notifier), CHANNELS: ChannelHandler(notifier)}
        reflectors = [
            Reflector(kube, kind, settings.namespace, "", handler, watches.opened) for kind, handler in handlers.items()
        ]
        notifier.metrics.observe(
            pending=notifier.pending,
            oldest=notifier.oldest,
            failing=notifier.failing,
            leads=leads,
            last_watch=lambda: watches.last_heard,
        )

        def problems() -> list[str]:
            watches.sample()
            silent: list[Resource] = watches.silent(settings.watch_silence, elector.answering_since)
            return [f"nothing comes through the watch of {resource} any more" for resource in silent]

        await stack.enter_async_context(
            probes.serving(
                health_port=settings.health_port,
                metrics_port=settings.metrics_port,
                problems=problems,
                synced=lambda: watches.synced,
                registry=notifier.metrics.registry,
            )
        )
        tasks = [asyncio.create_task(reflector.run()) for reflector in reflectors]
        try:
            await _wait_for_lists(reflectors, stopped, settings.crd_patience)
            tasks += [asyncio.create_task(work) for work in (elector.run(), notifier.assessor.run(), _sample(watches))]
            await stopped.wait()
        finally:
            await notifier.stop()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await elector.release()


async def _wait_for_lists(reflectors: list[Reflector], stopped: asyncio.Event, patience: float) -> None:
    """Nothing is assessed before: a channel that is not listed yet would count as missing. Raises CannotStart."""
    deadline = asyncio.get_running_loop().time() + patience
    while not stopped.is_set() and (waits := next((one for one in reflectors if not one.listed.is_set()), None)):
        if waits.refused and asyncio.get_running_loop().time() > deadline:
            raise CannotStart(
                f"the notifier's service account lacks a permission: {waits.refused.message}. The Helm chart grants it."
            )
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SAMPLE_SECONDS):
                await waits.listed.wait()


async def _sample(watches: WatchHealth) -> None:
    while True:
        watches.sample()
        await asyncio.sleep(SAMPLE_SECONDS)


def main(environ: Mapping[str, str]) -> None:
    """The `graphcron notifier` command."""
    settings = NotifierSettings.read(environ)
    logs.configure(settings.log_level, settings.log_format)
    if not settings.allowed_hosts:
        log.warning("no host is allowed, so nothing can be sent: set the chart's value notifier.allowedHosts")
    with contextlib.suppress(asyncio.CancelledError):
        uvloop.run(run(settings))
