"""The sending of one message over HTTP or SMTP. Errors name host and status, and nothing that a receiver said."""

import asyncio
import contextlib
import smtplib
import socket
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from email.message import EmailMessage
from ipaddress import ip_address
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from graphcron.notifier import payloads
from graphcron.notifier.message import Text
from graphcron.notifier.secret import Receiver
from graphcron.resource.addresses import complaint
from graphcron.resource.channel import ChannelSpec

TIMEOUT_SECONDS = 10.0
ANSWER_LIMIT = 16 * 1024
"""Bytes of an answer that are read, so that the connection can be used again."""
CONNECTIONS = 50
"""At once, of HTTP; and as many of SMTP, each in a thread."""


class DeliveryFailed(Exception):
    """A message was not taken; the text has no secret. `lasting` is a refusal that will hardly end by itself."""

    def __init__(self, message: str, *, lasting: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.lasting = lasting


class _AddressRefused(OSError):
    pass


class CheckedResolver(AbstractResolver):
    """Looks names up as the system does, and gives back only addresses to which messages may go."""

    def __init__(self) -> None:
        self._inner = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Raises OSError when there is none."""
        found = await self._inner.resolve(host, port, family)
        for one in found:
            if wrong := complaint(one["host"]):
                raise _AddressRefused(f"{host} has the address {one['host']}, which is {wrong}")
        return found

    async def close(self) -> None:
        await self._inner.close()


class Sender:
    """Sends to receivers; `async with` it. `ca_file` has the authorities of their certificates, None for the
    system's."""

    def __init__(self, ca_file: str | None = None, timeout: float = TIMEOUT_SECONDS) -> None:
        self._ssl = ssl.create_default_context(cafile=ca_file)
        self._timeout = timeout
        self._threads = ThreadPoolExecutor(CONNECTIONS, "smtp")
        """Of their own: names are looked up in those of the event loop, and slow mail servers must not hold that up."""
        self._resolver: CheckedResolver | None = None
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> "Sender":
        self._resolver = CheckedResolver()
        connector = aiohttp.TCPConnector(limit=CONNECTIONS, ssl=self._ssl, resolver=self._resolver)
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=self._timeout),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session:
            await self._session.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def send(self, spec: ChannelSpec, to: Receiver, text: Text, at: datetime) -> None:
        """Raises DeliveryFailed."""
        match spec.kind:
            case "Webhook":
                body = payloads.body_of(payloads.cloud_event(text, at))
                headers = {"Content-Type": "application/cloudevents+json"}
                await self._post(to, body, headers | payloads.signed(body, text.id, at, to.key))
            case "Slack" | "Teams" as kind:
                value = payloads.slack(text) if kind == "Slack" else payloads.teams(text)
                await self._post(to, payloads.body_of(value), {"Content-Type": "application/json"})
            case "Email":
                assert spec.email, "the model asks for it"
                await self._mail(to, payloads.email(text, spec.email.from_, spec.email.to, at))

    async def _post(self, to: Receiver, body: bytes, headers: dict[str, str]) -> None:
        assert self._session, "entered"
        try:
            async with self._session.post(to.url, data=body, headers=headers, allow_redirects=False) as answer:
                with contextlib.suppress(aiohttp.ClientError):
                    await answer.content.read(ANSWER_LIMIT)
        except TimeoutError:
            raise DeliveryFailed(f"{to.host} did not answer within {self._timeout:g} seconds") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise DeliveryFailed(_unreachable(to.host, error)) from None
        if answer.status >= 300:
            lasting = answer.status < 500 and answer.status not in (408, 425, 429)
            raise DeliveryFailed(f"{to.host} answered HTTP {answer.status}", lasting=lasting)

    async def _mail(self, to: Receiver, mail: EmailMessage) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._timeout):
                server = _smtp(to, await self._address(to), self._ssl, self._timeout)
                try:
                    await loop.run_in_executor(self._threads, _submit, server, to, mail, self._ssl)
                finally:
                    server.line.cut()
        except TimeoutError:
            raise DeliveryFailed(f"{to.host} did not answer within {self._timeout:g} seconds") from None
        except smtplib.SMTPResponseException as error:
            raise DeliveryFailed(f"{to.host} answered SMTP {error.smtp_code}", lasting=error.smtp_code >= 500) from None
        except smtplib.SMTPRecipientsRefused as error:
            codes = sorted({str(code) for code, _ in error.recipients.values()})
            raise DeliveryFailed(f"{to.host} refused the recipients: SMTP {', '.join(codes)}", lasting=True) from None
        except smtplib.SMTPNotSupportedError:
            raise DeliveryFailed(f"{to.host} offers no STARTTLS or no login: try smtps://", lasting=True) from None
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise DeliveryFailed(_unreachable(to.host, error)) from None

    async def _address(self, to: Receiver) -> str:
        with contextlib.suppress(ValueError):
            return str(ip_address(to.host))  # named as such by the administrator
        assert self._resolver, "entered"
        return (await self._resolver.resolve(to.host, to.port))[0]["host"]


def _unreachable(host: str, error: Exception) -> str:
    """Errors of sockets and TLS name addresses and reasons; others may quote what came in."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, _AddressRefused):
            return str(cause)
        if isinstance(cause, ssl.SSLError):
            return f"{host}: TLS failed ({cause.reason or type(cause).__name__})"
        if isinstance(cause, OSError) and cause.errno and cause.strerror:
            return f"{host} cannot be reached: {cause.strerror}"
        cause = cause.__cause__ or getattr(cause, "os_error", None)
    return f"{host} cannot be reached: {type(error).__name__}"


class _Line:
    """A connection to the address that was checked, which another thread can end. `SMTP.close` is not for that: it
    waits until the other thread has read."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._lock = threading.Lock()
        self._handle: socket.socket | None = None
        self._is_cut = False

    def open(self, port: int, timeout: float) -> socket.socket:
        """Raises OSError."""
        made = socket.create_connection((self._address, port), timeout)
        with self._lock:
            if self._is_cut:
                made.close()
                raise ConnectionAbortedError
            self._handle = made.dup()  # TLS takes the socket itself over
        return made

    def cut(self) -> None:
        """Whoever reads or writes gets an error. Never waits."""
        with self._lock:
            self._is_cut = True
            handle, self._handle = self._handle, None
        if handle:
            with contextlib.suppress(OSError):
                handle.shutdown(socket.SHUT_RDWR)
            handle.close()


class _Plain(smtplib.SMTP):
    line: _Line

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self.line.open(port, timeout)


class _Encrypted(smtplib.SMTP_SSL):
    line: _Line

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self.context.wrap_socket(self.line.open(port, timeout), server_hostname=host)


def _smtp(to: Receiver, address: str, context: ssl.SSLContext, timeout: float) -> Any:
    encrypted = to.url.scheme == "smtps"
    server = _Encrypted(timeout=timeout, context=context) if encrypted else _Plain(timeout=timeout)
    server.line = _Line(address)
    return server


def _submit(server: Any, to: Receiver, mail: EmailMessage, context: ssl.SSLContext) -> None:
    """In a thread. Without TLS there is no login."""
    server._host = to.host
    with contextlib.closing(server):
        server.connect(to.host, to.port)
        server.ehlo()
        if to.url.scheme == "smtp" and (to.login or server.has_extn("starttls")):
            server.starttls(context=context)
            server.ehlo()
        if to.login:
            server.login(*to.login)
        server.send_message(mail)
        with contextlib.suppress(smtplib.SMTPException, OSError):
            server.quit()
