"""Forms that were sent, within bounds."""

import asyncio

from aiohttp import web

FORM_LIMIT = 1024 * 1024
"""Bytes: a GraphCron that is larger does not run."""
FORM_SECONDS = 30.0


async def read_form(request: web.Request) -> dict[str, str]:
    """The fields, of each name the last."""
    if (request.content_length or 0) > FORM_LIMIT:
        raise web.HTTPRequestEntityTooLarge(FORM_LIMIT, request.content_length or 0)
    try:
        async with asyncio.timeout(FORM_SECONDS):
            return {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
    except (ValueError, web.RequestPayloadError):
        raise web.HTTPBadRequest from None
