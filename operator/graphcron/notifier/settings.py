"""The settings of the notifier, from its environment."""

import socket
import uuid
from functools import cached_property
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from graphcron.environ import Count, JsonStrings, Port, Seconds, Settings
from graphcron.kube.lease import LeaseTiming
from graphcron.notifier.hosts import fault_of_pattern
from graphcron.resource.channel import MESSAGES_PER_MINUTE_LIMIT


def _identity() -> str:
    return f"{socket.gethostname()}-{uuid.uuid4()}"


def _patterns(hosts: tuple[str, ...]) -> tuple[str, ...]:
    for host in hosts:
        if fault := fault_of_pattern(host):
            raise ValueError(fault)
    return hosts


class NotifierSettings(Settings):
    """Times of the Lease are the operator's."""

    namespace: str | None = Field(None, validation_alias="GRAPHCRON_WATCH_NAMESPACE")
    """The namespace whose GraphCrons and channels are watched; None for the whole cluster."""
    release_namespace: str = Field(
        validation_alias="GRAPHCRON_NAMESPACE", description="the namespace of the installation"
    )
    allowed_hosts: Annotated[JsonStrings, AfterValidator(_patterns)] = Field(
        (), validation_alias="GRAPHCRON_NOTIFIER_ALLOWED_HOSTS"
    )
    """Hosts that channels may name: whole names, or *.SUFFIX for all names under one."""
    messages_per_minute: Count = Field(
        MESSAGES_PER_MINUTE_LIMIT, validation_alias="GRAPHCRON_NOTIFIER_MESSAGES_PER_MINUTE"
    )
    """The most messages in a minute that any channel may send, whatever it says."""
    console_url: str | None = Field(None, validation_alias="GRAPHCRON_CONSOLE_URL")
    """Where people open the console, such as https://crons.example.com/console."""
    trace_url: str | None = Field(None, validation_alias="GRAPHCRON_TRACE_URL")
    """The address of a run's trace, with {run_id} and {thread_id}."""
    ca_file: str | None = Field(None, validation_alias="GRAPHCRON_NOTIFIER_CA_FILE")
    """The authority of the hosts' certificates; None for the system's."""
    health_port: Port = Field(8081, validation_alias="GRAPHCRON_HEALTH_PORT")
    crd_patience: Seconds = Field(30.0, validation_alias="GRAPHCRON_CRD_PATIENCE_SECONDS")
    """Seconds for which a start waits for the CRDs or the apiserver before it gives up."""
    lease_name: str = Field("graphcron-notifier", validation_alias="GRAPHCRON_LEASE")
    lease_duration: Count = Field(15, validation_alias="GRAPHCRON_LEASE_DURATION_SECONDS")
    lease_renew_deadline: Seconds = Field(10.0, validation_alias="GRAPHCRON_LEASE_RENEW_DEADLINE_SECONDS")
    lease_retry_period: Seconds = Field(2.0, validation_alias="GRAPHCRON_LEASE_RETRY_PERIOD_SECONDS")
    identity: str = Field(default_factory=_identity, validation_alias="GRAPHCRON_POD")
    """This replica's name in the Lease, which no other process may have."""
    watch_silence: Seconds = Field(180.0, validation_alias="GRAPHCRON_WATCH_SILENCE_SECONDS")
    """Seconds without anything after which a watch counts as dead; the apiserver ends each after one minute."""

    @cached_property
    def lease_timing(self) -> LeaseTiming:
        """Raises ValueError for times that do not go together."""
        return LeaseTiming(self.lease_duration, self.lease_renew_deadline, self.lease_retry_period)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        try:
            _ = self.lease_timing
        except ValueError as error:
            raise ValueError(f"GRAPHCRON_LEASE_*_SECONDS do not go together: {error}") from None
        return self
