"""The settings of the operator, from its environment."""

import socket
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from graphcron.environ import MINIMUM_INTERVAL, InvalidSettings, json_of, limit, log_format, optional, parsed, required
from graphcron.kube.lease import Timing
from graphcron.operator.run_pod import RunPods
from graphcron.resource.fields import KeySelector


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
                image=required(environ, "GRAPHCRON_RUN_IMAGE", "the image of the run pods"),
                image_pull_policy=environ.get("GRAPHCRON_RUN_IMAGE_PULL_POLICY") or "IfNotPresent",
                image_pull_secrets=tuple(parsed(environ, "GRAPHCRON_RUN_IMAGE_PULL_SECRETS", json_of(list), [])),
                server_url=environ.get("AGENT_SERVER_URL") or None,
                api_key=_key_selector(environ, "AGENT_SERVER_API_KEY_SECRET"),
                ca_config_map=_key_selector(environ, "AGENT_SERVER_CA_CONFIG_MAP"),
                namespace=environ.get("GRAPHCRON_NAMESPACE") or None,
                service_account=environ.get("GRAPHCRON_RUN_SERVICE_ACCOUNT") or None,
                active_deadline_seconds=parsed(environ, "GRAPHCRON_RUN_ACTIVE_DEADLINE_SECONDS", limit, 0) or None,
                in_pod_images=tuple(parsed(environ, "GRAPHCRON_IN_POD_IMAGES", json_of(list), [])),
                **optional(
                    resources=parsed(environ, "GRAPHCRON_RUN_RESOURCES", json_of(dict), None),
                    pod_security=parsed(environ, "GRAPHCRON_RUN_POD_SECURITY_CONTEXT", json_of(dict), None),
                    container_security=parsed(environ, "GRAPHCRON_RUN_SECURITY_CONTEXT", json_of(dict), None),
                    in_pod_resources=parsed(environ, "GRAPHCRON_IN_POD_RESOURCES", json_of(dict), None),
                ),
            ),
            namespace=environ.get("GRAPHCRON_WATCH_NAMESPACE") or None,
            health_port=parsed(environ, "GRAPHCRON_HEALTH_PORT", int, 8081),
            workers=parsed(environ, "GRAPHCRON_WORKERS", int, 20),
            crd_patience=parsed(environ, "GRAPHCRON_CRD_PATIENCE_SECONDS", float, 30.0),
            log_level=environ.get("GRAPHCRON_LOG_LEVEL") or "INFO",
            log_format=parsed(environ, "GRAPHCRON_LOG_FORMAT", log_format, "text"),
            lease=(
                environ.get("GRAPHCRON_NAMESPACE") or environ.get("GRAPHCRON_WATCH_NAMESPACE") or "default",
                environ.get("GRAPHCRON_LEASE") or "graphcron-operator",
            ),
            identity=environ.get("GRAPHCRON_POD") or f"{socket.gethostname()}-{uuid.uuid4()}",
            lease_timing=_lease_timing(environ),
            metrics_port=parsed(environ, "GRAPHCRON_METRICS_PORT", int, 9090),
            watch_silence=parsed(environ, "GRAPHCRON_WATCH_SILENCE_SECONDS", float, 180.0),
            minimum_interval=parsed(environ, MINIMUM_INTERVAL, limit, 0),
        )


def _lease_timing(environ: Mapping[str, str]) -> Timing:
    names = {
        "duration": ("GRAPHCRON_LEASE_DURATION_SECONDS", int),
        "renew_deadline": ("GRAPHCRON_LEASE_RENEW_DEADLINE_SECONDS", float),
        "retry_period": ("GRAPHCRON_LEASE_RETRY_PERIOD_SECONDS", float),
    }
    given = {field: parsed(environ, name, parse, None) for field, (name, parse) in names.items()}
    try:
        return Timing(**optional(**given))
    except ValueError as error:
        raise InvalidSettings(f"GRAPHCRON_LEASE_*_SECONDS do not go together: {error}") from None


def _key_selector(environ: Mapping[str, str], name: str) -> KeySelector | None:
    """`<object>/<key>`."""
    text = environ.get(name)
    if not text:
        return None
    object_name, slash, key = text.partition("/")
    if not (object_name and slash and key):
        raise InvalidSettings(f"{name} must be written NAME/KEY")
    return KeySelector(name=object_name, key=key)
