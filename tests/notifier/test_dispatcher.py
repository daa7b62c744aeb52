"""One channel's work: what it reads, what it records, and what it says of itself when it cannot send."""

import asyncio
import copy
from typing import Any

import pytest

from graphcron.kube.errors import Unavailable
from tests.support.notifier_memory import NotifierWorld
from tests.support.until import until

RULE = {"events": ["Failed"], "channel": "team"}


async def test_a_message_is_recorded_before_and_after_it_is_sent() -> None:
    world = NotifierWorld()
    world.channel("team")
    world.cron("hello", notify=[RULE])
    async with world.leading():
        world.fail("hello")
        await until(lambda: world.conditions("team").get("Delivering"))
        record = world.record("hello")
    assert (record["state"], record["told"], record["attempts"]) == ("Delivered", 1, 1)
    assert [text.id for text in world.heard.texts] == [record["id"]]
    assert world.conditions("team") == {"Ready": ("True", "ChannelReady"), "Delivering": ("True", "Delivered")}
    assert world.kube.channels["team", "team"]["status"]["lastDelivery"]["state"] == "Delivered"


async def test_a_failed_message_says_why_and_is_sent_again_as_the_same() -> None:
    world = NotifierWorld(speed=20)
    world.channel("team")
    world.cron("hello", notify=[RULE])
    world.heard.why = "hooks.example.com answered HTTP 503"
    async with world.leading():
        world.fail("hello")
        await until(lambda: world.heard.attempts >= 3)
        record = world.record("hello")
        assert (record["state"], record["message"]) == ("Failed", world.heard.why)
        assert world.conditions("team")["Delivering"] == ("False", "DeliveryFailed")
        assert world.notifier.failing() == 1
        world.heard.why = None
        await until(lambda: not world.notifier.pending())
        await until(lambda: world.notifier.failing() == 0)
    assert [text.id for text in world.heard.texts] == [record["id"]]


async def test_what_was_delivered_is_not_sent_again_because_it_cannot_be_recorded() -> None:
    world = NotifierWorld(speed=20)
    world.channel("team")
    world.cron("hello", notify=[RULE])
    world.heard.on_send = lambda: world.kube.fail.append(Unavailable(0, "no answer"))
    async with world.leading():
        world.fail("hello")
        await until(lambda: world.heard.attempts and not world.notifier.pending())
        assert world.record("hello")["state"] == "Delivered"
    assert (world.heard.attempts, world.kube.fail) == (1, [])


async def test_while_a_channel_fails_all_that_waits_says_so_and_one_message_is_tried() -> None:
    world = NotifierWorld(speed=20)
    world.channel("team")
    for number in range(30):
        world.cron(f"cron-{number}", notify=[RULE])
    world.heard.why = "hooks.example.com did not answer within 10 seconds"
    async with world.leading():
        for number in range(30):
            world.fail(f"cron-{number}")

        def states() -> set[str | None]:
            return {world.record(name).get("state") for _, name in world.kube.crons}

        await until(lambda: states() <= {"Pending", "Failed"})
        assert world.notifier.pending() == 30
        written = world.kube.writes
        attempts = world.heard.attempts
        await until(lambda: world.heard.attempts > attempts + 1)
        assert world.kube.writes - written < 12, "not each of them is written for each attempt"
        world.heard.why = None
        await until(lambda: not world.notifier.pending())
    told = sum(text.data.get("number", 1) for text in world.heard.texts)
    assert told == 30


async def test_one_cron_holds_up_no_other() -> None:
    """One whose message is refused, one whose message trips the sender, and one that takes no records."""
    world = NotifierWorld(speed=100)
    world.channel("team")
    bad, good = ["refused", "broken", "full"], [f"cron-{number}" for number in range(5)]
    for name in bad + good:
        world.cron(name, notify=[RULE])
    world.heard.refused, world.heard.broken = {"refused"}, {"broken"}
    async with world.leading():
        await until(lambda: world.kube.writes >= len(bad + good))
        world.kube.full = {("team", "full")}
        for name in bad:
            world.fail(name)
        await until(lambda: world.record("broken").get("state") == "Failed")
        assert world.record("broken")["message"] == "it cannot be sent: LookupError; see the notifier's log"
        for name in good:
            world.fail(name)
        await until(
            lambda: all(world.record(name)["state"] == "Delivered" and world.record(name)["told"] for name in good)
        )
        assert world.record("refused")["message"] == "hooks.example.com answered HTTP 400"
        assert world.notifier.pending() == len(bad)
        world.kube.full, world.heard.refused, world.heard.broken = set(), set(), set()
        await until(lambda: not world.notifier.pending(), 30)
    assert sorted(text.data["name"] for text in world.heard.texts) == sorted(bad + good)


FORGED = [
    {"id": "{n}\r\nBcc: all@example.com", "attempts": 1, "at": "2026-12-01T12:00:00Z"},
    {"id": "no-uuid-{n}", "attempts": 1},
    {"id": "00000000-0000-5000-8000-0000000000{n}", "state": "Delivered", "at": "9999-12-31T23:59:59Z", "told": 7},
    {"id": "00000000-0000-5000-8000-0000000000{n}", "attempts": 2**31 - 1, "since": "9999-12-31T23:59:59Z"},
]


@pytest.mark.parametrize("forged", FORGED)
async def test_records_that_somebody_has_written_by_hand_hold_up_nobody(forged: dict[str, Any]) -> None:
    world = NotifierWorld(speed=60)
    world.channel("all", namespace="ops", default={"events": ["Failed", "Overdue"], "allNamespaces": True})
    for number in range(10, 25):
        made = world.cron(f"forged-{number}")
        record = {"event": "Failed", "channel": "ops/all", "state": "Pending", "told": 0} | forged
        record["id"] = str(record["id"]).replace("{n}", str(number))
        made["status"]["notifications"] = [record]
        world.fail(f"forged-{number}")
    world.cron("hello", namespace="other")
    async with world.leading():
        world.fail("hello", namespace="other")
        await until(lambda: any("hello" in text.plain for text in world.heard.texts))
        world.fail("forged-10", "Another")
        await until(
            lambda: world.record("forged-10")["state"] == "Delivered" and world.record("forged-10")["told"] == 2
        )


@pytest.mark.parametrize("change", [{"generation": 2}, {"annotations": {"graphcron.dev/test-requested": "t1"}}])
async def test_a_channel_that_somebody_has_changed_or_tested_is_tried_at_once(change: dict[str, Any]) -> None:
    world = NotifierWorld()
    made = world.channel("team")
    world.cron("hello", notify=[RULE])
    world.heard.refused = {"hello"}
    async with world.leading():
        world.fail("hello")
        await until(lambda: world.record("hello").get("state") == "Failed")
        world.heard.refused = set()
        made["metadata"] |= change
        world.channel_changed("team")
        await until(lambda: world.heard.texts and world.heard.texts[-1].kind == "Failed")


async def test_a_channel_that_is_not_there_is_said_on_the_cron_and_told_once_it_is() -> None:
    world = NotifierWorld()
    world.cron("hello", notify=[RULE])
    async with world.leading():
        world.fail("hello")
        await until(lambda: world.record("hello").get("state") == "Failed")
        record = world.record("hello")
        assert record["message"] == "there is no GraphCronChannel team in namespace team"
        world.channel("team")
        await until(lambda: world.heard.texts)


async def test_of_a_channel_that_is_gone_nothing_is_kept_but_what_waits_for_it() -> None:
    world = NotifierWorld(speed=100)
    world.cron("hello", notify=[RULE])
    boxes = world.notifier.assessor.outboxes
    async with world.leading():
        for number in range(20):
            world.channel(f"brief-{number}")
        world.channel("team")
        await until(lambda: len(boxes) >= 21)
        for number in range(20):
            world.channel_deleted(f"brief-{number}")
        world.channel_deleted("team")
        world.fail("hello")
        await until(lambda: list(boxes) == [("team", "team")])
        world.channel("team")
        await until(lambda: world.heard.texts)


async def test_a_secret_that_is_missing_or_not_allowed_is_a_condition_and_the_sentence_says_what_to_do() -> None:
    world = NotifierWorld(speed=100)
    world.kube.secrets["team", "hook"] = {"other": "https://hooks.example.com/s3cret"}
    world.channel("team")
    world.cron("hello", notify=[RULE])
    async with world.leading():
        world.fail("hello")
        await until(lambda: world.conditions("team").get("Ready") == ("False", "SecretKeyMissing"))
        del world.kube.secrets["team", "hook"]
        await until(lambda: world.conditions("team").get("Ready") == ("False", "SecretMissing"))
        world.kube.refused = {("team", "hook")}
        await until(lambda: world.conditions("team").get("Ready") == ("False", "SecretNotAllowed"))
        assert "notifier.secrets" in str(world.kube.crons["team", "hello"]["status"]["notifications"])
        world.kube.refused = set()
        world.kube.secrets["team", "hook"] = {"url": "https://evil.example/s3cret"}
        await until(lambda: world.conditions("team").get("Ready") == ("False", "HostNotAllowed"))
        assert world.heard.attempts == 0
        assert "s3cret" not in str([world.kube.crons, world.kube.channels])
        world.kube.secrets["team", "hook"] = {"url": "https://hooks.example.com/s3cret"}
        await until(lambda: world.heard.texts)


async def test_a_cron_reaches_no_channel_and_no_secret_of_another_namespace() -> None:
    world = NotifierWorld()
    world.channel("theirs", namespace="other", default={"events": ["Failed"], "allNamespaces": True})
    world.cron("hello", notify=[{"events": ["Failed"], "channel": "other/theirs"}])
    world.cron("plain")
    async with world.leading():
        world.fail("hello")
        world.fail("plain")
        await until(lambda: world.record("hello").get("state") == "Failed")
        assert "notifications" not in world.kube.crons["team", "plain"]["status"]
    assert world.heard.attempts == 0
    assert {namespace for namespace, _ in world.kube.read} == {"other"}


async def test_a_channel_of_the_installation_tells_of_all_namespaces() -> None:
    world = NotifierWorld()
    world.channel("all", namespace="ops", default={"events": ["Failed"], "allNamespaces": True})
    world.cron("hello")
    async with world.leading():
        world.fail("hello")
        await until(lambda: world.heard.texts)
    assert world.record("hello")["channel"] == "ops/all"


async def test_a_test_is_carried_out_once_for_each_token() -> None:
    world = NotifierWorld()
    made = world.channel("team")
    async with world.leading():
        made["metadata"]["annotations"] = {"graphcron.dev/test-requested": "t1"}
        world.channel_changed("team")
        await until(lambda: "lastTest" in made.get("status", {}))
        assert (made["status"]["lastTest"]["token"], made["status"]["lastTest"]["state"]) == ("t1", "Delivered")
        world.channel_changed("team")
        world.heard.why = "hooks.example.com answered HTTP 404"
        made["metadata"]["annotations"] = {"graphcron.dev/test-requested": "t2"}
        world.channel_changed("team")
        await until(lambda: made["status"]["lastTest"]["token"] == "t2")
        assert made["status"]["lastTest"]["message"] == world.heard.why
    assert [text.kind for text in world.heard.texts] == ["Test"]


async def test_a_default_that_comes_while_the_status_is_written_counts() -> None:
    """The answer to the write has it already, so its watch event would say nothing new."""
    world = NotifierWorld()
    world.cron("hello")
    world.fail("hello")
    late: list[dict[str, Any]] = []

    def edit() -> None:
        made = world.kube.channels["team", "team"]
        made["metadata"]["generation"] = 2
        made["spec"]["default"] = {"events": ["Failed"]}
        late.append(copy.deepcopy(world.kube.version(made)))

    world.kube.before_write = [edit]
    async with world.leading():
        await until(lambda: not len(world.notifier.assessor))
        made = world.channel("team")
        await until(lambda: made.get("status"))
        for event in (late[0], made):  # the edit, and the write of the status after it
            world.channel_announced(copy.deepcopy(event))
        await until(lambda: world.heard.texts, 5)


async def test_tests_without_end_stay_within_what_the_installation_allows() -> None:
    world = NotifierWorld(GRAPHCRON_NOTIFIER_MESSAGES_PER_MINUTE="3")
    made = world.channel("team")
    async with world.leading():
        for number in range(10):
            made["metadata"]["annotations"] = {"graphcron.dev/test-requested": f"t{number}"}
            world.channel_changed("team")
            await asyncio.sleep(0.02)
        await until(lambda: made["status"]["lastTest"]["token"] == "t2")
    assert world.heard.attempts == 3


async def test_a_replica_that_does_not_lead_sends_and_writes_nothing() -> None:
    world = NotifierWorld()
    world.channel("team")
    world.cron("hello", notify=[RULE])
    async with world.leading():
        await until(lambda: world.kube.writes >= 2)
        world.leads = False
        written = world.kube.writes
        world.fail("hello")
        world.notifier.wake(("team", "team"))
        await until(lambda: len(world.notifier.assessor))
        assert (world.kube.writes, world.heard.attempts) == (written, 0)


async def test_a_digest_counts_from_the_first_sight_of_it() -> None:
    world = NotifierWorld(speed=60 * 60 * 12)
    made = world.channel("team", digest={"every": "Day", "at": "08:00"})
    world.cron("hello")
    async with world.leading():
        await until(lambda: "lastDigest" in made.get("status", {}))
        assert world.heard.texts == []
        first = made["status"]["lastDigest"]
        await until(lambda: world.heard.texts)
        assert made["status"]["lastDigest"] > first or world.heard.texts[0].kind == "Digest"
    assert world.heard.texts[0].title == "GraphCron: the day in team"
