"""Real firings: through all three doors, with the Agent Server away, and after an edit.

All crons of this file are made at once, before the minute turns, and each test looks at its own.
"""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient

from examples.demo import flow
from examples.demo.screen import Screen
from examples.demo.session import Session, curl, wait_for
from tests.e2e.conftest import no_operator
from tests.support.manifests import graphcron, service

pytestmark = pytest.mark.asyncio(loop_scope="module")

EVERY_MINUTE = "* * * * *"
BYTES_THAT_OTHERS_CHANGE = "$(HOME) $$(X) \"quotes\" 'single' \\ back\nnew line\t🌍 é \u2028 \u0085 \ufeff \x7f"
LARGE = BYTES_THAT_OTHERS_CHANGE * 1500
"""More than an environment variable may have: it goes by a file."""


class Made:
    """What the fixture made: names of crons by the door they came through."""

    by_kubectl: str
    by_sdk: tuple[str, str]
    by_curl: tuple[str, str]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(url: str) -> AsyncIterator[LangGraphClient]:
    async with get_client(url=url) as client:
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def made(session: Session, url: str, client: LangGraphClient) -> AsyncIterator[Made]:
    made, screen = Made(), Screen()
    made.by_kubectl = flow.through_kubectl(session, screen)
    made.by_sdk = await flow.through_the_sdk(client, url, screen)
    made.by_curl = flow.through_curl(url, screen)
    session.apply(
        service("agent-sometimes", {"app.kubernetes.io/name": "nobody"}),
        graphcron(
            "away",
            schedule=EVERY_MINUTE,
            input=flow.asking("are you there?"),
            server={"url": "http://agent-sometimes"},
            retryLimit=0,
            onRunCompleted="keep",
        ),
        graphcron("fails", schedule=EVERY_MINUTE, input={"fail": "out of ideas"}, retryLimit=0),
        graphcron("no-assistant", schedule=EVERY_MINUTE, assistantId="nobody"),
        graphcron("exact", schedule=EVERY_MINUTE, input=flow.asking(BYTES_THAT_OTHERS_CHANGE), onRunCompleted="keep"),
        graphcron("large", schedule=EVERY_MINUTE, input=flow.asking(LARGE), onRunCompleted="keep"),
        graphcron(
            "stuck",
            schedule=EVERY_MINUTE,
            concurrencyPolicy="Forbid",
            server={"url": "http://agent-server", "apiKeySecretRef": {"name": "missing", "key": "api-key"}},
        ),
        graphcron(
            "volumeless",
            schedule=EVERY_MINUTE,
            concurrencyPolicy="Forbid",
            inputFrom={"secretKeyRef": {"name": "missing", "key": "input"}},
        ),
        graphcron("surprise"),
    )
    yield made
    session.kubectl("delete", "service", "agent-sometimes")


async def test_every_door_leads_to_a_run_and_its_answer(session: Session, client: LangGraphClient, made: Made) -> None:
    kept = {
        made.by_kubectl: "What time is it?",
        made.by_sdk[0]: "hello from the SDK, on a thread",
        made.by_curl[0]: "hello from curl, on a thread",
        made.by_curl[1]: "hello from curl",
    }
    for name, asked in kept.items():
        firing = flow.firing_of(session, name)
        assert firing["outcome"] == "Succeeded", firing
        assert asked in await flow.answer_of(client, firing["threadId"])


async def test_a_stateless_thread_is_deleted_after_its_run(session: Session, url: str, made: Made) -> None:
    firing = flow.firing_of(session, made.by_sdk[1])
    assert firing["outcome"] == "Succeeded", firing
    answer = json.loads(curl(f"{url}/threads/{firing['threadId']}"))
    assert "not found" in answer["detail"]


@pytest.mark.parametrize(("name", "text"), [("exact", BYTES_THAT_OTHERS_CHANGE), ("large", LARGE)])
async def test_the_input_arrives_byte_for_byte(session: Session, url: str, made: Made, name: str, text: str) -> None:
    firing = flow.firing_of(session, name)
    answer = json.loads(curl(f"{url}/threads/{firing['threadId']}/state"))
    assert answer["values"]["messages"][0]["content"] == text


async def test_a_run_knows_its_cron(session: Session, url: str, made: Made) -> None:
    firing = flow.firing_of(session, made.by_curl[1])
    run = json.loads(curl(f"{url}/threads/{firing['threadId']}/runs/{firing['runId']}"))
    assert run["kwargs"]["config"]["configurable"]["cron_id"] == made.by_curl[1]


async def test_a_run_pod_has_no_token(session: Session, made: Made) -> None:
    flow.firing_of(session, made.by_kubectl)
    pods = session.get("pods", "-l", f"graphcron.dev/graphcron={made.by_kubectl}")
    assert pods
    for pod in pods:
        assert not [volume for volume in pod["spec"].get("volumes", []) if "projected" in volume], "no token is mounted"


async def test_a_failed_run_says_what_the_agent_said(session: Session, made: Made) -> None:
    firing = flow.firing_of(session, "fails")
    assert (firing["outcome"], firing["reason"]) == ("Failed", "RunError")
    assert "out of ideas" in firing["message"]


async def test_what_can_never_work_is_tried_once(session: Session, made: Made) -> None:
    firing = flow.firing_of(session, "no-assistant")
    assert (firing["outcome"], firing["reason"]) == ("Failed", "AssistantNotFound")
    pods = session.get("pods", "-l", f"batch.kubernetes.io/job-name={firing['jobName']}")
    assert len(pods) == 1


async def test_a_run_pod_that_cannot_start_says_what_is_missing(session: Session, made: Made) -> None:
    flow.firing_of(session, made.by_kubectl)
    session.kubectl("wait", "--for=condition=RunsStarting=False", "graphcron/stuck", "--timeout=30s")

    def condition() -> dict[str, Any]:
        found = (session.one("graphcron", "stuck") or {})["status"]["conditions"]
        return next(condition for condition in found if condition["type"] == "RunsStarting")

    assert condition()["reason"] == "CreateContainerConfigError"
    # A busy kubelet first says that it could not look for the Secret yet ("failed to sync secret cache").
    wait_for("the Secret's name", lambda: 'secret "missing" not found' in condition()["message"], 120)


async def test_with_the_agent_server_away_it_says_why_and_the_next_firing_works(
    session: Session, url: str, made: Made
) -> None:
    firing = flow.firing_of(session, "away")
    assert (firing["outcome"], firing["reason"]) == ("Failed", "AgentServerUnreachable")
    assert "agent-sometimes" in firing["message"]
    assert "AgentServerUnreachable" in session.kubectl("get", "graphcron", "away")
    job = session.one("job", firing["jobName"])
    assert job
    assert {condition["type"] for condition in job["status"]["conditions"]} >= {"Failed"}
    assert "AgentServerUnreachable" in session.kubectl("describe", "graphcron", "away").partition("Events:")[2]
    session.apply(service("agent-sometimes", {"app.kubernetes.io/name": "agent-server"}))

    def next_one() -> bool:
        return bool(flow.firing_of(session, "away")["outcome"] == "Succeeded")

    wait_for("the next firing of the cron whose server was away", next_one, 150)


async def test_an_edit_of_the_schedule_causes_no_run_of_a_slot_that_is_past(session: Session, made: Made) -> None:
    """Kubernetes would run the most recent slot of the new schedule at the next touch (kubernetes #130838)."""
    flow.firing_of(session, made.by_kubectl)  # so a minute has turned since the GraphCron was made
    created = datetime.fromisoformat((session.one("cronjob", "surprise") or {})["metadata"]["creationTimestamp"])
    now = datetime.now(UTC)
    assert now.replace(second=0, microsecond=0) > created, "a slot lies between creation and edit"
    session.kubectl(
        *("patch", "graphcron", "surprise", "--type=merge"),
        *("-p", json.dumps({"spec": {"schedule": f"{now.minute} * * * *"}})),
    )
    wait_for(
        "the edit to reach the CronJob",
        lambda: (session.one("cronjob", "surprise") or {})["spec"]["schedule"] == f"{now.minute} * * * *",
        20,
    )
    session.kubectl("annotate", "cronjob", "surprise", "touched=true")
    firing = flow.firing_of(session, "surprise")
    assert (firing["outcome"], firing["reason"]) == ("Skipped", "ScheduledBeforeChange")
    assert "runId" not in firing


async def test_firings_go_on_without_an_operator_which_tells_of_them_when_it_is_back(
    session: Session, made: Made
) -> None:
    name = made.by_kubectl
    with no_operator(session):
        known = flow.firing_of(session, name)["jobName"]

        def another() -> str | None:
            for job in session.get("jobs", "-l", f"graphcron.dev/graphcron={name}"):
                if job["metadata"]["name"] != known and job.get("status", {}).get("succeeded"):
                    return str(job["metadata"]["name"])
            return None

        fired = wait_for("a firing without the operator", another, 150)

    def told() -> bool:
        history = (session.one("graphcron", name) or {})["status"]["history"]
        return any(entry["jobName"] == fired and entry["outcome"] == "Succeeded" for entry in history)

    wait_for("the operator to tell of it", told, 30)


async def test_a_run_pod_whose_volume_is_not_there_says_where_to_look(session: Session, made: Made) -> None:
    session.kubectl("wait", "--for=condition=RunsStarting=False", "graphcron/volumeless", "--timeout=150s")
    found = (session.one("graphcron", "volumeless") or {})["status"]["conditions"]
    (condition,) = [condition for condition in found if condition["type"] == "RunsStarting"]
    assert condition["reason"] == "ContainerCreating"
    (ready,) = [condition for condition in found if condition["type"] == "Ready"]
    assert (ready["status"], ready["reason"]) == ("False", "NotStarting")
    pod = condition["message"].partition("kubectl describe pod ")[2].partition("'")[0]
    assert 'secret "missing" not found' in session.kubectl("describe", "pod", pod)


async def test_at_the_end_every_door_deletes_and_nothing_is_left(
    session: Session, client: LangGraphClient, url: str, made: Made
) -> None:
    names = [made.by_kubectl, *made.by_sdk, *made.by_curl]
    await flow.delete_all(session, client, url, Screen(), list(made.by_sdk), list(made.by_curl), made.by_kubectl)
    flow.gone(session, names)
    others = ["away", "fails", "no-assistant", "exact", "large", "stuck", "volumeless", "surprise"]
    session.kubectl("delete", "graphcrons", *others)
    flow.gone(session, others)
