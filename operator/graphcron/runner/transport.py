"""One HTTP request to the Agent Server: TLS, the proxy before it, and in words what broke on the way.

It opens one connection a request: nothing idles through a proxy between two polls, no pooled connection dies unnoticed,
and a server that restarts is simply found again. It never repeats a request by itself.
"""

import http.client
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from graphcron.firing.formats import plain
from graphcron.runner.errors import RequestRefused, TryAgain, in_words

CONNECT_SECONDS = 10.0
SETTLE_SECONDS = 10.0
"""After a request that timed out the server may still be at work on it; an answer to "is there a run?" is worth
nothing before that is over."""

BODY_LIMIT = 8 * 1024 * 1024
"""Bytes of an answer that are read. The largest we need is a new run, which repeats an input of up to 1 MiB; what is
larger is a failed thread's state and would cost a small pod its memory."""

_GIVE_CA = (
    "name its CA in spec.server.caConfigMapKeyRef, or for the installation's own server in agentServer.caConfigMap of "
    "the Helm chart"
)
_RENAME = "write a name of the certificate into the URL"
_CURES = {
    **dict.fromkeys((2, 18, 19, 20, 21), _GIVE_CA),
    9: "compare the clocks of server and node",
    10: "renew the server's certificate",
    62: _RENAME,
    64: _RENAME,
}
"""By OpenSSL's X509_V_ERR: unknown issuers of several kinds, not yet valid, expired, another name, another address."""

_TUNNEL_FAILED = "Tunnel connection failed: "
"""How http.client begins its OSError when a proxy does not let a connection through; a status follows."""


class Trust(NamedTuple):
    """Files of certificate authorities: `ca_file` instead of the system's, `extra_ca_file` beside them."""

    ca_file: str | None = None
    extra_ca_file: str | None = None

    def context(self) -> ssl.SSLContext:
        """Raises RequestRefused for a file that holds no certificates."""
        file = self.ca_file or self.extra_ca_file
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
            if not self.ca_file and self.extra_ca_file:
                context.load_verify_locations(self.extra_ca_file)
        except OSError as error:
            raise RequestRefused("CaFileInvalid", f"the CA file {file} cannot be used: {plain(str(error))}") from None
        return context


class Proxy(NamedTuple):
    """`headers` hold the credentials, which are in no message."""

    host: str
    port: int
    headers: Mapping[str, str]

    @classmethod
    def from_url(cls, url: str) -> "Proxy":
        """Raises RequestRefused. The URL is not quoted: it may hold a password."""
        try:
            parts = urlsplit(url if "://" in url else f"http://{url}")
            host, port = parts.hostname, parts.port or 80
        except ValueError:
            parts, host, port = urlsplit(""), None, 0
        if parts.scheme != "http" or not host:
            raise RequestRefused(
                "ProxyInvalid", "HTTP_PROXY and HTTPS_PROXY must be http://[USER:PASSWORD@]HOST[:PORT]"
            )
        if parts.username is None:
            return cls(host, port, {})
        from binascii import b2a_base64

        credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        return cls(host, port, {"proxy-authorization": f"Basic {b2a_base64(credentials, newline=False).decode()}"})


class Transport:
    """The way to one server. Raises RequestRefused for a URL, a CA or a proxy that cannot be used.

    `timeout` is how many seconds the server may be silent within one request.
    """

    def __init__(self, url: str, trust: Trust, proxy: str | None, timeout: float) -> None:
        try:
            parts = urlsplit(url)
            self._host, self._port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        except ValueError:
            parts, self._host = urlsplit(""), ""
        if parts.scheme not in ("http", "https") or not self._host or parts.username or parts.password:
            # Not quoted: it may hold a password.
            raise RequestRefused(
                "ServerUrlInvalid", "the Agent Server's URL must be http(s)://host[:port][/path], without user"
            )
        host = f"[{self._host}]" if ":" in self._host else self._host
        self.origin = f"{parts.scheme}://{host}:{self._port}"
        self._prefix = parts.path.rstrip("/")
        self._timeout = timeout
        self._tls = trust.context() if parts.scheme == "https" else None
        self._proxy = Proxy.from_url(proxy) if proxy else None
        self._way = f"{self.origin}, by the proxy {self._proxy.host}:{self._proxy.port}" if self._proxy else self.origin

    def send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes | None,
        limit: int = BODY_LIMIT,
        timeout: float | None = None,
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        """Status, headers and the first `limit` bytes of the answer. Raises TryAgain or RequestRefused."""
        with self.answer(method, path, headers, body, timeout) as response:
            return response.status, response.headers, response.read(limit)

    @contextmanager
    def answer(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None, timeout: float | None = None
    ) -> Iterator[http.client.HTTPResponse]:
        """The answer, of which nothing but the head is read. Raises TryAgain or RequestRefused, also while its body
        is read in the block."""
        connection = self._connection()
        target = self._prefix + path
        if self._proxy and not self._tls:
            target, headers = self.origin + target, {**headers, **self._proxy.headers}
        try:
            connection.connect()
            connection.sock.settimeout(timeout or self._timeout)
            connection.request(method, target, body, dict(headers))
            response = connection.getresponse()
            if self._proxy and response.status == 407:
                raise OSError(_TUNNEL_FAILED + "407")
            yield response
        except ssl.SSLCertVerificationError as error:
            cure = _CURES.get(error.verify_code, "have the server's certificate issued anew")
            message = f"the certificate of {self.origin} is not trusted ({error.verify_message}): {cure}"
            raise RequestRefused("CertificateNotTrusted", message) from None
        except TimeoutError:
            raise TryAgain("AgentServerUnreachable", f"{self._way} did not answer in time", SETTLE_SECONDS) from None
        except (OSError, http.client.HTTPException, UnicodeError) as error:
            raise self._broken(error) from None
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        host, port = (self._proxy.host, self._proxy.port) if self._proxy else (self._host, self._port)
        if not self._tls:
            return http.client.HTTPConnection(host, port, timeout=CONNECT_SECONDS)
        connection = http.client.HTTPSConnection(host, port, timeout=CONNECT_SECONDS, context=self._tls)
        if self._proxy:
            connection.set_tunnel(self._host, self._port, dict(self._proxy.headers))
        return connection

    def _broken(self, error: Exception) -> RequestRefused | TryAgain:
        """What it means that there is no answer."""
        if not str(error).startswith(_TUNNEL_FAILED):
            return TryAgain("AgentServerUnreachable", f"{self._way}: {in_words(error)}")
        status = str(error).removeprefix(_TUNNEL_FAILED)[:3]
        if status in ("403", "407"):
            cure = "check its credentials, and whether it lets run pods go there; NO_PROXY lists what needs no proxy"
            return RequestRefused("ProxyRefused", f"{self._way}: the proxy answered {status}: {cure}")
        return TryAgain("AgentServerUnreachable", f"{self._way}: the proxy answered {status}")
