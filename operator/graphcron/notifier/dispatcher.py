"""The dispatcher of one channel: reads its Secrets, plans, records, sends, and records again, one step at a time."""

import asyncio
import contextlib
import logging
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from graphcron.kube.client import Kube
from graphcron.kube.errors import KubeError, NotFound, Refused
from graphcron.notifier import due as decisions
from graphcron.notifier import message
from graphcron.notifier.assessor import Assessor
from graphcron.notifier.book import Book
from graphcron.notifier.channel import Channel
from graphcron.notifier.cron import Name
from graphcron.notifier.digest import digest, digest_due
from graphcron.notifier.due import Records
from graphcron.notifier.message import Item, Links, Text
from graphcron.notifier.metrics import NotifierMetrics
from graphcron.notifier.plan import Planned, Waiting
from graphcron.notifier.secret import NotReady, Receiver, receiver
from graphcron.notifier.sending import DeliveryFailed, Sender

log = logging.getLogger(__name__)

WRITES_AT_ONCE = 20
RECHECK = timedelta(seconds=60)
"""Between two looks at a channel that is not ready: nobody watches Secrets."""
FAILURES_UNTIL_SAID = 3
"""In a row, before all that waits for the channel says so."""
IDLE = timedelta(minutes=10)

_OF_ONE_OBJECT = (400, 403, 409, 413, 422, 500)
"""Statuses of an apiserver that works and does not take this object: one that is too large to grow, for example. All
other messages go on."""
PUT_OFF = timedelta(minutes=1)
TRIES_OF_ONE_OBJECT = 10


@dataclass(frozen=True)
class Office:
    """What all dispatchers share."""

    kube: Kube
    book: Book
    assessor: Assessor
    sender: Sender
    links: Links
    allowed: Sequence[str]
    most: int
    """Messages in a minute of any channel."""
    leads: Callable[[], bool]
    clock: Callable[[], datetime]
    metrics: NotifierMetrics


_ASKED_BY = ("generation", "annotations")
"""Metadata of a channel by which its owner asks for something."""


class Dispatcher:
    """Works for one name of a channel, whether or not there is one."""

    def __init__(self, office: Office, name: Name) -> None:
        self._office = office
        self._name = name
        self._wake = asyncio.Event()
        self._writes = asyncio.Semaphore(WRITES_AT_ONCE)
        self._generation = 0

    def wake(self) -> None:
        """There may be something to do."""
        self._wake.set()

    async def run(self) -> None:
        """Until there is no such channel, and nothing waits for one."""
        while not self._is_over():
            # In a storm each new part wakes it, and each plan reads them all.
            await asyncio.sleep(min(2.0, len(self._office.assessor.outboxes[self._name]) / 5000))
            self._wake.clear()
            again_at = self._office.clock() + RECHECK
            try:
                if self._office.leads():
                    again_at = min(await self.step(), again_at)
            except KubeError as error:
                log.info("GraphCronChannel %s/%s: %s", *self._name, error.message)
                again_at = self._office.clock() + timedelta(seconds=2)
            except Exception:
                log.exception("GraphCronChannel %s/%s: internal error", *self._name)
            seconds = (again_at - self._office.clock()).total_seconds()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, seconds)):
                    await self._wake.wait()

    def _is_over(self) -> bool:
        outbox = self._office.assessor.outboxes[self._name]
        return self._name not in self._office.book.channels and outbox.is_idle(self._office.clock())

    async def step(self) -> datetime:
        """Send what can be sent now. When to do so again, at the latest. Raises KubeError."""
        office, now = self._office, self._office.clock()
        channel = office.book.channels.get(self._name)
        if channel is None:
            await self._report("Failed", f"there is no GraphCronChannel {self._name[1]} in namespace {self._name[0]}")
            return now + IDLE
        if channel.generation != self._generation:
            self._generation = channel.generation
            office.assessor.outboxes[self._name].again()
        try:
            to = await self._receiver(channel)
        except NotReady as fault:
            channel = channel.with_ready((fault.reason, fault.message), now)
            if token := channel.test_requested:
                channel = channel.with_test(token, fault.message, now)
            await self._write(channel)
            await self._report("Failed", fault.message)
            return now + RECHECK
        channel = await self._write(channel.with_ready(None, now))
        if not office.assessor.outboxes[self._name].has_room(office.most, now):
            return await self._messages(channel, to)  # whoever asks for tests without end gets no more than others
        if token := channel.test_requested:
            identity = str(uuid.uuid5(uuid.UUID(channel.uid), f"Test {token}"))
            channel, why = await self._send(channel, to, message.test_message(self._name, identity))
            if why is None:
                office.assessor.outboxes[self._name].again()  # somebody has mended it, perhaps in the Secret
            channel = await self._write(channel.with_test(token, why, office.clock()))
        elif digest_due(channel, now):
            channel = await self._digest(channel, to, now)
        return await self._messages(channel, to)

    async def _messages(self, channel: Channel, to: Receiver) -> datetime:
        office = self._office
        outbox, limit = office.assessor.outboxes[self._name], channel.limit(office.most)
        plan = outbox.plan(limit, office.clock(), channel.uid)
        for planned in plan.messages:
            try:
                parts = await self._begin(planned)
            except KubeError as error:
                if error.status not in _OF_ONE_OBJECT:
                    raise
                log.warning("GraphCronChannel %s/%s: a message is put off: %s", *self._name, error.message)
                continue
            if not office.leads() or not (text := self._text(planned, parts)):
                continue
            channel, why = await self._send(channel, to, text)
            await self._finish(planned, parts, why)
            if why:
                if outbox.failures >= FAILURES_UNTIL_SAID:
                    await self._report("Pending", why)
                break
        await self._write(channel)
        again = outbox.plan(limit, office.clock(), channel.uid)
        return office.clock() if again.messages else again.again_at or office.clock() + IDLE

    async def _begin(self, planned: Planned) -> list[Waiting]:
        """Record the message before it is sent; the parts that are still there. Raises KubeError, and nothing is sent:
        those that were recorded are a message of their own."""
        if planned.repeated and planned.summed_up:
            return list(planned.parts)  # recorded, each of them
        now = self._office.clock()
        return await self._revise(
            planned.parts, lambda part, records: decisions.sending(records, part.due, planned.id, now)
        )

    async def _finish(self, planned: Planned, parts: Sequence[Waiting], why: str | None) -> None:
        """Record what became of it. A summary that failed is not recorded on each of its GraphCrons: the channel's
        status says so once."""
        if why and planned.summed_up:
            return
        now = self._office.clock()

        def done(part: Waiting, records: Records) -> Records:
            known = records.get(part.due.record.key)
            if known is None or known.id != planned.id:
                return records
            return records | {known.key: decisions.failed(known, why, now) if why else decisions.delivered(known, now)}

        tries = 0
        while self._office.leads():
            try:
                await self._revise(parts, done)
                return
            except KubeError as error:
                tries += error.status in _OF_ONE_OBJECT
                if tries >= TRIES_OF_ONE_OBJECT:
                    return
                # What was delivered is not sent again because it cannot be recorded.
                log.info("GraphCronChannel %s/%s: a delivery is not recorded yet: %s", *self._name, error.message)
                await asyncio.sleep(1.0)

    async def _revise(self, parts: Sequence[Waiting], change: Callable[[Waiting, Records], Records]) -> list[Waiting]:
        """The parts whose GraphCron is still there. Raises KubeError, after all others were written."""

        async def revise(part: Waiting) -> bool:
            async with self._writes:
                return await self._office.assessor.revise(part.cron, lambda records: change(part, records))

        results = await asyncio.gather(*map(revise, parts), return_exceptions=True)
        outbox, now = self._office.assessor.outboxes[self._name], self._office.clock()
        for part, result in zip(parts, results, strict=True):
            if isinstance(result, KubeError) and result.status in _OF_ONE_OBJECT:
                outbox.hold(part.due.record.id or "", now + PUT_OFF)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return [part for part, there in zip(parts, results, strict=True) if there]

    def _text(self, planned: Planned, parts: Sequence[Waiting]) -> Text | None:
        """None when all of it was deleted."""
        office, now = self._office, self._office.clock()
        items = [Item(cron, part.due) for part in parts if (cron := office.book.cron(part.cron))]
        if items and planned.summed_up:
            number = max(len(parts), office.book.with_id(planned.id) if planned.repeated else 0)
            return message.summary(items, number, planned.id, office.links, now)
        return message.message(*items[0], planned.id, office.links, now) if items else None

    async def _send(self, channel: Channel, to: Receiver, text: Text) -> tuple[Channel, str | None]:
        """The channel afterwards, and why it failed."""
        office, why, lasting = self._office, None, False
        assert channel.spec, "a channel with a receiver has a spec"
        try:
            await office.sender.send(channel.spec, to, text, office.clock())
        except DeliveryFailed as failed:
            why, lasting = failed.message, failed.lasting
        except Exception as error:  # what others wrote must not hold up all that comes after it
            log.exception("GraphCronChannel %s/%s: internal error", *self._name)
            why, lasting = f"it cannot be sent: {type(error).__name__}; see the notifier's log", True
        level = logging.WARNING if why else logging.INFO
        log.log(level, "GraphCronChannel %s/%s: %s %s: %s", *self._name, text.kind, text.id, why or "delivered")
        office.metrics.sent(self._name, delivered=why is None)
        now = office.clock()
        office.assessor.outboxes[self._name].attempted(now, text.id, failed=why is not None, lasting=lasting)
        return channel.with_delivery(why, now), why

    async def _digest(self, channel: Channel, to: Receiver, now: datetime) -> Channel:
        outbox = self._office.assessor.outboxes[self._name]
        if outbox.retry_at and now < outbox.retry_at:
            return channel
        until, text = digest(channel, self._office.book.crons(), self._office.links, now)
        if text and outbox.holds(text.id, now):
            return channel
        if text:
            channel, why = await self._send(channel, to, text)
            if why:
                return channel
        return await self._write(channel.with_digest(until))

    async def _receiver(self, channel: Channel) -> Receiver:
        """Raises NotReady, and KubeError when the apiserver does not answer."""
        if channel.spec is None:
            raise NotReady(*(channel.fault or ("InvalidSpec", "")))
        spec = channel.spec
        secrets: dict[str, dict[str, Any]] = {}
        for name in {ref.name for ref in (spec.url_secret_ref, spec.signing_secret_ref) if ref}:
            try:
                secrets[name] = await self._office.kube.get_secret(self._name[0], name)
            except NotFound:
                raise NotReady("SecretMissing", f"there is no Secret {name} in namespace {self._name[0]}") from None
            except Refused:
                raise NotReady(
                    "SecretNotAllowed",
                    f"the notifier may not read Secret {name} of namespace {self._name[0]}: the administrator allows "
                    "it by the chart's value notifier.secrets",
                ) from None
        return receiver(spec, secrets, self._office.allowed)

    async def _report(self, state: Literal["Pending", "Failed"], why: str) -> None:
        """Nothing can be sent: each thing that waits says why, once."""
        now = self._office.clock()
        waiting = self._office.assessor.outboxes[self._name].waiting()
        try:
            await self._revise(waiting, lambda part, records: decisions.held(records, part.due, state, why, now))
        except KubeError as error:
            if error.status not in _OF_ONE_OBJECT:
                raise
            log.info("GraphCronChannel %s/%s: not all that waits says so: %s", *self._name, error.message)

    async def _write(self, channel: Channel) -> Channel:
        """Write its status if it differs. Raises KubeError."""
        known = self._office.book.channels.get(self._name)
        if known is None or known.uid != channel.uid:
            return channel
        before, wanted = known.manifest.get("status"), channel.status.to_dict()
        if before == wanted:
            return channel
        try:
            written = await self._office.kube.patch_channel_status(*self._name, channel.uid, before, wanted)
        except NotFound:
            self._office.book.drop_channel(self._name, channel.uid)
            return channel
        if any(written["metadata"].get(key) != known.manifest["metadata"].get(key) for key in _ASKED_BY):
            return channel  # changed meanwhile: the watch is to bring that, as something new
        self._office.book.put_channel(written)
        return self._office.book.channels[self._name]
