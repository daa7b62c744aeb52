"""Requests to run a GraphCron now, and waits for what becomes of it, as its status records it."""

import time
from typing import NamedTuple

from graphcron.commands.cluster import Failed, Overtaken, Place
from graphcron.kube.resources import Manifest
from graphcron.resource.identity import requested_job_name
from graphcron.views import actions

ANSWER_SECONDS = 30
"""How long an operator that works takes at most to answer a request."""
POLL_SECONDS = 1.0


class Answer(NamedTuple):
    """What the status says of a request."""

    outcome: str
    job: str | None
    reason: str | None
    message: str | None

    @property
    def is_over(self) -> bool:
        return self.outcome != "Started"


def request(place: Place, name: str, token: str, seconds: float) -> None:
    """Requests a run, once every earlier request is recorded. Raises Failed after so many seconds."""
    ends = time.monotonic() + seconds
    while True:
        try:
            place.patch(name, actions.run_now(place.graphcron(name), token))
            return
        except Overtaken as overtaken:
            because = str(overtaken)
        except actions.NotYet as waits:
            because = str(waits)
        if time.monotonic() > ends:
            raise Failed(
                f"nothing was requested: {because}. 'graphcron explain {name}' says whether an operator works."
            )
        time.sleep(POLL_SECONDS)


def answer_to(graphcron: Manifest, token: str) -> Answer | None:
    """The answer to that request; None until the operator has seen it, or when it has answered others since, and the
    run of this one goes on."""
    status = graphcron.get("status") or {}
    last = status.get("lastRequest") or {}
    if last.get("token") != token:
        job = requested_job_name(graphcron["metadata"], token)
        last = next((entry for entry in status.get("history", []) if entry.get("jobName") == job), None)
    return Answer(last["outcome"], last.get("jobName"), last.get("reason"), last.get("message")) if last else None


def follow(place: Place, name: str, token: str, *, to_the_end: bool, seconds: float) -> Answer:
    """Waits for the answer, and with `to_the_end` for the outcome of the run. Raises Failed after so many seconds."""
    ends, answer = time.monotonic() + seconds, None
    while time.monotonic() < ends:
        graphcron = place.graphcron(name)
        answer = answer_to(graphcron, token) or answer or _before_others(place, graphcron, token)
        if answer and (answer.is_over or not to_the_end):
            return answer
        time.sleep(POLL_SECONDS)
    if answer:
        raise Failed(
            f"Job {answer.job} has not ended within {seconds:.0f} s; it goes on. 'graphcron get {name}' shows it."
        )
    raise Failed(
        f"no operator has answered within {seconds:.0f} s. The request stays, and is carried out when one works: "
        f"'graphcron explain {name}' says why none does."
    )


def _before_others(place: Place, graphcron: Manifest, token: str) -> Answer | None:
    """The answer to a request that was recorded and has made room for a later one, None for the newest request."""
    if actions.requested_run(graphcron) == token:
        return None
    job = requested_job_name(graphcron["metadata"], token)
    if not place.has_job(job):
        name = graphcron["metadata"]["name"]
        raise Failed(
            f"others have requested runs since, and of this request there is no Job: it was refused, or is over. "
            f"'graphcron history {name} -o wide' shows Job {job} if it ran."
        )
    return Answer("Started", job, None, None)
