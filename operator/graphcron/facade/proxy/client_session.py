"""The client session of the pass-through: it adds nothing to a request and takes nothing from an answer."""

import aiohttp
from yarl import URL

CONNECT_TIMEOUT_SECONDS = 10.0

HEADER_LIMIT = 64 * 1024
"""Bytes of one response header. Aiohttp's own limit of 8 KiB is below what some gateways send."""


def url_parts(url: str) -> URL:
    """Of what is no URL, none. What is wrong with it is not quoted: it may have a password."""
    try:
        return URL(url)
    except ValueError:
        return URL()


def client_session(connector: aiohttp.TCPConnector, proxy: str | None) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=connector,
        proxy=proxy,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        max_line_size=HEADER_LIMIT,
        max_field_size=HEADER_LIMIT,
    )
