"""The only module that reads the environment for the operator and the facade: one frozen object each.

The Helm chart sets these variables; their names and meanings are the interface between the two.
"""

import json
import socket
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from graphcron.access import NO_QUOTA, Mode, Quota
from graphcron.lease import Timing
from graphcron.logs import FORMATS
from graphcron.models import KeySelector
from graphcron.pod_template import RunPods

T = TypeVar("T")

_MINIMUM_INTERVAL = "GRAPHCRON_MINIMUM_INTERVAL_SECONDS"


class InvalidSettings(ValueError):
    """A variable that is missing or wrong; the message names it and says what it should hold."""


@dataclass(frozen=True)
class OperatorSettings:
    """`namespace` None means the whole cluster. `workers` reconciliations run at once. `crd_patience` is how many
    seconds a start waits for the CRD or the apiserver before it gives up. `lease` is namespace and name of the Lease by
    which replicas choose a leader, `identity` this replica's own name there, which no other process may have. After
    `watch_silence` seconds without a word a watch counts as dead; the apiserver ends each after one minute.
    `minimum_interval` is the least number of seconds between two firings of a GraphCron, 0 for no limit."""

    pods: RunPods
    namespace: str | None
    health_port: int
    workers: int
    log_level: str
    log_format: str
    crd_patience: float
    lease: tuple[str, str]
    identity: str
    lease_timing: Timing
    metrics_port: int
    watch_silence: float
    minimum_interval: int

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "OperatorSettings":
        return cls(
            pods=RunPods(
                image=_required(environ, "GRAPHCRON_RUN_IMAGE", "the image of the run pods"),
                image_pull_policy=environ.get("GRAPHCRON_RUN_IMAGE_PULL_POLICY") or "IfNotPresent",
                image_pull_secrets=tuple(_parsed(environ, "GRAPHCRON_RUN_IMAGE_PULL_SECRETS", _json(list), [])),
                server_url=environ.get("AGENT_SERVER_URL") or None,
                api_key=_key_selector(environ, "AGENT_SERVER_API_KEY_SECRET"),
                ca_config_map=_key_selector(environ, "AGENT_SERVER_CA_CONFIG_MAP"),
                namespace=environ.get("GRAPHCRON_NAMESPACE") or None,
                service_account=environ.get("GRAPHCRON_RUN_SERVICE_ACCOUNT") or None,
                active_deadline_seconds=_parsed(environ, "GRAPHCRON_RUN_ACTIVE_DEADLINE_SECONDS", _limit, 0) or None,
                in_pod_images=tuple(_parsed(environ, "GRAPHCRON_IN_POD_IMAGES", _json(list), [])),
                **_optional(
                    resources=_parsed(environ, "GRAPHCRON_RUN_RESOURCES", _json(dict), None),
                    in_pod_resources=_parsed(environ, "GRAPHCRON_IN_POD_RESOURCES", _json(dict), None),
                ),
            ),
            namespace=environ.get("GRAPHCRON_WATCH_NAMESPACE") or None,
            health_port=_parsed(environ, "GRAPHCRON_HEALTH_PORT", int, 8081),
            workers=_parsed(environ, "GRAPHCRON_WORKERS", int, 20),
            crd_patience=_parsed(environ, "GRAPHCRON_CRD_PATIENCE_SECONDS", float, 30.0),
            log_level=environ.get("GRAPHCRON_LOG_LEVEL") or "INFO",
            log_format=_parsed(environ, "GRAPHCRON_LOG_FORMAT", _log_format, "text"),
            lease=(
                environ.get("GRAPHCRON_NAMESPACE") or environ.get("GRAPHCRON_WATCH_NAMESPACE") or "default",
                environ.get("GRAPHCRON_LEASE") or "graphcron-operator",
            ),
            identity=environ.get("GRAPHCRON_POD") or f"{socket.gethostname()}-{uuid.uuid4()}",
            lease_timing=_lease_timing(environ),
            metrics_port=_parsed(environ, "GRAPHCRON_METRICS_PORT", int, 9090),
            watch_silence=_parsed(environ, "GRAPHCRON_WATCH_SILENCE_SECONDS", float, 180.0),
            minimum_interval=_parsed(environ, _MINIMUM_INTERVAL, _limit, 0),
        )


@dataclass(frozen=True)
class FacadeSettings:
    """`namespace` is the one whose GraphCrons are served. `host` None listens on all interfaces; without
    `agent_server_url` only crons are served. `writes_config_map` is shared by all facades of a namespace and lets them
    answer from memory; without it each read goes to the apiserver. `keys_dir` is where the Secret with the API keys is
    mounted, and is there in mode apiKeys; `token_audience` is what tokens must be meant for in mode tokenReview;
    `forward_api_key` says whether the Agent Server gets the caller's key too.
    `cors_origins` are the pages that browsers let call. `shutdown_delay` is how many seconds it still listens after
    SIGTERM."""

    namespace: str
    agent_server_url: str | None = None
    ca_file: str | None = None
    host: str | None = None
    port: int = 8080
    log_level: str = "INFO"
    auth_mode: Mode = Mode.CLOSED
    keys_dir: str | None = None
    token_audience: str | None = None
    forward_api_key: bool = True
    quota: Quota = NO_QUOTA
    writes_config_map: str | None = None
    cors_origins: frozenset[str] = frozenset({"*"})
    metrics_port: int = 9090
    log_format: str = "text"
    shutdown_delay: float = 0.0

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "FacadeSettings":
        mode = _parsed(environ, "GRAPHCRON_AUTH_MODE", _mode, Mode.CLOSED)
        keys_dir = environ.get("GRAPHCRON_API_KEYS_DIR") or None
        if mode is Mode.API_KEYS:
            keys_dir = _required(environ, "GRAPHCRON_API_KEYS_DIR", "the directory with the API keys")
        return cls(
            auth_mode=mode,
            keys_dir=keys_dir,
            token_audience=environ.get("GRAPHCRON_TOKEN_AUDIENCE") or None,
            forward_api_key=_parsed(environ, "GRAPHCRON_FORWARD_API_KEY", _yes_or_no, True),
            quota=Quota(
                crons=_parsed(environ, "GRAPHCRON_CRONS_PER_OWNER", _limit, 0),
                interval=_parsed(environ, _MINIMUM_INTERVAL, _limit, 0),
            ),
            namespace=_required(environ, "GRAPHCRON_NAMESPACE", "the namespace whose GraphCrons are served"),
            cors_origins=frozenset(environ.get("GRAPHCRON_CORS_ORIGINS", "*").split()),
            metrics_port=_parsed(environ, "GRAPHCRON_METRICS_PORT", int, 9090),
            log_format=_parsed(environ, "GRAPHCRON_LOG_FORMAT", _log_format, "text"),
            shutdown_delay=_parsed(environ, "GRAPHCRON_SHUTDOWN_DELAY_SECONDS", float, 0.0),
            writes_config_map=environ.get("GRAPHCRON_WRITES_CONFIG_MAP") or None,
            agent_server_url=environ.get("AGENT_SERVER_URL") or None,
            ca_file=environ.get("AGENT_SERVER_CA_FILE") or None,
            host=environ.get("GRAPHCRON_HOST") or None,
            port=_parsed(environ, "GRAPHCRON_PORT", int, 8080),
            log_level=environ.get("GRAPHCRON_LOG_LEVEL") or "INFO",
        )


def _required(environ: Mapping[str, str], name: str, meaning: str) -> str:
    if value := environ.get(name):
        return value
    raise InvalidSettings(f"{name} is not set: it names {meaning}. The Helm chart sets it.")


def _parsed(environ: Mapping[str, str], name: str, parse: Callable[[str], T], default: T) -> T:
    text = environ.get(name)
    if not text:
        return default
    try:
        return parse(text)
    except ValueError as error:
        raise InvalidSettings(f"{name} is not readable: {error}") from None


def _lease_timing(environ: Mapping[str, str]) -> Timing:
    names = {
        "duration": ("GRAPHCRON_LEASE_DURATION_SECONDS", int),
        "renew_deadline": ("GRAPHCRON_LEASE_RENEW_DEADLINE_SECONDS", float),
        "retry_period": ("GRAPHCRON_LEASE_RETRY_PERIOD_SECONDS", float),
    }
    given = {field: _parsed(environ, name, parse, None) for field, (name, parse) in names.items()}
    try:
        return Timing(**_optional(**given))
    except ValueError as error:
        raise InvalidSettings(f"GRAPHCRON_LEASE_*_SECONDS do not go together: {error}") from None


def _mode(text: str) -> Mode:
    try:
        return Mode(text)
    except ValueError:
        raise ValueError(f"it must be {Mode.API_KEYS}, {Mode.TOKEN_REVIEW} or {Mode.OPEN}") from None


def _log_format(text: str) -> str:
    if text not in FORMATS:
        raise ValueError(f"it must be one of {', '.join(FORMATS)}")
    return text


def _limit(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError("it must be 0, for no limit, or more")
    return number


def _yes_or_no(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("it must be true or false")
    return text == "true"


def _json(kind: type[Any]) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        value = json.loads(text)
        if not isinstance(value, kind):
            raise ValueError(f"it must be a JSON {'object' if kind is dict else 'array'}")
        return value

    return parse


def _key_selector(environ: Mapping[str, str], name: str) -> KeySelector | None:
    """`<object>/<key>`."""
    text = environ.get(name)
    if not text:
        return None
    object_name, slash, key = text.partition("/")
    if not (object_name and slash and key):
        raise InvalidSettings(f"{name} must be written NAME/KEY")
    return KeySelector(name=object_name, key=key)


def _optional(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
