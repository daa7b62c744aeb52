"""The environment of a run pod: its variables, its mounted files, its termination message. No other module knows them.

Standard library only, and of that the cheap part: no logging, no pathlib; start-up time is paid at each firing.
"""

import json
import os
import sys
import time
from collections.abc import Mapping
from typing import NamedTuple, NoReturn

from graphcron.firing.order import HEADERS_PATH, INPUT_PATH, ORDER_PATH, ORDER_VARIABLE, TRIGGER_VARIABLE, Order
from graphcron.firing.proxies import proxy_of

TERMINATION_LOG = "/dev/termination-log"
"""Kubernetes' default `terminationMessagePath`."""


class PodError(Exception):
    """What the pod was given cannot be used: a CamelCase reason, a sentence for people. Retrying cannot help."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class PodSettings(NamedTuple):
    """What the pod is given by its environment. Seconds are how long failures are borne before the pod gives up:
    at the start a new pod costs little; while following, leaving a run alone costs more than waiting for a server
    that restarts."""

    job_name: str
    job_uid: str
    trigger: str = ""
    server_url: str = ""
    api_key: str | None = None
    ca_file: str | None = None
    extra_ca_file: str | None = None
    proxy: str | None = None
    checkpointer_url: str | None = None
    order: str | None = None
    order_path: str = ORDER_PATH
    input_path: str = INPUT_PATH
    headers_path: str = HEADERS_PATH
    start_patience: float = 30.0
    follow_patience: float = 600.0
    request_timeout: float = 30.0

    @classmethod
    def from_environ(cls, environ: Mapping[str, str], *, server: bool = True) -> "PodSettings":
        """`server` says whether an Agent Server is needed."""
        required = [*_JOB.values(), *([_SERVER_URL] if server else [])]
        missing = [name for name in required if not environ.get(name)]
        if missing:
            raise PodError("EnvironmentInvalid", f"not set: {', '.join(missing)}")
        try:
            seconds = {field: float(environ[name]) for field, name in _SECONDS.items() if environ.get(name)}
        except ValueError:
            raise PodError("EnvironmentInvalid", f"{', '.join(_SECONDS.values())} are seconds") from None
        texts = {field: environ[name] for field, name in _TEXTS.items() if environ.get(name)}
        proxy = proxy_of(environ.get(_SERVER_URL, ""), environ)
        return cls(**texts, **seconds, proxy=proxy)  # type: ignore[arg-type]

    def __repr__(self) -> str:
        return f"PodSettings(job_uid={self.job_uid!r}, …)"  # never the key, nor the proxy


_JOB = {"job_name": "GRAPHCRON_JOB_NAME", "job_uid": "GRAPHCRON_JOB_UID"}
_SERVER_URL = "AGENT_SERVER_URL"
_TEXTS = {
    **_JOB,
    "trigger": TRIGGER_VARIABLE,
    "server_url": _SERVER_URL,
    "api_key": "AGENT_SERVER_API_KEY",
    "ca_file": "AGENT_SERVER_CA_FILE",
    "extra_ca_file": "AGENT_SERVER_EXTRA_CA_FILE",
    "checkpointer_url": "GRAPHCRON_CHECKPOINTER_URL",
    "order": ORDER_VARIABLE,
    "order_path": "GRAPHCRON_ORDER_PATH",
    "input_path": "GRAPHCRON_INPUT_PATH",
    "headers_path": "GRAPHCRON_HEADERS_PATH",
}
_SECONDS = {
    "start_patience": "GRAPHCRON_START_PATIENCE_SECONDS",
    "follow_patience": "GRAPHCRON_FOLLOW_PATIENCE_SECONDS",
    "request_timeout": "GRAPHCRON_REQUEST_TIMEOUT_SECONDS",
}


def log(message: str) -> None:
    sys.stdout.write(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {message}\n")
    sys.stdout.flush()


def read_order(settings: PodSettings) -> Order:
    """From the environment, or from its file. Bytes in both: an image's locale may be anything."""
    where = ORDER_VARIABLE if settings.order else settings.order_path
    try:
        data = os.fsencode(settings.order) if settings.order else _read(settings.order_path)
        return Order.from_json(data.decode())
    except (OSError, ValueError, TypeError) as error:
        raise PodError("OrderInvalid", f"the order at {where} cannot be read: {error}") from None


def read_input(settings: PodSettings) -> bytes:
    """The input file as it is. Parsed only to be sure that it is one JSON value, which the body depends on."""
    try:
        data = _read(settings.input_path).removeprefix(b"\xef\xbb\xbf")
        json.loads(data.decode(), parse_int=str, parse_float=str, parse_constant=_no_constant)
    except RecursionError:
        raise PodError("InputInvalid", "spec.inputFrom holds JSON that is nested too deep") from None
    except (OSError, ValueError) as error:
        # A JSONDecodeError names the place, not the text; a UnicodeDecodeError's text would hold a byte of it.
        why = "not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
        raise PodError("InputInvalid", f"spec.inputFrom does not hold JSON: {why}") from None
    return data


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def read_headers(settings: PodSettings) -> dict[str, str]:
    """Headers from the mounted Secret, and the API key. Errors name a header, never its value."""
    headers = {"x-api-key": settings.api_key} if settings.api_key else {}
    names = os.listdir(settings.headers_path) if os.path.isdir(settings.headers_path) else []  # noqa: PTH112, PTH208
    for name in sorted(names):
        if not name.startswith("."):  # ..data and its kin belong to the kubelet
            headers[name.lower()] = _read(f"{settings.headers_path}/{name}").decode("latin-1")
    for name, value in headers.items():
        headers[name] = value.strip()
        if not (headers[name].isascii() and headers[name].isprintable()):
            raise PodError("HeaderInvalid", f"the value of header {name} is not one line of printable ASCII")
    return headers


def write_termination_message(path: str, text: str) -> None:
    """Where it cannot be written (a run by hand), the log has to do."""
    try:
        with open(path, "w", encoding="utf-8") as file:  # noqa: PTH123  pathlib costs start-up time
            file.write(text)
    except OSError as error:
        log(f"no termination message: {error.strerror}")


def _read(path: str) -> bytes:
    with open(path, "rb") as file:  # noqa: PTH123  pathlib costs start-up time
        return file.read()
