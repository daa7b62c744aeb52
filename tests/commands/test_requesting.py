"""A command waits for what becomes of its request, and says so when nothing does."""

from typing import Any, cast

import pytest

from graphcron.commands import requesting
from graphcron.commands.cluster import Failed, Overtaken, Place
from graphcron.commands.requesting import Answer, answer_to, follow, request
from graphcron.resource.identity import requested_job_name

STARTED = {"token": "one", "outcome": "Started", "jobName": "report-r1"}
REFUSED = {"token": "one", "outcome": "Refused", "reason": "StillRunning", "message": "Job a runs."}
ENDED = STARTED | {"outcome": "Succeeded", "reason": "RunSucceeded"}


def having(last: dict[str, Any] | None, newest: str = "one") -> dict[str, Any]:
    """`newest` is the token of the newest request."""
    metadata = {"name": "report", "uid": "u", "annotations": {"graphcron.dev/run-requested": newest}}
    return {"metadata": metadata} | ({"status": {"lastRequest": last}} if last else {})


class Statuses:
    """A place where the GraphCron has these last requests, one after the other; the last one stays."""

    def __init__(self, *lasts: dict[str, Any] | None) -> None:
        self.lasts = list(lasts)

    def graphcron(self, name: str) -> dict[str, Any]:
        assert name == "report"
        return having(self.lasts.pop(0) if len(self.lasts) > 1 else self.lasts[0])


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requesting, "POLL_SECONDS", 0)


def waited(*lasts: dict[str, Any] | None, to_the_end: bool = False, seconds: float = 10) -> Answer:
    return follow(cast("Place", Statuses(*lasts)), "report", "one", to_the_end=to_the_end, seconds=seconds)


def test_an_answer_is_that_to_the_same_token() -> None:
    assert answer_to(having(REFUSED), "one") == Answer("Refused", None, "StillRunning", "Job a runs.")
    assert answer_to(having(REFUSED), "two") is None


@pytest.mark.parametrize("graphcron", [{}, {"status": None}, {"status": {}}, {"status": {"lastRequest": None}}])
def test_until_an_operator_has_seen_it_there_is_none(graphcron: dict[str, Any]) -> None:
    assert answer_to(having(None) | graphcron, "one") is None


JOB = requested_job_name({"name": "report", "uid": "u"}, "one")


class Overtaking:
    """A place where another request came right after this one was recorded. `job` is whether this one's is there."""

    def __init__(self, *, job: bool, history: list[list[dict[str, Any]]]) -> None:
        self.job, self.history = job, history

    def graphcron(self, name: str) -> dict[str, Any]:
        found = having(STARTED | {"token": "two"}, newest="two")
        found["status"]["history"] = self.history.pop(0) if len(self.history) > 1 else self.history[0]
        return found

    def has_job(self, name: str) -> bool:
        assert name == JOB
        return self.job


def test_a_request_that_made_room_for_another_is_answered_by_its_job_and_then_by_the_history() -> None:
    ended = [{"jobName": "report-another", "outcome": "Failed", "reason": "RunError"}]
    ended += [{"jobName": JOB, "outcome": "Succeeded", "reason": "RunSucceeded"}]
    place: Any = Overtaking(job=True, history=[[], ended])
    assert follow(place, "report", "one", to_the_end=False, seconds=10) == Answer("Started", JOB, None, None)
    assert follow(place, "report", "one", to_the_end=True, seconds=10).outcome == "Succeeded"


def test_one_that_made_room_and_has_no_job_is_not_waited_for() -> None:
    place: Any = Overtaking(job=False, history=[[]])
    with pytest.raises(Failed, match=rf"others have requested runs since, .* Job {JOB} if it ran"):
        follow(place, "report", "one", to_the_end=False, seconds=10)


def test_only_a_run_that_goes_on_is_not_over() -> None:
    assert [Answer(outcome, None, None, None).is_over for outcome in ("Started", "Refused", "Failed")] == [
        False,
        True,
        True,
    ]


def test_it_waits_for_its_own_answer_and_no_longer() -> None:
    assert waited(None, STARTED | {"token": "an earlier one"}, STARTED, ENDED).outcome == "Started"


def test_to_the_end_it_waits_for_the_outcome() -> None:
    assert waited(None, STARTED, STARTED, ENDED, to_the_end=True).reason == "RunSucceeded"


def test_a_refusal_is_the_end() -> None:
    assert waited(REFUSED, ENDED, to_the_end=True).outcome == "Refused"


def test_when_nobody_answers_it_says_that_the_request_stays() -> None:
    with pytest.raises(Failed, match=r"^no operator has answered within 0 s\. The request stays, .*explain report'"):
        waited(None, seconds=0.2)


def test_a_run_that_lasts_longer_goes_on_and_is_named() -> None:
    with pytest.raises(Failed, match=r"^Job report-r1 has not ended within 0 s; it goes on\. 'graphcron get report'"):
        waited(STARTED, to_the_end=True, seconds=0.2)


class Requests(Statuses):
    """A place whose GraphCron has the annotation `before`, and is patched only where it is as it was read."""

    def __init__(self, before: str, *lasts: dict[str, Any] | None, overtaken: int = 0) -> None:
        super().__init__(*lasts)
        self.before, self.overtaken = before, overtaken
        self.patched: list[dict[str, Any]] = []

    def graphcron(self, name: str) -> dict[str, Any]:
        found = super().graphcron(name)
        metadata = {"resourceVersion": "7", "annotations": {"graphcron.dev/run-requested": self.before}}
        return {"metadata": metadata, "status": found.get("status", {}) | {"observedGeneration": 1}}

    def patch(self, name: str, body: dict[str, Any]) -> None:
        if self.overtaken:
            self.overtaken -= 1
            raise Overtaken("the object has been modified")
        self.patched.append(body)


def test_a_request_waits_until_the_one_before_it_is_recorded() -> None:
    """The annotation holds one token: it would take the place of one that the operator has not read."""
    place = Requests("one", None, None, STARTED, overtaken=1)
    request(cast("Place", place), "report", "two", 10)
    (body,) = place.patched
    annotations = {"graphcron.dev/run-requested": "two"}
    assert body == {"metadata": {"resourceVersion": "7", "annotations": annotations}}
    assert (place.overtaken, len(place.lasts)) == (0, 1)


def test_where_no_operator_works_nothing_more_is_requested() -> None:
    place = Requests("one", None)
    with pytest.raises(Failed, match=r"nothing was requested: the operator has not carried out .* one"):
        request(cast("Place", place), "report", "two", 0.01)
    assert place.patched == []
