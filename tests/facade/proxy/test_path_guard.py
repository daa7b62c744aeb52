"""The path guard: no spelling of a cron endpoint reaches the Agent Server."""

import pytest

from graphcron.facade.proxy.path_guard import deleted_by, deletes_other_threads, is_literal_cron_path, reaches_crons
from tests.support.facade_server import Client, raw
from tests.support.upstream_fake import UpstreamFake

TRICKS = [
    "/runs%2Fcrons",
    "/a/%25252525252525252561",  # of no end, as far as anybody will look
    "/runs%2fcrons",
    "/runs/%63rons",
    "/%72uns/crons",
    "/runs/%2563rons",
    "/runs%252Fcrons",
    "//runs/crons",
    "/runs//crons",
    "/runs/crons/",
    "/runs/crons//",
    "/runs/crons%0A",
    "/runs/crons%20",
    "/runs/crons%00",
    "/runs/crons%3Fx",
    "/runs/crons%23x",
    "/runs/crons;x=1",
    "/runs;x=1/crons",
    "/runs/./crons",
    "/runs/%2e/crons",
    "/x/../runs/crons",
    "/x/%2e%2e/runs/crons",
    "/runs/x/../crons",
    "/../runs/crons",
    "/runs\\crons",
    "/runs%5Ccrons",
    "/RUNS/Crons",
    "/prefix/runs/crons",
    "/runs/crons/search/",
    "/runs/crons/search/x",
    "/runs/crons/..",
    "/runs/crons/%2e%2e",
    "/runs/crons/a%2Fb",
    "/threads/x/runs/crons/",
    "/threads/x/runs%2Fcrons",
    "/threads/a%2Fb/runs/crons",
    "/threads//x/runs/crons",
    "/threads/../runs/crons",
    "/threads/x/runs/crons/join",
    "/graphcron%2Fv1/crons",
    "/graphcron/v1%2Fcrons",
    "/graphcron%252Fv1/crons",
    "/GraphCron/V1/crons",
    "//graphcron/v1/crons",
    "/graphcron//v1",
    "/x/../graphcron/v1/crons",
    "/graphcron/./v1/crons",
    "/graphcron\\v1\\crons",
    "/prefix/graphcron/v1/crons",
    "/graphcron/v1;x=1/crons",
    "/%67raphcron/v1/crons",
    "/graphcron/v1/crons/",
    "/graphcron/v1/crons/a%2Frun",
    "/graphcron/v1/crons/a/%72un",
    "/graphcron/v1/crons/../../../threads",
    "/graphcron/v1/crons/%2e%2e/run",
    "/graphcron/v1/crons/a/run/b/c",
    "/graphcron/v1/costs/",
    "/graphcron/v1/costs/a",
    "/graphcron/v1/%63osts",
    "/graphcron/v1/x",
]


class TestGuard:
    """No spelling of a cron endpoint goes through; `/runs%2Fcrons` and `/runs/crons%0A` work at LangGraph's server."""

    @pytest.mark.parametrize("path", TRICKS)
    async def test_odd_spellings_are_nobodys(self, client: Client, upstream: UpstreamFake, path: str) -> None:
        request = f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{{}}"
        answer = await raw(client.url, request.encode())
        assert answer.startswith(b"HTTP/1.1 404 ")
        assert answer.endswith(b'{"detail":"Not Found"}')
        assert upstream.seen == []

    @pytest.mark.parametrize("target", ["http://evil/runs/crons", "http://evil/info", "*", "runs/crons"])
    async def test_targets_that_are_no_path_do_not_go_through(
        self, client: Client, upstream: UpstreamFake, target: str
    ) -> None:
        answer = await raw(client.url, f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        assert answer.split()[1] in (b"400", b"404")
        assert upstream.seen == []

    async def test_a_method_in_a_header_does_not_count(self, client: Client, upstream: UpstreamFake) -> None:
        headers = {"X-HTTP-Method-Override": "POST"}
        assert (await client.call("GET", "/runs/crons", headers=headers))[0] == 405
        assert upstream.seen == []

    @pytest.mark.parametrize(
        ("path", "literal"),
        [
            ("/runs/crons", True),
            ("/runs/crons?x=/../", True),
            ("/runs/crons/search", True),
            ("/runs/crons/a%20b", True),
            ("/runs/crons/%7Bx%7D", True),
            ("/threads/x/runs/crons", True),
            *((path, False) for path in TRICKS),
        ],
    )
    def test_only_ids_may_be_encoded(self, path: str, literal: bool) -> None:
        assert reaches_crons(path)
        assert is_literal_cron_path(path) is literal

    @pytest.mark.parametrize(
        "path", ["/runs", "/runs/wait", "/threads/x/runs/y", "/crons/runs", "/runs-crons", "/x?p=/runs/crons", "/"]
    )
    def test_other_paths_are_free(self, path: str) -> None:
        assert not reaches_crons(path)


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("DELETE", "/threads/a", ("threads", "a")),
        ("DELETE", "/threads/a?x=1", ("threads", "a")),
        ("DELETE", "/threads%2Fa", ("threads", "a")),
        ("DELETE", "/assistants/%61", ("assistants", "a")),
        ("DELETE", "/threads/a/runs/b", None),
        ("DELETE", "/store/items", None),
        ("DELETE", "/x/../threads/a", None),
        ("POST", "/threads/a", None),
    ],
)
def test_what_a_request_deletes(method: str, path: str, expected: tuple[str, str] | None) -> None:
    assert deleted_by(method, path) == expected


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("POST", "/threads/prune", True),
        ("POST", "/threads%2Fprune?x=1", True),
        ("POST", "/threads/%70rune%0A", True),
        ("DELETE", "/threads/prune", False),
        ("POST", "/threads/prune/x", False),
        ("DELETE", "/assistants/a?delete_threads=true", True),
        ("DELETE", "/assistants/a?x=1&delete%5Fthreads=TRUE", True),
        ("DELETE", "/assistants/a", False),
        ("DELETE", "/threads/a?delete_threads=true", False),
    ],
)
def test_which_requests_may_delete_threads_that_they_do_not_name(method: str, path: str, expected: bool) -> None:
    assert deletes_other_threads(method, path) is expected
