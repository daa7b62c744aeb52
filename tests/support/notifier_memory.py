"""A cluster's memory, as far as the notifier uses it, and the notifier in this process with a clock of the test's."""

import asyncio
import base64
import contextlib
import copy
import itertools
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Any

from graphcron.kube.errors import KubeError, NotFound, Refused
from graphcron.kube.merge_patch import difference
from graphcron.notifier.handlers import ChannelHandler, GraphCronHandler
from graphcron.notifier.main import Notifier
from graphcron.notifier.message import Text
from graphcron.notifier.secret import Receiver
from graphcron.notifier.sending import DeliveryFailed
from graphcron.notifier.settings import NotifierSettings
from graphcron.resource.channel import ChannelSpec
from tests.support.merge_patch import merged
from tests.support.told_cron import START, manifest

Manifest = dict[str, Any]


class NotifierKube:
    """Stands in for `kube.client.Kube`. `fail` holds errors that the next writes meet instead of happening; what is
    in `full` takes none."""

    def __init__(self) -> None:
        self.crons: dict[tuple[str, str], Manifest] = {}
        self.channels: dict[tuple[str, str], Manifest] = {}
        self.secrets: dict[tuple[str, str], dict[str, str]] = {}
        self.refused: set[tuple[str, str]] = set()
        self.read: list[tuple[str, str]] = []
        self.writes = 0
        self.fail: list[KubeError] = []
        self.full: set[tuple[str, str]] = set()
        self.before_write: list[Callable[[], object]] = []
        """What happens while the next writes are on their way."""
        self.versions = itertools.count(10)

    def version(self, found: Manifest) -> Manifest:
        found["metadata"]["resourceVersion"] = str(next(self.versions))
        return found

    async def patch_notifications(
        self, namespace: str, name: str, uid: str, notifications: list[Manifest] | None
    ) -> Manifest:
        return self._patch(self.crons, (namespace, name), uid, {"notifications": notifications})

    async def patch_channel_status(
        self, namespace: str, name: str, uid: str, known: object, status: Manifest
    ) -> Manifest:
        return self._patch(self.channels, (namespace, name), uid, difference(known, status))

    async def get_secret(self, namespace: str, name: str) -> Manifest:
        self.read.append((namespace, name))
        if (namespace, name) in self.refused:
            raise Refused(403, "secrets is forbidden")
        if (namespace, name) not in self.secrets:
            raise NotFound(404, f'secrets "{name}" not found')
        values = self.secrets[namespace, name]
        return {"data": {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}}

    def _patch(self, place: dict[tuple[str, str], Manifest], name: tuple[str, str], uid: str, status: Any) -> Manifest:
        if self.fail:
            raise self.fail.pop(0)
        if self.before_write:
            self.before_write.pop(0)()
        if name in self.full:
            raise Refused(422, "GraphCron is too large")
        if name not in place or place[name]["metadata"]["uid"] != uid:
            raise NotFound(404, "not found")
        self.writes += 1
        found = place[name]
        found["status"] = merged(found.get("status"), copy.deepcopy(status))
        return copy.deepcopy(self.version(found))


class Heard:
    """Stands in for `Sender`: what was sent, and when. `why` each attempt fails; messages about the GraphCrons that are
    `refused` are never taken, and those about `broken` ones trip it."""

    def __init__(self, clock: "Clock") -> None:
        self._clock = clock
        self.texts: list[Text] = []
        self.times: list[datetime] = []
        self.attempts = 0
        self.why: str | None = None
        self.refused: set[str] = set()
        self.broken: set[str] = set()
        self.on_send: Callable[[], object] = lambda: None

    async def send(self, spec: ChannelSpec, to: Receiver, text: Text, at: datetime) -> None:
        self.attempts += 1
        await asyncio.sleep(0)
        self.on_send()
        if self.why or text.data.get("name") in self.refused:
            raise DeliveryFailed(self.why or "hooks.example.com answered HTTP 400", lasting=not self.why)
        if text.data.get("name") in self.broken:
            raise LookupError
        self.texts.append(text)
        self.times.append(self._clock())


class Clock:
    """Seconds of the event loop, many times as fast."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._begin = asyncio.get_running_loop().time()

    def __call__(self) -> datetime:
        return START + timedelta(seconds=(asyncio.get_running_loop().time() - self._begin) * self._speed)


class NotifierWorld:
    """A notifier whose lists are complete, and which leads from `lead` on."""

    def __init__(self, speed: float = 1.0, **settings: Any) -> None:
        self._speed = speed
        self.clock = Clock(speed)
        self.kube = NotifierKube()
        self.heard = Heard(self.clock)
        self.leads = False
        given = {"GRAPHCRON_NAMESPACE": "ops", "GRAPHCRON_NOTIFIER_ALLOWED_HOSTS": '["hooks.example.com"]'} | settings
        kube: Any = self.kube
        sender: Any = self.heard
        self.notifier = Notifier(NotifierSettings.read(given), kube, sender, lambda: self.leads, self.clock)
        self._crons, self._channels = GraphCronHandler(self.notifier), ChannelHandler(self.notifier)

    def cron(self, name: str, namespace: str = "team", **spec: Any) -> Manifest:
        found = manifest(name, **spec)
        found["metadata"]["namespace"] = namespace
        self.kube.crons[namespace, name] = self.kube.version(found)
        self._crons.on_add(copy.deepcopy(found))
        return found

    def channel(self, name: str, namespace: str = "team", kind: str = "Webhook", **spec: Any) -> Manifest:
        made = {
            "metadata": {
                "name": name,
                "namespace": namespace,
                "uid": f"00000000-0000-7000-8000-{next(self.kube.versions):012}",
                "generation": 1,
                "creationTimestamp": "2026-11-01T10:00:00Z",
            },
            "spec": {"kind": kind, "urlSecretRef": {"name": "hook", "key": "url"}} | spec,
        }
        self.kube.channels[namespace, name] = self.kube.version(made)
        self.kube.secrets.setdefault((namespace, "hook"), {"url": "https://hooks.example.com/s3cret"})
        self._channels.on_add(copy.deepcopy(made))
        return made

    def fail(self, name: str, reason: str = "RunError", namespace: str = "team") -> None:
        """One more firing of a GraphCron has failed."""
        self.announce(self.fail_unseen(name, reason, namespace))

    def fail_unseen(self, name: str, reason: str = "RunError", namespace: str = "team") -> Manifest:
        """The same, of which the watch event is still to come."""
        found = self.kube.crons[namespace, name]
        status = found["status"]
        moment = self.clock().strftime("%Y-%m-%dT%H:%M:%SZ")
        entry = {"scheduledTime": moment, "finishedAt": moment, "outcome": "Failed", "reason": reason}
        status["history"] = [entry, *status["history"]][:10]
        status["firings"] = {"failed": status["firings"].get("failed", 0) + 1}
        status["consecutiveFailures"] = status.get("consecutiveFailures", 0) + 1
        return copy.deepcopy(self.kube.version(found))

    def announce(self, event: Manifest) -> None:
        """The watch event of an update."""
        self._crons.on_update(event)

    def channel_changed(self, name: str, namespace: str = "team") -> None:
        self.channel_announced(copy.deepcopy(self.kube.version(self.kube.channels[namespace, name])))

    def channel_announced(self, event: Manifest) -> None:
        """The watch event of an update."""
        self._channels.on_update(event)

    def channel_deleted(self, name: str, namespace: str = "team") -> None:
        self._channels.on_delete(self.kube.channels.pop((namespace, name)))

    async def _hurry(self) -> None:
        """Pauses are those of the event loop: with a faster clock they are over sooner."""
        while self._speed > 1:
            await asyncio.sleep(0.05)
            for name in self.kube.channels:
                self.notifier.wake(name)

    @contextlib.asynccontextmanager
    async def leading(self) -> AsyncIterator[None]:
        self.leads = True
        work = asyncio.gather(self.notifier.assessor.run(), self._hurry())
        self.notifier.start_leading()
        try:
            yield
        finally:
            self.leads = False
            work.cancel()
            await self.notifier.stop()
            await asyncio.gather(work, return_exceptions=True)

    def record(self, name: str, namespace: str = "team") -> Manifest:
        """The first record of a GraphCron; empty until there is one."""
        found: list[Manifest] = self.kube.crons[namespace, name]["status"].get("notifications", [])
        return found[0] if found else {}

    def conditions(self, name: str, namespace: str = "team") -> dict[str, tuple[str, str]]:
        found = self.kube.channels[namespace, name].get("status", {}).get("conditions", [])
        return {one["type"]: (one["status"], one["reason"]) for one in found}
