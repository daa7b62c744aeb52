"""A channel as the notifier works with it: how it is, and the status that says so. Pure."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from graphcron.firing.formats import parse_time
from graphcron.kube.resources import Manifest
from graphcron.notifier.cron import DefaultChannel, Name
from graphcron.resource.channel import (
    DEFAULT_MESSAGES_PER_MINUTE,
    ChannelSpec,
    ChannelStatus,
    Delivery,
    TestDelivery,
    read_channel,
    read_channel_status,
)
from graphcron.resource.fields import InvalidGraphCron
from graphcron.resource.identity import TEST_REQUESTED
from graphcron.resource.status import TOKEN_LIMIT, Condition
from graphcron.schedule.time_zone import InvalidTimezone, read_timezone

READY, DELIVERING = "Ready", "Delivering"

INVALID_TIMEZONE, CHANNEL_READY = "InvalidTimezone", "ChannelReady"
DELIVERED, DELIVERY_FAILED = "Delivered", "DeliveryFailed"
"""Reasons of these conditions, besides those of `NotReady` and InvalidSpec."""

PAUSES = (1, 2, 4, 8, 15, 30, 60)
"""Seconds between attempts while a channel fails; the last one repeats."""
LASTING = 300
"""Seconds after a refusal that will hardly end by itself."""


@dataclass(frozen=True)
class Channel:
    """A GraphCronChannel as it was read last, with what has happened since."""

    manifest: Manifest
    spec: ChannelSpec | None
    fault: tuple[str, str] | None
    """Reason and message of a spec that cannot be read."""
    status: ChannelStatus = field(default_factory=ChannelStatus)

    @classmethod
    def read(cls, manifest: Manifest) -> "Channel":
        """As the apiserver has it."""
        status = read_channel_status(manifest.get("status"))
        try:
            spec = read_channel(manifest.get("spec"))
            if spec.digest:
                read_timezone(spec.digest.timezone)
            return cls(manifest, spec, None, status)
        except InvalidGraphCron as invalid:
            return cls(manifest, None, (invalid.reason, invalid.message), status)
        except InvalidTimezone as invalid:
            return cls(manifest, None, (INVALID_TIMEZONE, f"spec.digest.timezone: {invalid}"), status)

    @property
    def name(self) -> Name:
        """Namespace and name."""
        return self.manifest["metadata"]["namespace"], self.manifest["metadata"]["name"]

    @property
    def uid(self) -> str:
        """Of the object."""
        return str(self.manifest["metadata"]["uid"])

    @property
    def generation(self) -> int:
        """Of its spec."""
        return int(self.manifest["metadata"].get("generation") or 0)

    def limit(self, most: int) -> int:
        """Messages in a minute, of which the installation allows so many."""
        return min(most, (self.spec and self.spec.messages_per_minute) or DEFAULT_MESSAGES_PER_MINUTE)

    @property
    def is_failing(self) -> bool:
        """Whether it is not ready, or its messages fail."""
        return any(one.status == "False" for one in self.status.conditions or [])

    @property
    def test_requested(self) -> str:
        """The token of a test that was not carried out; empty for none."""
        annotations = self.manifest["metadata"].get("annotations") or {}
        token = str(annotations.get(TEST_REQUESTED) or "")[:TOKEN_LIMIT]
        return "" if self.status.last_test and self.status.last_test.token == token else token

    def default(self, installation: str) -> DefaultChannel | None:
        """What it tells of GraphCrons without notify. Only a channel of the installation's namespace is for all."""
        if self.spec is None or self.spec.default is None:
            return None
        created = self.manifest["metadata"].get("creationTimestamp")
        found = self.spec.default
        if found.all_namespaces and self.name[0] != installation:
            found = found.model_copy(update={"all_namespaces": False})
        return DefaultChannel(self.name, found, parse_time(created) if created else None, self.generation)

    def with_ready(self, fault: tuple[str, str] | None, now: datetime) -> "Channel":
        """After spec and Secrets were read; `fault` is reason and message of what is wrong."""
        reason, message = fault or (CHANNEL_READY, "Spec and Secrets are as they must be.")
        return self._with(READY, fault is None, reason, message, now)

    def with_delivery(self, why: str | None, now: datetime) -> "Channel":
        """After a message was sent; `why` it failed, or None."""
        state: Any = "Failed" if why else "Delivered"
        after = replace(
            self,
            status=self.status.model_copy(
                update={"last_delivery": Delivery(state=state, at=now.replace(microsecond=0), message=why)}
            ),
        )
        reason, message = (DELIVERY_FAILED, why) if why else (DELIVERED, "The last message was delivered.")
        return after._with(DELIVERING, why is None, reason, message, now)

    def with_test(self, token: str, why: str | None, now: datetime) -> "Channel":
        """After the test with that token."""
        state: Any = "Failed" if why else "Delivered"
        test = TestDelivery(token=token, state=state, at=now.replace(microsecond=0), message=why)
        return replace(self, status=self.status.model_copy(update={"last_test": test}))

    def with_digest(self, until: datetime) -> "Channel":
        """After a digest that sums up all before that time."""
        return replace(self, status=self.status.model_copy(update={"last_digest": until}))

    def _with(self, kind: str, holds: bool, reason: str, message: str, now: datetime) -> "Channel":
        before = {one.type: one for one in self.status.conditions or []}
        state: Any = "True" if holds else "False"
        known = before.get(kind)
        moment = known.last_transition_time if known and known.status == state else now.replace(microsecond=0)
        before[kind] = Condition(
            type=kind,
            status=state,
            observed_generation=self.generation,
            last_transition_time=moment,
            reason=reason,
            message=message,
        )
        update = {"conditions": list(before.values()), "observed_generation": self.generation}
        return replace(self, status=self.status.model_copy(update=update))


def pause(failures: int, *, lasting: bool) -> timedelta:
    """How long to wait after so many failed attempts in a row."""
    seconds = LASTING if lasting and failures > len(PAUSES) // 2 else PAUSES[min(failures, len(PAUSES)) - 1]
    return timedelta(seconds=seconds)
