"""What commands ask of a LangGraph server: its crons, and one run."""

import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from graphcron.commands.cluster import Failed
from graphcron.kube.resources import Manifest

TIMEOUT_SECONDS = 30
PAGE = 1000
"""Crons of one search: the most that LangGraph's server gives."""
CRONS_LIMIT = 100_000
"""After so many crons a server that ignores the offset is not asked again."""
ANSWER_LIMIT = 64 * 1024 * 1024
"""Bytes of one answer."""


def crons(url: str, key: str | None) -> list[dict[str, Any]]:
    """All crons of a server, the oldest first. Raises Failed."""
    found: list[dict[str, Any]] = []
    while len(found) < CRONS_LIMIT:
        query = {"limit": PAGE, "offset": len(found), "sort_by": "created_at", "sort_order": "asc"}
        page = _ask(url, key, "/runs/crons/search", query)
        if not isinstance(page, list):
            raise Failed(f"{url} is no LangGraph server: its search of crons answers with no list")
        found += page
        if len(page) < PAGE:
            return found
    raise Failed(f"{url} has more than {CRONS_LIMIT} crons, or ignores the offset of a search")


def run(url: str, key: str | None, entry: Manifest | None) -> Any:
    """The run of a firing as the server has it. Raises Failed, also when its ids are unknown."""
    run_id, thread_id = (entry or {}).get("runId"), (entry or {}).get("threadId")
    if not run_id or not thread_id:
        raise Failed("the run of this firing is unknown: the history has no run id of it")
    gone = f"{url} has no run {run_id} any more: with onRunCompleted 'delete' its thread is deleted when it is over"
    return _ask(url, key, f"/threads/{thread_id}/runs/{run_id}", missing=gone)


def entry_of(graphcron: Manifest, job: str | None) -> Manifest | None:
    """The history entry of a Job, None for the newest that has one: a missed firing has none."""
    history: list[Manifest] = (graphcron.get("status") or {}).get("history", [])
    return next((entry for entry in history if (name := entry.get("jobName")) and job in (None, name)), None)


def _ask(url: str, key: str | None, path: str, body: object = None, missing: str = "") -> Any:
    """`missing` is what an answer 404 means."""
    if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
        raise Failed(f"{url!r} is no http(s) URL")
    headers = {"Content-Type": "application/json"} | ({"x-api-key": key} if key else {})
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url.rstrip("/") + path, data, headers)  # noqa: S310  the scheme is checked
    try:
        with _OPENER.open(request, timeout=TIMEOUT_SECONDS) as answer:
            return json.loads(answer.read(ANSWER_LIMIT))
    except urllib.error.HTTPError as error:
        with error:  # it is the connection, too
            said = error.read(500).decode(errors="replace").strip()
        if error.code == 404 and missing:
            raise Failed(f"{missing} ({said})") from None
        raise Failed(f"{url} answered {error.code} to {path}: {said or error.reason}") from None
    except (OSError, ValueError) as error:
        raise Failed(f"{url} cannot be read: {getattr(error, 'reason', None) or error}") from None


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A key goes to the host that was named, and to no other."""

    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirects)
