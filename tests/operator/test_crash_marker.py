"""A GraphCron on which the operator's process dies does not keep it from the others, across restarts too."""

import asyncio
import json
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import unused_port

from graphcron.operator.crash_marker import CrashMarker
from graphcron.operator.quarantine import DELAYS, REMEMBERED, Suspect
from tests.support.apiserver_fake import FakeApiserver
from tests.support.mortal_operator import DEADLY
from tests.support.operator_process import Operator, operator_by
from tests.support.until import until

NOW = datetime(2026, 12, 1, 10, 5, tzinfo=UTC)
WORK = Suspect("team", "hello", "uid-1", 3)


def died(folder: Path, work: Suspect, now: datetime = NOW) -> CrashMarker:
    """The marker of the process after one that died over that work."""
    unfinished = CrashMarker(folder, now).working_on(work)
    unfinished.__enter__()
    return CrashMarker(folder, now)


class TestMarker:
    def test_after_a_death_it_is_left_alone_for_a_minute(self, tmp_path: Path) -> None:
        marker = died(tmp_path, WORK)
        suspect = marker.postponed("uid-1", 3, NOW)
        assert suspect
        assert suspect.until == NOW + timedelta(minutes=1)
        assert "The operator died once while it worked on this GraphCron" in suspect.message
        assert "2026-12-01T10:06:00Z" in suspect.message
        assert marker.number(NOW) == 1
        assert marker.postponed("uid-1", 3, NOW + timedelta(minutes=1)) is None
        assert marker.number(NOW + timedelta(minutes=1)) == 0

    def test_each_further_death_takes_longer_up_to_a_day(self, tmp_path: Path) -> None:
        for delay in (*DELAYS, DELAYS[-1]):
            suspect = died(tmp_path, WORK).postponed("uid-1", 3, NOW)
            assert suspect
            assert suspect.until == NOW + delay

    def test_an_edited_one_and_a_namesake_are_tried_at_once(self, tmp_path: Path) -> None:
        marker = died(tmp_path, WORK)
        assert marker.postponed("uid-1", 4, NOW) is None
        assert marker.postponed("uid-2", 3, NOW) is None
        again = died(tmp_path, Suspect("team", "hello", "uid-1", 4)).postponed("uid-1", 4, NOW)
        assert again
        assert again.deaths == 1

    def test_what_ended_in_peace_is_no_suspect(self, tmp_path: Path) -> None:
        marker = CrashMarker(tmp_path, NOW)
        with marker.working_on(Suspect("team", "a" * 60, "uid-9", 1)):
            pass
        with pytest.raises(ValueError, match="an error is no death"), marker.working_on(WORK):
            raise ValueError("an error is no death")
        assert CrashMarker(tmp_path, NOW).suspects == {}

    def test_what_was_survived_is_forgotten(self, tmp_path: Path) -> None:
        died(tmp_path, WORK).survived("uid-1")
        assert CrashMarker(tmp_path, NOW).suspects == {}

    def test_a_third_start_still_knows(self, tmp_path: Path) -> None:
        died(tmp_path, WORK)
        assert CrashMarker(tmp_path, NOW).postponed("uid-1", 3, NOW)

    def test_many_suspects_do_not_fill_the_volume(self, tmp_path: Path) -> None:
        for number in range(REMEMBERED + 5):
            died(tmp_path, Suspect("n" * 63, "n" * 52, f"uid-{number}", 1), NOW + timedelta(seconds=number))
        suspects = CrashMarker(tmp_path, NOW).suspects
        assert len(suspects) == REMEMBERED
        assert f"uid-{REMEMBERED + 4}" in suspects

    @pytest.mark.parametrize(
        "text", ["", "null", "[1]", '[{"uid": 1}]', "[[[", "{}", '"' * 5000, "\udcff", "a\nb\nc\nd\n"]
    )
    def test_files_that_were_broken_are_no_obstacle(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "suspects.json").write_bytes(text.encode(errors="surrogateescape"))
        (tmp_path / "working-on").write_bytes(text.encode(errors="surrogateescape"))
        assert CrashMarker(tmp_path, NOW).suspects == {}
        assert died(tmp_path, WORK).postponed("uid-1", 3, NOW)

    def test_without_a_folder_nothing_is_remembered(self) -> None:
        marker = CrashMarker(None, NOW)
        with marker.working_on(WORK):
            pass
        assert (marker.suspects, marker.number(NOW)) == ({}, 0)


def graphcron(name: str, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"schedule": "0 0 1 1 *", "assistantId": "agent"} | spec}


def ready(apiserver: FakeApiserver, name: str) -> dict[str, Any]:
    conditions = apiserver.objects["graphcrons"][name].get("status", {}).get("conditions", [])
    return next((condition for condition in conditions if condition["type"] == "Ready"), {})


async def test_an_operator_that_dies_on_one_serves_the_others_from_its_next_start_on(tmp_path: Path) -> None:
    apiserver, metrics = FakeApiserver(), unused_port()
    (state := tmp_path / "state").mkdir()
    environment = {"GRAPHCRON_STATE_DIR": str(state), "GRAPHCRON_METRICS_PORT": str(metrics)}
    environment["GRAPHCRON_POD"] = "one"  # a container that is started again leads at once

    def started(module: str = "tests.support.mortal_operator") -> Operator:
        return operator_by({"server": url}, {"token": "t"}, tmp_path / "kube", module, **environment)

    others = [f"good-{number}" for number in range(5)]
    async with apiserver.serving() as url:
        for name in (DEADLY, *others):
            await apiserver.put("graphcrons", graphcron(name))
        async with started() as process:
            assert await asyncio.wait_for(process.wait(), 60) == -signal.SIGKILL
        async with started() as process:
            await until(lambda: all(ready(apiserver, name).get("status") == "True" for name in others))
            await until(lambda: ready(apiserver, DEADLY))
            assert (ready(apiserver, DEADLY)["status"], ready(apiserver, DEADLY)["reason"]) == ("False", "Quarantined")
            await until(lambda: apiserver.events)
            (event,) = apiserver.events
            assert (event["reason"], event["involvedObject"]["name"]) == ("Quarantined", DEADLY)
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"http://127.0.0.1:{metrics}/metrics") as answer,
            ):
                assert "graphcron_quarantined 1.0" in await answer.text()
            # An edit is tried at once, in vain.
            await apiserver.put("graphcrons", graphcron(DEADLY, schedule="1 1 1 1 *"))
            assert await asyncio.wait_for(process.wait(), 60) == -signal.SIGKILL
        async with started():
            await until(lambda: "died once" in ready(apiserver, DEADLY).get("message", ""))
            await until(lambda: len(apiserver.events) == 2)
        # And what heals it, such as a newer operator and an edit, ends it.
        await apiserver.put("graphcrons", graphcron(DEADLY, schedule="2 2 2 2 *"))
        async with started("graphcron"):
            await until(lambda: ready(apiserver, DEADLY).get("status") == "True")
        assert json.loads((state / "suspects.json").read_text()) == []
