"""The client session of the pass-through."""

import aiohttp
import pytest

from graphcron.facade.proxy.client_session import client_session, url_parts
from tests.support.upstream_fake import UpstreamFake


@pytest.mark.parametrize("text", ["http://agent:99999", "http://ann:s3cret@agent\u2100x"])
def test_what_is_no_url_has_no_parts(text: str) -> None:
    assert url_parts(text).host is None
    assert url_parts("http://agent:8000").port == 8000


async def test_adds_nothing_to_a_request_but_what_http_needs(upstream: UpstreamFake) -> None:
    url = await upstream.start()
    async with (
        client_session(aiohttp.TCPConnector(), None) as session,
        session.post(f"{url}/echo", data=b"x") as answer,
    ):
        assert (await answer.json())["headers"].keys() == {"Host", "Content-Length"}
