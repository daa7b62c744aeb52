"""The settings of the facade, from its environment."""

from typing import Annotated, Self

from pydantic import AliasChoices, BeforeValidator, Field, model_validator

from graphcron.environ import Count, Flag, Limit, Port, Seconds, Settings, not_set
from graphcron.facade.auth.callers import Mode
from graphcron.facade.quota import Quota
from graphcron.facade.unknown_fields import UnknownFields
from graphcron.firing.proxies import proxy_of
from graphcron.http_server import DEFAULT_LIMITS, Limits
from graphcron.resource.lifetime import Lifetime
from graphcron.resource.traces import fault_of_template


def _mode(text: str) -> Mode:
    try:
        return Mode(text)
    except ValueError:
        raise ValueError(f"it must be {Mode.API_KEYS}, {Mode.TOKEN_REVIEW} or {Mode.OPEN}") from None


def _checked_or_any(text: str) -> bool:
    if text not in ("checked", "any"):
        raise ValueError("it must be checked or any")
    return text == "checked"


def _unknown_fields(text: str) -> UnknownFields:
    try:
        return UnknownFields(text)
    except ValueError:
        raise ValueError(f"it must be {UnknownFields.CARRY} or {UnknownFields.REFUSE}") from None


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


class FacadeSettings(Settings):
    """Without `agent_server_url` only crons are served."""

    MAY_BE_EMPTY = frozenset({"GRAPHCRON_CORS_ORIGINS"})

    namespace: str = Field(
        validation_alias="GRAPHCRON_NAMESPACE", description="the namespace whose GraphCrons are served"
    )
    ca_file: str | None = Field(None, validation_alias="AGENT_SERVER_CA_FILE")
    """The authority of the Agent Server's certificate; None for the system's."""
    http_proxy: str | None = Field(None, validation_alias=AliasChoices("http_proxy", "HTTP_PROXY"), repr=False)
    https_proxy: str | None = Field(None, validation_alias=AliasChoices("https_proxy", "HTTPS_PROXY"), repr=False)
    no_proxy: str = Field("", validation_alias=AliasChoices("no_proxy", "NO_PROXY"))
    host: str | None = Field(None, validation_alias="GRAPHCRON_HOST")
    """The address to listen on; None for all interfaces."""
    port: Port = Field(8080, validation_alias="GRAPHCRON_PORT")
    auth_mode: Annotated[Mode, BeforeValidator(_mode)] = Field(Mode.CLOSED, validation_alias="GRAPHCRON_AUTH_MODE")
    keys_dir: str | None = Field(None, validation_alias="GRAPHCRON_API_KEYS_DIR")
    """Where the Secret with the API keys is mounted; set in mode apiKeys."""
    token_audience: str | None = Field(None, validation_alias="GRAPHCRON_TOKEN_AUDIENCE")
    """The audience that tokens must be meant for in mode tokenReview; None for the apiserver's own."""
    forward_api_key: Flag = Field(True, validation_alias="GRAPHCRON_FORWARD_API_KEY")
    """Whether the Agent Server gets the caller's API key."""
    crons_per_owner: Limit = Field(0, validation_alias="GRAPHCRON_CRONS_PER_OWNER")
    cors_origins: Annotated[frozenset[str], BeforeValidator(_words)] = Field(
        frozenset({"*"}), validation_alias="GRAPHCRON_CORS_ORIGINS"
    )
    """The pages that browsers let call; empty for none."""
    shutdown_delay: Seconds = Field(0.0, validation_alias="GRAPHCRON_SHUTDOWN_DELAY_SECONDS")
    """Seconds for which it still listens after SIGTERM."""
    check_webhook_hosts: Annotated[bool, BeforeValidator(_checked_or_any)] = Field(
        True, validation_alias="GRAPHCRON_WEBHOOK_HOSTS"
    )
    """Whether webhooks may name only hosts that LangGraph's own server lets through."""

    unknown_fields: Annotated[UnknownFields, BeforeValidator(_unknown_fields)] = Field(
        UnknownFields.CARRY, validation_alias="GRAPHCRON_UNKNOWN_FIELDS"
    )
    """What becomes of body fields that no cron has."""

    console: Flag = Field(False, validation_alias="GRAPHCRON_CONSOLE")
    """Whether the web console is served at /console."""
    console_key_file: str | None = Field(None, validation_alias="GRAPHCRON_CONSOLE_KEY_FILE")
    """The keys that encrypt the console's session cookies, one a line, the first for new ones."""
    trace_url: str | None = Field(None, validation_alias="GRAPHCRON_TRACE_URL")
    """The address of a run's trace, with {run_id} and {thread_id}."""

    max_connections: Count = Field(DEFAULT_LIMITS.connections, ge=1, validation_alias="GRAPHCRON_MAX_CONNECTIONS")
    max_connections_per_client: Limit = Field(
        DEFAULT_LIMITS.per_client, validation_alias="GRAPHCRON_MAX_CONNECTIONS_PER_CLIENT"
    )
    header_timeout: Seconds = Field(
        DEFAULT_LIMITS.header_seconds, gt=0, validation_alias="GRAPHCRON_HEADER_TIMEOUT_SECONDS"
    )
    body_timeout: Seconds = Field(30.0, gt=0, validation_alias="GRAPHCRON_BODY_TIMEOUT_SECONDS")
    """Seconds for the whole body of a request about crons, and between two pieces of any other body."""

    @property
    def limits(self) -> Limits:
        """The limits of slow clients and of their number."""
        return Limits(self.max_connections, self.header_timeout, self.max_connections_per_client)

    @property
    def proxy(self) -> str | None:
        """The proxy before the Agent Server."""
        given = {"http_proxy": self.http_proxy, "https_proxy": self.https_proxy, "no_proxy": self.no_proxy}
        return proxy_of(self.agent_server_url or "", {name: value for name, value in given.items() if value})

    @property
    def quota(self) -> Quota:
        """The limits of each owner."""
        return Quota(
            self.crons_per_owner, self.minimum_interval, Lifetime(self.require_end_time, self.max_lifetime_days)
        )

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.auth_mode is Mode.API_KEYS and self.keys_dir is None:
            raise ValueError(not_set("GRAPHCRON_API_KEYS_DIR", "the directory with the API keys"))
        if self.console and self.console_key_file is None:
            raise ValueError(not_set("GRAPHCRON_CONSOLE_KEY_FILE", "the file with the console's session keys"))
        if self.trace_url and (fault := fault_of_template(self.trace_url)):
            raise ValueError(f"GRAPHCRON_TRACE_URL: {fault}")
        return self
