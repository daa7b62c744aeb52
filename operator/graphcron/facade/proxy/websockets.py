"""WebSockets, passed on message by message: LangGraph's SDKs can follow a thread's events by one."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import ClientError, ClientWebSocketResponse, WSCloseCode, WSMsgType, web

MESSAGE_LIMIT = 64 * 1024 * 1024
"""Bytes of one message, which is in memory as a whole. A longer one ends the conversation."""

OPTIONS: Mapping[str, Any] = {"autoping": False, "autoclose": False, "max_msg_size": MESSAGE_LIMIT}
"""Of both sides: pings and closing messages are answered by the other side."""

_Side = ClientWebSocketResponse | web.WebSocketResponse


def is_asked_for(request: web.Request) -> bool:
    """Whether it is a handshake that can be answered with a WebSocket (RFC 6455, 4.2.1)."""
    if "Upgrade" not in request.headers:
        return False
    return bool(web.WebSocketResponse(protocols=protocols(request)).can_prepare(request))


def protocols(request: web.Request) -> Sequence[str]:
    """The subprotocols that the client offers, the best first."""
    given = ",".join(request.headers.getall("Sec-WebSocket-Protocol", []))
    return [name for one in given.split(",") if (name := one.strip())]


async def converse(request: web.Request, upstream: ClientWebSocketResponse) -> web.WebSocketResponse:
    """Accepts the client's handshake with the subprotocol that the Agent Server chose, and passes on messages, pings
    and closing codes in both directions. Then both sides are closed."""
    chosen = [upstream.protocol] if upstream.protocol else []
    client = web.WebSocketResponse(protocols=chosen, compress=False, **OPTIONS)
    try:
        await client.prepare(request)
        async with asyncio.TaskGroup() as both:
            both.create_task(_hand_on(client, upstream, WSCloseCode.GOING_AWAY, "the client is gone"))
            both.create_task(_hand_on(upstream, client, WSCloseCode.BAD_GATEWAY, "the Agent Server broke off"))
    finally:
        await upstream.close(code=WSCloseCode.GOING_AWAY)
        if client.prepared:
            await client.close(code=WSCloseCode.GOING_AWAY)
    return client


async def _hand_on(source: _Side, sink: _Side, lost: WSCloseCode, reason: str) -> None:
    """`lost` and `reason` close the sink when the source breaks off without a closing message."""
    try:
        while True:
            message = await source.receive()
            match message.type:
                case WSMsgType.TEXT:
                    await sink.send_str(message.data)
                case WSMsgType.BINARY:
                    await sink.send_bytes(message.data)
                case WSMsgType.PING:
                    await sink.ping(message.data)
                case WSMsgType.PONG:
                    await sink.pong(message.data)
                case WSMsgType.CLOSE:
                    code, said = message.data or WSCloseCode.OK, str(message.extra or "").encode()
                    await sink.close(code=code, message=said)
                    await source.close(code=code)
                    return
                case WSMsgType.CLOSING:  # by the other half of the conversation
                    return
                case _:
                    await sink.close(code=lost, message=reason.encode())
                    return
    except (ClientError, OSError):
        return  # the sink is gone: the other direction notices it
