"""What commands ask of a LangGraph server, on a real socket."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from graphcron.commands.cluster import Failed
from graphcron.commands.server import PAGE, crons, entry_of, run


class Server:
    """Answers searches of crons from a list, and anything else with `answer`."""

    def __init__(self) -> None:
        self.crons: list[dict[str, Any]] = []
        self.answer: tuple[int, dict[str, str], bytes] | None = None
        self.keys: list[str | None] = []

    @contextmanager
    def listening(self) -> Iterator[str]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                query = json.loads(self.rfile.read(int(self.headers["content-length"])))
                self.reply(server.crons[query["offset"] :][: query["limit"]])

            def do_GET(self) -> None:
                self.reply({"path": self.path})

            def reply(self, value: Any) -> None:
                server.keys.append(self.headers["x-api-key"])
                status, headers, body = server.answer or (200, {}, json.dumps(value).encode())
                self.send_response(status)
                for name, text in headers.items():
                    self.send_header(name, text)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
            thread = threading.Thread(target=http.serve_forever)
            thread.start()
            try:
                yield f"http://127.0.0.1:{http.server_address[1]}"
            finally:
                http.shutdown()
                thread.join()


def test_all_pages_are_read_with_the_key() -> None:
    server = Server()
    server.crons = [{"cron_id": str(number)} for number in range(PAGE + 5)]
    with server.listening() as url:
        assert crons(f"{url}/", "s3cret") == server.crons
    assert server.keys == ["s3cret", "s3cret"]


def test_a_run_is_asked_for_by_the_ids_of_its_firing() -> None:
    with Server().listening() as url:
        assert run(url, None, {"runId": "r", "threadId": "t"}) == {"path": "/threads/t/runs/r"}


def test_a_run_whose_thread_was_deleted_is_told_so() -> None:
    server = Server()
    server.answer = (404, {}, b'{"detail": "Thread with ID t not found"}')
    with server.listening() as url, pytest.raises(Failed, match="has no run r any more: with onRunCompleted 'delete'"):
        run(url, None, {"runId": "r", "threadId": "t"})


def test_a_firing_without_a_run_has_none_to_ask_for() -> None:
    with pytest.raises(Failed, match="run id"):
        run("http://127.0.0.1:1", None, {"runId": None})


def test_the_entry_of_a_job_is_found_in_the_history() -> None:
    entries = [{"jobName": "b"}, {"jobName": "a"}]
    assert entry_of({"status": {"history": entries}}, "a") == {"jobName": "a"}
    assert entry_of({}, "a") is None


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((403, {}, b'{"detail":"no"}'), 'answered 403 to /runs/crons/search: {"detail":"no"}'),
        ((200, {}, b'{"crons": []}'), "is no LangGraph server"),
        ((200, {}, b"<html>"), "cannot be read"),
        ((302, {"Location": "http://127.0.0.1:1/elsewhere"}, b""), "answered 302"),
    ],
)
def test_what_is_no_list_of_crons_is_one_sentence(answer: tuple[int, dict[str, str], bytes], words: str) -> None:
    """A redirect is not followed: the key is for the host that was named."""
    server = Server()
    server.answer = answer
    with server.listening() as url, pytest.raises(Failed) as failed:
        crons(url, "s3cret")
    assert words in str(failed.value)
    assert len(server.keys) == 1


def test_a_server_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(Failed, match=r"http://127\.0\.0\.1:1 cannot be read: .*refused"):
        crons("http://127.0.0.1:1", None)


def test_a_file_is_no_server() -> None:
    with pytest.raises(Failed, match="no http"):
        crons("file:///etc", None)
