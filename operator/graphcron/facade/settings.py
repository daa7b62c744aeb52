"""The settings of the facade, from its environment."""

from collections.abc import Mapping
from dataclasses import dataclass

from graphcron.environ import MINIMUM_INTERVAL, limit, log_format, parsed, required, yes_or_no
from graphcron.facade.auth.callers import Mode
from graphcron.facade.quota import NO_QUOTA, Quota


@dataclass(frozen=True)
class FacadeSettings:
    """`namespace` is the one whose GraphCrons are served. `host` None listens on all interfaces; without
    `agent_server_url` only crons are served. `keys_dir` is where the Secret with the API keys is
    mounted, and is there in mode apiKeys; `token_audience` is what tokens must be meant for in mode tokenReview;
    `forward_api_key` says whether the Agent Server gets the caller's key too.
    `cors_origins` are the pages that browsers let call. `shutdown_delay` is how many seconds it still listens after
    SIGTERM. With `check_webhook_hosts` webhooks may name only hosts that LangGraph's own server lets through."""

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
    cors_origins: frozenset[str] = frozenset({"*"})
    metrics_port: int = 9090
    log_format: str = "text"
    shutdown_delay: float = 0.0
    check_webhook_hosts: bool = True

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "FacadeSettings":
        mode = parsed(environ, "GRAPHCRON_AUTH_MODE", _mode, Mode.CLOSED)
        keys_dir = environ.get("GRAPHCRON_API_KEYS_DIR") or None
        if mode is Mode.API_KEYS:
            keys_dir = required(environ, "GRAPHCRON_API_KEYS_DIR", "the directory with the API keys")
        return cls(
            auth_mode=mode,
            keys_dir=keys_dir,
            token_audience=environ.get("GRAPHCRON_TOKEN_AUDIENCE") or None,
            forward_api_key=parsed(environ, "GRAPHCRON_FORWARD_API_KEY", yes_or_no, True),
            quota=Quota(
                crons=parsed(environ, "GRAPHCRON_CRONS_PER_OWNER", limit, 0),
                interval=parsed(environ, MINIMUM_INTERVAL, limit, 0),
            ),
            namespace=required(environ, "GRAPHCRON_NAMESPACE", "the namespace whose GraphCrons are served"),
            cors_origins=frozenset(environ.get("GRAPHCRON_CORS_ORIGINS", "*").split()),
            metrics_port=parsed(environ, "GRAPHCRON_METRICS_PORT", int, 9090),
            log_format=parsed(environ, "GRAPHCRON_LOG_FORMAT", log_format, "text"),
            check_webhook_hosts=parsed(environ, "GRAPHCRON_WEBHOOK_HOSTS", _checked_or_any, True),
            shutdown_delay=parsed(environ, "GRAPHCRON_SHUTDOWN_DELAY_SECONDS", float, 0.0),
            agent_server_url=environ.get("AGENT_SERVER_URL") or None,
            ca_file=environ.get("AGENT_SERVER_CA_FILE") or None,
            host=environ.get("GRAPHCRON_HOST") or None,
            port=parsed(environ, "GRAPHCRON_PORT", int, 8080),
            log_level=environ.get("GRAPHCRON_LOG_LEVEL") or "INFO",
        )


def _mode(text: str) -> Mode:
    try:
        return Mode(text)
    except ValueError:
        raise ValueError(f"it must be {Mode.API_KEYS}, {Mode.TOKEN_REVIEW} or {Mode.OPEN}") from None


def _checked_or_any(text: str) -> bool:
    if text not in ("checked", "any"):
        raise ValueError("it must be checked or any")
    return text == "checked"
