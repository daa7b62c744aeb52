"""The settings of the operator, from its environment."""

import socket
import uuid
from functools import cached_property
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator

from graphcron.environ import (
    Count,
    Flag,
    JsonMapping,
    JsonObjects,
    JsonStrings,
    Limit,
    Port,
    Seconds,
    Settings,
    json_of,
)
from graphcron.kube.lease import LeaseTiming
from graphcron.operator.run_pod import RunPods
from graphcron.resource.budget import SharedBudgets
from graphcron.resource.fields import KeySelector
from graphcron.resource.pod_types import Resources
from graphcron.resource.prices import Ledger, Prices
from graphcron.resource.spec_parts import Expect
from graphcron.resource.spec_reader import explain
from graphcron.resource.traces import fault_of_template


def _key_selector(text: str) -> KeySelector:
    name, slash, key = text.partition("/")
    if not (name and slash and key):
        raise ValueError("it must be written NAME/KEY")
    return KeySelector(name=name, key=key)


def _resources(value: dict[str, Any]) -> dict[str, Any]:
    """What every CronJob would be refused for is refused at the start."""
    try:
        Resources.model_validate(value)
    except ValidationError as error:
        raise ValueError(explain(error, root="").removeprefix(": ")) from None
    return value


JsonResources = Annotated[JsonMapping, AfterValidator(_resources)]
"""Resources of a container."""


def _expect(value: dict[str, Any]) -> Expect:
    try:
        return Expect.model_validate(value)
    except ValidationError as error:
        raise ValueError(explain(error, root="")) from None


JsonExpect = Annotated[Expect, BeforeValidator(_expect), BeforeValidator(json_of(dict))]
"""What is expected of all GraphCrons."""


def _budgets(value: dict[str, Any]) -> SharedBudgets:
    try:
        return SharedBudgets.model_validate(value)
    except ValidationError as error:
        raise ValueError(explain(error, root="")) from None


def _prices(value: dict[str, Any]) -> Prices:
    try:
        return Prices.model_validate(value)
    except ValidationError as error:
        raise ValueError(explain(error, root="")) from None


JsonBudgets = Annotated[SharedBudgets, BeforeValidator(_budgets), BeforeValidator(json_of(dict))]
"""What namespaces, owners and the installation may use."""
JsonPrices = Annotated[Prices, BeforeValidator(_prices), BeforeValidator(json_of(dict))]


def _trace_template(text: str) -> str:
    if fault := fault_of_template(text):
        raise ValueError(fault)
    return text


Selector = Annotated[KeySelector, BeforeValidator(_key_selector)]
"""`<object>/<key>`."""


def _not_ours(entries: tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
    for entry in entries:
        if not isinstance(entry.get("name"), str):
            raise ValueError("each entry must have a name")
        if entry["name"].startswith(OURS):
            raise ValueError(f"{entry['name']} is GraphCron's own, and runs.extraEnv must not set it")
    return entries


OURS = ("GRAPHCRON_", "AGENT_SERVER_")
"""How the variables begin that the runner reads."""


def _identity() -> str:
    return f"{socket.gethostname()}-{uuid.uuid4()}"


class OperatorSettings(Settings):
    """Defaults of run pods and of the Lease are those of `RunPods` and `LeaseTiming`."""

    run_image: str = Field(validation_alias="GRAPHCRON_RUN_IMAGE", description="the image of the run pods")
    run_image_pull_policy: str | None = Field(None, validation_alias="GRAPHCRON_RUN_IMAGE_PULL_POLICY")
    run_image_pull_secrets: JsonStrings | None = Field(None, validation_alias="GRAPHCRON_RUN_IMAGE_PULL_SECRETS")
    run_service_account: str | None = Field(None, validation_alias="GRAPHCRON_RUN_SERVICE_ACCOUNT")
    run_service_account_elsewhere: str | None = Field(None, validation_alias="GRAPHCRON_RUN_SERVICE_ACCOUNT_ELSEWHERE")
    run_active_deadline_seconds: Limit = Field(0, validation_alias="GRAPHCRON_RUN_ACTIVE_DEADLINE_SECONDS")
    run_start_timeout_seconds: Limit = Field(0, validation_alias="GRAPHCRON_RUN_START_TIMEOUT_SECONDS")
    run_expect: JsonExpect = Field(Expect(), validation_alias="GRAPHCRON_RUN_EXPECT")
    prices: JsonPrices = Field(Prices(), validation_alias="GRAPHCRON_PRICES")
    trace_url: Annotated[str, AfterValidator(_trace_template)] | None = Field(
        None, validation_alias="GRAPHCRON_TRACE_URL"
    )
    """Template of the address of a run's trace."""
    run_resources: JsonResources | None = Field(None, validation_alias="GRAPHCRON_RUN_RESOURCES")
    run_pod_security: JsonMapping | None = Field(None, validation_alias="GRAPHCRON_RUN_POD_SECURITY_CONTEXT")
    run_container_security: JsonMapping | None = Field(None, validation_alias="GRAPHCRON_RUN_SECURITY_CONTEXT")
    run_extra_env: Annotated[JsonObjects, AfterValidator(_not_ours)] | None = Field(
        None, validation_alias="GRAPHCRON_RUN_EXTRA_ENV"
    )
    in_pod_images: JsonStrings | None = Field(None, validation_alias="GRAPHCRON_IN_POD_IMAGES")
    in_pod_resources: JsonResources | None = Field(None, validation_alias="GRAPHCRON_IN_POD_RESOURCES")
    template_labels: JsonStrings | None = Field(None, validation_alias="GRAPHCRON_TEMPLATE_LABELS")
    template_annotations: JsonStrings | None = Field(None, validation_alias="GRAPHCRON_TEMPLATE_ANNOTATIONS")
    api_key: Selector | None = Field(None, validation_alias="AGENT_SERVER_API_KEY_SECRET")
    ca_config_map: Selector | None = Field(None, validation_alias="AGENT_SERVER_CA_CONFIG_MAP")
    ca_for_own_servers: Flag = Field(False, validation_alias="AGENT_SERVER_CA_FOR_OWN_SERVERS")
    paused: str | None = Field(None, validation_alias="GRAPHCRON_PAUSED")
    """Why all GraphCrons are paused; None when they are not."""
    budgets: JsonBudgets = Field(SharedBudgets(), validation_alias="GRAPHCRON_BUDGETS")
    spending_config_map: str | None = Field(None, validation_alias="GRAPHCRON_SPENDING_CONFIG_MAP")
    """Where the sums of those are kept; None to forget what deleted GraphCrons have used when the operator ends."""
    owner_headers: str | None = Field(None, validation_alias="GRAPHCRON_OWNER_HEADERS_SECRET")
    """Prefix of the Secrets with the HTTP headers of each owner's runs."""
    release_namespace: str | None = Field(None, validation_alias="GRAPHCRON_NAMESPACE")
    namespace: str | None = Field(None, validation_alias="GRAPHCRON_WATCH_NAMESPACE")
    """The namespace whose GraphCrons are reconciled; None for the whole cluster."""
    state_dir: str | None = Field(None, validation_alias="GRAPHCRON_STATE_DIR")
    """A folder that outlives the process; None to remember nothing. See `crash_marker`."""
    health_port: Port = Field(8081, validation_alias="GRAPHCRON_HEALTH_PORT")
    metrics_limit: Limit = Field(1000, validation_alias="GRAPHCRON_METRICS_PER_GRAPHCRON_LIMIT")
    """Up to this number of GraphCrons, each has gauges of its own."""
    webhook_certificates: str | None = Field(None, validation_alias="GRAPHCRON_WEBHOOK_CERTIFICATES")
    """Folder with tls.crt and tls.key of the validating webhook; None for no webhook."""
    webhook_port: Port = Field(9443, validation_alias="GRAPHCRON_WEBHOOK_PORT")
    workers: Count = Field(20, validation_alias="GRAPHCRON_WORKERS")
    """Reconciliations at once."""
    crd_patience: Seconds = Field(30.0, validation_alias="GRAPHCRON_CRD_PATIENCE_SECONDS")
    """Seconds for which a start waits for the CRD or the apiserver before it gives up."""
    lease_name: str = Field("graphcron-operator", validation_alias="GRAPHCRON_LEASE")
    lease_duration: Count | None = Field(None, validation_alias="GRAPHCRON_LEASE_DURATION_SECONDS")
    lease_renew_deadline: Seconds | None = Field(None, validation_alias="GRAPHCRON_LEASE_RENEW_DEADLINE_SECONDS")
    lease_retry_period: Seconds | None = Field(None, validation_alias="GRAPHCRON_LEASE_RETRY_PERIOD_SECONDS")
    identity: str = Field(default_factory=_identity, validation_alias="GRAPHCRON_POD")
    """This replica's name in the Lease, which no other process may have."""
    watch_silence: Seconds = Field(180.0, validation_alias="GRAPHCRON_WATCH_SILENCE_SECONDS")
    """Seconds without anything after which a watch counts as dead; the apiserver ends each after one minute."""

    @cached_property
    def pods(self) -> RunPods:
        """What the installation says about all run pods."""
        return RunPods(
            image=self.run_image,
            server_url=self.agent_server_url,
            api_key=self.api_key,
            ca_config_map=self.ca_config_map,
            ca_for_own_servers=self.ca_for_own_servers,
            namespace=self.release_namespace,
            service_account=self.run_service_account,
            service_account_elsewhere=self.run_service_account_elsewhere,
            active_deadline_seconds=self.run_active_deadline_seconds or None,
            **_given(
                image_pull_policy=self.run_image_pull_policy,
                image_pull_secrets=self.run_image_pull_secrets,
                resources=self.run_resources,
                pod_security=self.run_pod_security,
                container_security=self.run_container_security,
                extra_env=self.run_extra_env,
                in_pod_images=self.in_pod_images,
                in_pod_resources=self.in_pod_resources,
                template_labels=self.template_labels,
                template_annotations=self.template_annotations,
            ),
        )

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.prices, self.trace_url or "")

    @property
    def lease(self) -> tuple[str, str]:
        """Namespace and name of the Lease by which replicas choose a leader."""
        return self.release_namespace or self.namespace or "default", self.lease_name

    @cached_property
    def lease_timing(self) -> LeaseTiming:
        """Raises ValueError for times that do not go together."""
        return LeaseTiming(
            **_given(
                duration=self.lease_duration,
                renew_deadline=self.lease_renew_deadline,
                retry_period=self.lease_retry_period,
            )
        )

    @model_validator(mode="after")
    def _has_lease_timing(self) -> Self:
        try:
            _ = self.lease_timing
        except ValueError as error:
            raise ValueError(f"GRAPHCRON_LEASE_*_SECONDS do not go together: {error}") from None
        return self


def _given(**values: Any) -> dict[str, Any]:
    """Those that are set: the others are left to the defaults of what takes them."""
    return {name: value for name, value in values.items() if value is not None}
