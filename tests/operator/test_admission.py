"""The webhook's answer: what the operator would stall is refused in its words, and all else is let through."""

from datetime import timedelta
from typing import Any

import pytest

from graphcron.operator.admission import answer
from graphcron.operator.cronjob import Installation
from tests.support.cronjobs import INSTALLATION
from tests.support.in_pod_specs import IN_POD
from tests.support.world import World, at

HERE = Installation(INSTALLATION, timedelta(minutes=5))


def response(operation: str = "CREATE", status: object = None, **spec: Any) -> dict[str, Any]:
    graphcron = World(**spec).graphcron | ({"status": status} if status else {})
    review = {"request": {"uid": "of-the-request", "operation": operation, "object": graphcron}}
    whole = answer(review, HERE, at("10:05"))
    assert (whole["apiVersion"], whole["kind"]) == ("admission.k8s.io/v1", "AdmissionReview")
    found: dict[str, Any] = whole["response"]
    assert found["uid"] == "of-the-request"
    return found


REFUSED = {
    "a zone that is none": ({"timezone": "Mars/Olympus"}, "Invalid timezone: 'Mars/Olympus'."),
    "a day that never comes": ({"schedule": "0 0 31 2 *"}, "It never fires: no month that it names has such a day."),
    "plain days beside numbered ones": ({"schedule": "0 0 * * 5#2,1"}, "Days of the week are all numbered"),
    "a schedule that fires too often": ({"schedule": "* * * * *"}, "the limit is once in 5 minutes"),
    "an input that is too large": ({"input": "x" * 300_000}, "the run request is"),
    "an input twice": (
        {"input": 1, "inputFrom": {"secretKeyRef": {"name": "a", "key": "b"}}},
        "input and inputFrom exclude each other",
    ),
    "a placeholder that is none": (
        {"input": {"a": ["{{yesterday}}"]}, "renderInput": True},
        "spec: input.a.0 has a placeholder that renderInput does not know: there are {{scheduledTime}}",
    ),
    "an image that may not run": (IN_POD, "engine inPod is off here"),
}


@pytest.mark.parametrize(("spec", "sentence"), REFUSED.values(), ids=REFUSED)
def test_what_the_operator_would_stall_is_refused_in_its_words(spec: dict[str, Any], sentence: str) -> None:
    refused = response(**spec)
    assert not refused["allowed"]
    assert sentence in refused["status"]["message"]
    world = World(**spec)
    world.run_pods, world.least = INSTALLATION, timedelta(minutes=5)
    world.reconcile("10:05")
    assert world.condition("Ready")["message"] == refused["status"]["message"]


@pytest.mark.parametrize(
    "spec",
    [{}, {"enabled": False}, {"endTime": "2020-01-01T00:00:00Z"}, {"startTime": "2027-01-01T00:00:00Z"}],
    ids=["scheduled", "paused", "expired", "not started"],
)
def test_what_is_ready_is_let_through(spec: dict[str, Any]) -> None:
    assert response(**spec) == {"uid": "of-the-request", "allowed": True}


def test_an_edit_after_failures_is_judged_for_itself() -> None:
    failed = {"observedGeneration": 1, "consecutiveFailures": 9}
    assert response("UPDATE", status=failed, maxFailures=1)["allowed"]
