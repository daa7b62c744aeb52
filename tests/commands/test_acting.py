"""The commands that change a GraphCron, on a cluster that is nothing but what they write."""

from typing import Any

import pytest

from graphcron.commands.app import main
from graphcron.commands.cluster import Failed, Place


class Written:
    """Stands in for the cluster's one GraphCron; its status answers each request as it is told to."""

    def __init__(self, **spec: Any) -> None:
        self.spec: dict[str, Any] = spec
        self.patches: list[dict[str, Any]] = []
        self.answer: dict[str, Any] = {"outcome": "Started", "jobName": "report-r1"}

    def graphcron(self, _: Place, name: str) -> dict[str, Any]:
        if name != "report":
            raise Failed(f"no {name}")
        annotations = self.patches[-1].get("metadata", {}).get("annotations", {}) if self.patches else {}
        request = {"token": annotations.get("graphcron.dev/run-requested", "")} | self.answer
        status = {"observedGeneration": 1, "lastRequest": request}
        metadata = {"name": name, "uid": "u", "resourceVersion": "1", "annotations": annotations}
        return {"metadata": metadata, "spec": self.spec, "status": status}

    def patch(self, place: Place, name: str, body: dict[str, Any]) -> None:
        self.graphcron(place, name)
        self.patches.append(body)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Written:
    written = Written()
    monkeypatch.setattr(Place, "graphcron", lambda *asked: written.graphcron(*asked))
    monkeypatch.setattr(Place, "patch", lambda *asked: written.patch(*asked))
    return written


def test_each_run_has_a_token_of_its_own(written: Written, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "report"]) == main(["run", "report"]) == 0
    assert capsys.readouterr().out == "job report-r1 is created\n" * 2
    first, second = (patch["metadata"]["annotations"]["graphcron.dev/run-requested"] for patch in written.patches)
    assert first != second


@pytest.mark.parametrize(("outcome", "code"), [("Succeeded", 0), ("Failed", 1)])
def test_to_wait_is_to_end_as_the_run_does(written: Written, outcome: str, code: int) -> None:
    written.answer |= {"outcome": outcome, "reason": "Because"}
    assert main(["run", "report", "--wait"]) == code


def test_a_refusal_says_why(written: Written, capsys: pytest.CaptureFixture[str]) -> None:
    written.answer = {"outcome": "Refused", "reason": "StillRunning", "message": "Job a is still running."}
    assert main(["run", "report"]) == 1
    assert capsys.readouterr().err == "graphcron: refused: Job a is still running. (StillRunning)\n"


def test_a_pause_writes_its_reason(written: Written) -> None:
    assert main(["pause", "report", "--reason", "a fair"]) == 0
    assert written.patches == [{"spec": {"enabled": False, "pauseReason": "a fair"}}]


def test_a_pause_of_what_is_paused_needs_a_reason_to_change_it(
    written: Written, capsys: pytest.CaptureFixture[str]
) -> None:
    written.spec = {"enabled": False, "pauseReason": "a fair"}
    assert main(["pause", "report"]) == 0
    assert (written.patches, capsys.readouterr().out) == ([], "graphcron report is paused already: a fair\n")
    assert main(["pause", "report", "--reason", "another"]) == 0
    assert written.patches == [{"spec": {"enabled": False, "pauseReason": "another"}}]


def test_to_resume_enables_what_is_paused(written: Written) -> None:
    written.spec = {"enabled": False}
    assert main(["resume", "report"]) == 0
    assert written.patches[0]["spec"] == {"enabled": True, "pauseReason": None}


def test_a_name_that_is_none_changes_nothing(written: Written) -> None:
    assert [main([command, "typo"]) for command in ("run", "pause", "resume")] == [1, 1, 1]
    assert written.patches == []
