"""The update of a cron: what a PATCH makes of it, and that it sends nothing it only read."""

import copy
import json
from typing import Any

import pytest

from graphcron.facade import schemas, translation
from graphcron.facade.errors import RestError
from graphcron.facade.schemas import CronPatch
from graphcron.facade.update import update
from graphcron.kube.json_patch import DoesNotApply, apply
from graphcron.resource.identity import RESUME_REQUESTED
from tests.support.rest_crons import FULL, ID, NOW, kubectl_made, made, patched


class TestPatch:
    def test_replaces_what_is_given_and_keeps_the_rest(self) -> None:
        before = made(FULL)
        after = patched(before, {"schedule": "0 0 * * *", "input": {"new": 1}, "context": {"other": 1}})
        assert after["spec"] == before["spec"] | {
            "schedule": "0 0 * * *",
            "input": {"new": 1},
            "context": {"other": 1},
        }

    def test_metadata_merges_and_config_does_not(self) -> None:
        after = translation.cron(patched(made(FULL), {"metadata": {"b": 2}, "config": {"tags": ["y"]}}), NOW)
        assert after["metadata"] == {"owner": "ada", "b": 2}
        assert after["payload"]["config"] == {"tags": ["y"], "configurable": {"cron_id": ID}}

    def test_null_clears_the_end_time_and_nothing_else(self) -> None:
        assert "endTime" not in patched(made(FULL), {"end_time": None})["spec"]
        with pytest.raises(RestError, match="input must be"):
            patched(made(FULL), {"input": None})

    def test_marks_the_time(self) -> None:
        after = patched(kubectl_made({}), {"enabled": False})
        assert translation.cron(after, NOW)["updated_at"] == "2026-11-22T19:25:15.114218+00:00"
        assert translation.cron(after, NOW)["created_at"] == "2026-11-01T08:00:00.000000+00:00"

    def test_enabling_forgets_why_it_was_paused(self) -> None:
        paused = kubectl_made({"enabled": False, "pauseReason": "costs"})
        assert "pauseReason" not in patched(paused, {"enabled": True})["spec"]
        assert patched(paused, {"schedule": "0 0 * * *"})["spec"]["pauseReason"] == "costs"

    def test_enabling_what_max_failures_has_suspended_requests_its_resumption(self) -> None:
        """Also when it was enabled all the time, and each time anew."""
        suspended = kubectl_made({"maxFailures": 2, "enabled": True}, annotations={RESUME_REQUESTED: "before"})
        suspended["status"] = {"enabled": False, "lastResume": "before"}
        resumed = patched(suspended, {"enabled": True})
        assert resumed["metadata"]["annotations"][RESUME_REQUESTED] == "2026-11-22T19:25:15.114218Z"
        assert resumed["spec"] == suspended["spec"], "nothing that Git would revert"
        assert translation.next_run_date(resumed, NOW) is not None
        assert patched(suspended, {"metadata": {"a": 1}})["metadata"]["annotations"][RESUME_REQUESTED] == "before"

    @pytest.mark.parametrize(
        ("spec", "status"), [({}, {"enabled": True}), ({}, None), ({"enabled": False}, {"enabled": False})]
    )
    def test_enabling_what_fires_or_is_paused_counts_its_failures_on(
        self, spec: dict[str, Any], status: dict[str, Any] | None
    ) -> None:
        """A client that enables it each time that it changes something would switch maxFailures off."""
        cron = kubectl_made({"maxFailures": 2} | spec) | ({"status": status} if status else {})
        assert RESUME_REQUESTED not in patched(cron, {"enabled": True})["metadata"]["annotations"]

    def test_enabling_notices_that_it_was_suspended_at_that_moment(self) -> None:
        fires = kubectl_made({"maxFailures": 2}) | {"status": {"enabled": True}}
        asked = update(fires, schemas.read(CronPatch, {"enabled": True}), NOW)
        with pytest.raises(DoesNotApply, match="/status/enabled"):
            apply(asked.operations, fires | {"status": {"enabled": False}})

    def test_pausing_works_whatever_else_is_wrong_and_nothing_else_does(self) -> None:
        """It may be older than a rule of this version."""
        wrong = kubectl_made({"template": {"labels": {"job-name": "x"}}})
        assert patched(wrong, {"enabled": False})["spec"]["enabled"] is False
        for change in ({"enabled": True}, {"enabled": False, "metadata": {}}, {"schedule": "0 0 * * *"}):
            with pytest.raises(RestError, match=r"spec\.template\.labels: "):
                patched(wrong, change)

    def test_fields_of_a_newer_version_keep_no_update_out_and_stay(self) -> None:
        """During an upgrade the CRD is the first to be new."""
        newer = kubectl_made({"renewed": {"a": 1}, "template": {"labels": {"team": "a"}, "renewed": True}})
        after = patched(newer, {"schedule": "0 0 * * *", "metadata": {"graphcron.dev/retryLimit": 1}})
        assert after["spec"] == newer["spec"] | {"schedule": "0 0 * * *", "retryLimit": 1}
        with pytest.raises(RestError, match=r"^spec\.template\.labels: "):
            patched(kubectl_made({"renewed": 1, "template": {"labels": {"job-name": "x"}}}), {"schedule": "0 0 * * *"})

    def test_does_not_touch_its_argument(self) -> None:
        before = made(FULL)
        copied = copy.deepcopy(before)
        patched(before, {"metadata": {"b": 2}, "enabled": False, "end_time": None})
        assert before == copied

    @pytest.mark.parametrize(
        ("field", "said"), [("assistant_id", "cannot change"), ("thread_id", "cannot change"), ("cron_id", "cannot be")]
    )
    def test_what_a_cron_is_about_cannot_change(self, field: str, said: str) -> None:
        with pytest.raises(RestError, match=f"'{field}' {said}"):
            patched(made(FULL), {field: "x"})


def test_an_update_leaves_what_was_read_alone_and_sends_nothing_of_it() -> None:
    """It may have been cut when it was read (jsontext.py), and be older than what is there."""
    deep: dict[str, Any] = {}
    for _ in range(300):
        deep = {"a": deep}
    read = kubectl_made({"schedule": "0 0 1 1 *", "assistantId": "agent", "input": deep, "metadata": {"a": 1}})
    read["metadata"]["managedFields"] = [{"manager": "kubectl"}]
    before = json.dumps(read)
    with pytest.raises(RestError, match=r"^spec\.input: nested deeper than 250 levels$"):
        patched(read, {"enabled": False})
    asked = update(read, schemas.read(CronPatch, {"input": {}, "metadata": {"b": 2}}), NOW)
    assert asked.draft.manifest["spec"]["metadata"] == {"a": 1, "b": 2}
    marked = {"graphcron.dev/updated-at": "2026-11-22T19:25:15.114218+00:00"}
    assert asked.operations == [
        {"op": "add", "path": "/spec/input", "value": {}},
        {"op": "add", "path": "/spec/metadata/b", "value": 2},
        {"op": "test", "path": "/spec/inputFrom", "value": None},
        {"op": "test", "path": "/metadata/annotations", "value": None},
        {"op": "add", "path": "/metadata/annotations", "value": marked},
    ]
    assert json.dumps(read) == before
