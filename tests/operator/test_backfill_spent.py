"""What backfills used counts for their GraphCron, once, whatever is killed between the two statuses."""

import random
from datetime import UTC, datetime
from typing import Any

import pytest

from graphcron.operator.backfill_spent import BackfillsSpent, spent_of
from graphcron.resource.prices import Ledger, Prices
from graphcron.resource.usage import BACKFILLS_LIMIT, BackfillSpent
from tests.support.backfill_world import BackfillWorld, slot
from tests.support.world import World

SUBJECT = ("team", "hello")
LEDGER = Ledger(
    Prices.model_validate({"models": {"*": {"input": "1", "output": "1"}}}), "https://trace.example/{run_id}"
)


def usage(tokens: int) -> dict[str, Any]:
    return {"inputTokens": tokens, "totalTokens": tokens, "source": "FinalState", "complete": True}


def world_of(**spec: Any) -> BackfillWorld:
    world = BackfillWorld(spec)
    world.ledger = LEDGER
    return world


def test_a_backfill_records_what_its_firings_used() -> None:
    world = world_of(parallelism=2)
    world.step()
    world.end(slot("03:00"), usage=usage(500_000), answer="Done. " * 100, duration=7)
    world.end(slot("04:00"), "Failed", "RunError")
    world.step()
    first = next(one for one in world.status["firings"] if one["jobName"] == slot("03:00"))
    assert (first["cost"], first["usage"]["totalTokens"], first["durationSeconds"]) == ("0.5", 500_000, 7)
    assert first["traceUrl"] == f"https://trace.example/run%20of%20{slot('03:00')}"
    assert len(first["answer"]) == 256
    assert world.status["spent"] == {"firings": 2, "tokens": 500_000, "cost": "0.5", "incomplete": 1}


def test_a_backfill_of_skipped_firings_has_used_nothing() -> None:
    world = world_of()
    world.step()
    world.end(slot("03:00"), "Skipped", "TooLate")
    world.step()
    assert "spent" not in world.status


@pytest.mark.parametrize("seed", range(10))
def test_each_firing_counts_once_for_the_graphcron_whatever_is_killed(seed: int) -> None:
    dice, world, spent = random.Random(seed), world_of(parallelism=2), BackfillsSpent()
    uid, tokens = world.graphcron["metadata"]["uid"], 0
    for _ in range(100):
        if (world.backfill.get("status") or {}).get("phase") == "Complete":
            break
        if dice.random() < 0.3:
            world.plan()  # and killed before the status was written
        else:
            world.step()
        if dice.random() < 0.3:
            spent = BackfillsSpent()  # another replica
        spent.put(SUBJECT, world.backfill)
        world.backfills = spent.of(SUBJECT, uid)
        if dice.random() < 0.5:
            world.reconcile("12:05")
        for job in world.made:
            if not job["status"] and dice.random() < 0.7:
                number = dice.randint(0, 10**6)
                tokens += number
                world.end(job["metadata"]["name"], usage=usage(number))
    for _ in range(2):
        world.reconcile("12:06")
    month = world.graphcron["status"]["spending"]["month"]
    assert (month["firings"], month["tokens"]) == (6, tokens)
    assert "incomplete" not in month


def test_a_graphcron_is_unchanged_once_the_sums_have_it(made: World) -> None:
    assert made.unchanged_until("10:06") is not None
    began = datetime(2026, 12, 1, 10, tzinfo=UTC)
    made.backfills = (BackfillSpent(uid="b", started_at=began, firings=1, tokens=7),)
    assert made.unchanged_until("10:06") is None
    made.reconcile("10:06")
    assert made.unchanged_until("10:07") is not None


def test_a_change_is_told_once_and_the_newest_backfills_are_kept() -> None:
    told: list[tuple[str, str]] = []
    spent = BackfillsSpent()
    spent.on_change = told.append
    for number in range(BACKFILLS_LIMIT + 3):
        status = {"graphCronUid": "u", "startedAt": f"2026-12-01T10:{number:02}:00Z", "spent": {"firings": 1}}
        backfill = {"metadata": {"uid": str(number)}, "status": status}
        spent.put(SUBJECT, backfill)
        spent.put(SUBJECT, backfill)
    assert told == [SUBJECT] * (BACKFILLS_LIMIT + 3)
    assert [one.uid for one in spent.of(SUBJECT, "u")] == [str(number) for number in range(3, BACKFILLS_LIMIT + 3)]
    assert spent.of(SUBJECT, "of a namesake") == ()
    assert spent.of(("team", "other"), "u") == ()


@pytest.mark.parametrize(
    "status",
    [
        None, "?", {"spent": "?"}, {"spent": {"firings": 1}}, {"spent": {"firings": "?"}, "startedAt": "now"},
        {"spent": {"firings": 1, "uid": 7}, "startedAt": "yesterday"},
    ],
)  # fmt: skip
def test_a_status_that_cannot_be_read_used_nothing(status: Any) -> None:
    assert spent_of("u", status) is None
