"""The HTTPS port of the validating webhook. The apiserver asks it before it stores a GraphCron, and goes on without an
answer: what it fails on is accepted, and stalls later.
"""

import asyncio
import contextlib
import logging
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from aiohttp import web

from graphcron import http_server
from graphcron.environ import cannot_listen
from graphcron.http_server import DEFAULT_LIMITS as LIMITS
from graphcron.kube import jsontext
from graphcron.kube.resources import Manifest

log = logging.getLogger(__name__)

PATH = "/validate"
RELOAD_SECONDS = 60.0
"""Between two readings of the certificate, which cert-manager renews without a restart."""

LARGEST_REVIEW = 8 * 2**20
"""Bytes. It has the object twice, as it was and as it is to be, and an apiserver stores at most 1.5 MiB of each."""
AT_ONCE = 4
"""Reviews that are held in memory. Any pod may connect, and nobody proves to be an apiserver."""
READ_SECONDS = 5.0
"""For the body of a review."""


@contextlib.asynccontextmanager
async def serving(certificates: Path, port: int, answer: Callable[[Manifest], Manifest]) -> AsyncIterator[None]:
    """Serve until left, with tls.crt and tls.key of that folder. Raises OSError when they cannot be used, and
    CannotStart when the port cannot."""

    places = asyncio.Semaphore(AT_ONCE)

    async def validate(request: web.Request) -> web.Response:
        try:
            async with places:
                async with asyncio.timeout(READ_SECONDS):
                    body = await request.read()
                found = answer(jsontext.loads(body))
        except TimeoutError:
            return web.Response(status=408, text="the body did not come in time\n")
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            log.warning("a GraphCron could not be judged before it was stored (%s)", type(error).__name__)
            return web.Response(status=400, text="this is no AdmissionReview of a GraphCron\n")
        return web.Response(body=jsontext.dumps(found), content_type="application/json")

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    _load(context, certificates)
    app = web.Application(client_max_size=LARGEST_REVIEW)
    app.add_routes([web.post(PATH, validate)])
    try:
        runner = await http_server.listen(app, None, port, LIMITS, ssl_context=context)
    except OSError as error:
        raise cannot_listen(error, port, "GRAPHCRON_WEBHOOK_PORT") from None
    renewal = asyncio.create_task(_renew(context, certificates))
    try:
        yield
    finally:
        renewal.cancel()
        await runner.cleanup()


def _load(context: ssl.SSLContext, certificates: Path) -> None:
    context.load_cert_chain(certificates / "tls.crt", certificates / "tls.key")


async def _renew(context: ssl.SSLContext, certificates: Path) -> None:
    """New connections get the certificate that the folder has."""
    while True:
        await asyncio.sleep(RELOAD_SECONDS)
        try:
            _load(context, certificates)
        except OSError as error:
            log.warning("the webhook keeps its certificate: the new one in %s cannot be used: %s", certificates, error)
