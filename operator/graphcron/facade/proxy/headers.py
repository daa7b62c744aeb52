"""The headers of requests and answers that are passed on."""

from collections.abc import Mapping

from multidict import CIMultiDict

from graphcron.facade.request_log import HEADER

HOP_BY_HOP = frozenset(
    ("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
     "transfer-encoding", "upgrade")
)  # fmt: skip
"""Headers about one connection, not about the message (RFC 9110, 7.6.1)."""

NOT_FORWARDED = HOP_BY_HOP | {"host", "expect"}
"""The host is the Agent Server's own; `Expect: 100-continue` was answered by us."""

HANDSHAKE = frozenset(
    ("sec-websocket-key", "sec-websocket-version", "sec-websocket-protocol", "sec-websocket-extensions")
)
"""Headers of a WebSocket that each side of us negotiates by itself."""

TRACES = ("traceparent", "tracestate", "baggage", HEADER.lower())
"""Headers that differ between requests and do not change the answer."""

CREDENTIALS_AND_TRACES = ("authorization", "cookie", "x-", *TRACES)


def credentials_of(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in headers.items() if name.lower().startswith(CREDENTIALS_AND_TRACES)]


def end_to_end(headers: Mapping[str, str], dropped: frozenset[str] | set[str]) -> CIMultiDict[str]:
    named = {name.strip().lower() for name in headers.get("Connection", "").split(",")}
    return CIMultiDict(
        (name, value)
        for name, value in headers.items()
        if (lower := name.lower()) not in dropped and lower not in named
    )
