"""The headers that the proxy passes on, and those that it does not."""

from tests.support.facade_server import Client


class TestHeaders:
    async def test_those_about_the_connection_stop_and_the_rest_goes_on(self, client: Client) -> None:
        sent = {
            "Connection": "X-Hop, keep-alive",
            "X-Hop": "1",
            "Keep-Alive": "timeout=5",
            "TE": "trailers",
            "Upgrade": "h2c",
            "Proxy-Authorization": "secret",
            "X-Api-Key": "kept",
            "Authorization": "Bearer kept",
            "Cookie": "kept=1",
            "User-Agent": "mine/1",
        }
        _, echo, _ = await client.call("GET", "/any", headers=sent)
        arrived = {name.lower(): value for name, value in echo["headers"].items()}
        assert not {"x-hop", "keep-alive", "te", "upgrade", "proxy-authorization"} & arrived.keys()
        assert arrived["x-api-key"] == "kept"
        assert arrived["authorization"] == "Bearer kept"
        assert arrived["cookie"] == "kept=1"
        assert arrived["user-agent"] == "mine/1"

    async def test_the_host_is_the_agent_servers_own(self, client: Client) -> None:
        """A gateway in front of it routes by that."""
        _, echo, _ = await client.call("GET", "/any", headers={"Host": "facade.example"})
        assert echo["headers"]["Host"] != "facade.example"

    async def test_answers_keep_theirs_but_those_about_the_connection(self, client: Client) -> None:
        async with client.session.get(client.url + "/any") as response:
            assert response.headers.getall("Set-Cookie") == ["a=1", "b=2"]
            assert response.headers["X-Kept"] == "end"
            assert "X-Private" not in response.headers

    async def test_cookies_of_one_caller_do_not_reach_another(self, client: Client) -> None:
        await client.call("GET", "/any")
        client.session.cookie_jar.clear()
        _, echo, _ = await client.call("GET", "/any")
        assert "Cookie" not in echo["headers"]

    async def test_redirects_are_the_clients_and_lead_back_to_the_facade(self, client: Client) -> None:
        status, _, headers = await client.call("GET", "/redirect")
        assert (status, headers["Location"]) == (307, "/elsewhere?a=1")
        status, _, headers = await client.call("GET", "/redirect?away")
        assert (status, headers["Location"]) == (307, "https://example.com/elsewhere")
