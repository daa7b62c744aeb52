"""The facade on the real apiserver: one truth for both doors, and clear errors."""

import json
from typing import Any

import pytest

from examples.demo.session import Session, curl, wait_for
from tests.support.manifests import graphcron, ready

CRON = {"assistant_id": "agent", "schedule": "0 0 1 1 *", "input": {"messages": []}}


def call(method: str, url: str, body: Any = None) -> tuple[int, Any]:
    """HTTP status and decoded body."""
    data = ["-d", body if isinstance(body, str) else json.dumps(body)] if body is not None else []
    text, _, status = curl("-X", method, url, *data, "-w", "\n%{http_code}").rpartition("\n")
    return int(status), json.loads(text) if text else None


def test_what_rest_makes_kubectl_shows_and_the_other_way_round(session: Session, url: str) -> None:
    status, made = call("POST", f"{url}/runs/crons", CRON | {"timezone": "Asia/Tokyo", "metadata": {"team": "blue"}})
    assert status == 200
    identity = made["cron_id"]
    ready(session, identity)
    spec = (session.one("graphcron", identity) or {})["spec"]
    assert (spec["schedule"], spec["timezone"], spec["metadata"]) == ("0 0 1 1 *", "Asia/Tokyo", {"team": "blue"})
    session.apply(graphcron("by-kubectl", schedule="5 4 * * *"))
    uid = (session.one("graphcron", "by-kubectl") or {})["metadata"]["uid"]
    status, seen = call("GET", f"{url}/runs/crons/{uid}")
    assert (status, seen["schedule"]) == (200, "5 4 * * *")
    status, found = call("POST", f"{url}/runs/crons/search", {"limit": 1000})
    assert status == 200
    assert {identity, uid} <= {cron["cron_id"] for cron in found}
    assert call("DELETE", f"{url}/runs/crons/{uid}") == (204, None)
    assert call("DELETE", f"{url}/runs/crons/{identity}") == (204, None)
    assert call("DELETE", f"{url}/runs/crons/{identity}")[0] == 404
    wait_for("both to be gone", lambda: not {identity, "by-kubectl"} & names(session), 10)


def names(session: Session) -> set[str]:
    return {item["metadata"]["name"] for item in session.get("graphcrons")}


def test_a_change_by_rest_reaches_the_cronjob(session: Session, url: str) -> None:
    identity = call("POST", f"{url}/runs/crons", CRON)[1]["cron_id"]
    ready(session, identity)
    assert call("PATCH", f"{url}/runs/crons/{identity}", {"enabled": False})[0] == 200
    wait_for("the CronJob to pause", lambda: (session.one("cronjob", identity) or {})["spec"]["suspend"], 10)
    assert call("DELETE", f"{url}/runs/crons/{identity}")[0] == 204


REFUSED: dict[str, tuple[Any, int, str]] = {
    "a schedule of one word": (CRON | {"schedule": "banana"}, 422, "Invalid cron schedule: 'banana'"),
    "an unknown zone": (CRON | {"timezone": "Mars/Phobos"}, 422, "Invalid timezone: 'Mars/Phobos'"),
    "no schedule": ({"assistant_id": "agent"}, 422, "schedule"),
    "an unknown field": (CRON | {"time_zone": "UTC"}, 422, "time_zone"),
    "no JSON": ("nope", 422, "Invalid JSON in request body"),
    "an unknown assistant": (CRON | {"assistant_id": "nobody"}, 404, "Assistant 'nobody' not found"),
    "an input too large for a run pod": (CRON | {"input": {"text": "x" * 300_000}}, 422, "inputFrom"),
}


@pytest.mark.parametrize(("body", "status", "sentence"), REFUSED.values(), ids=REFUSED)
def test_rest_refuses_with_one_sentence_and_makes_nothing(
    session: Session, url: str, body: Any, status: int, sentence: str, tmp_path: Any
) -> None:
    before = names(session)
    file = tmp_path / "body"
    file.write_text(body if isinstance(body, str) else json.dumps(body))
    got, answer = call("POST", f"{url}/runs/crons", f"@{file}")
    assert got == status
    assert sentence in answer["detail"]
    assert "Traceback" not in answer["detail"]
    assert names(session) == before


def test_a_thread_that_is_none_gets_no_cron(session: Session, url: str) -> None:
    thread = "6ba7b821-9dad-11d1-80b4-00c04fd430c8"
    status, answer = call("POST", f"{url}/threads/{thread}/runs/crons", CRON)
    assert status == 404
    assert thread in answer["detail"]


def test_all_else_goes_to_the_agent_server(url: str) -> None:
    assert call("GET", f"{url}/ok") == (200, {"ok": True, "services": {}})
    status, found = call("POST", f"{url}/assistants/search", {"limit": 1})
    assert status == 200
    assert found[0]["graph_id"] == "agent"
