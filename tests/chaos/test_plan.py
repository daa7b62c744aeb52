"""What the suite of faults will do: drawn from a seed, and each fault comes."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from chaos import acts
from chaos.doors import manifest
from chaos.plan import FAULTS, OVERTIME, STRIKE_EVERY, chosen, crons, strikes
from graphcron.resource.spec import GraphCronSpec
from graphcron.schedule.expression import read
from graphcron.schedule.next_runs import next_times

BEGIN = datetime(2026, 11, 27, 23, 58, tzinfo=UTC)
SEEDS = range(50)


def test_each_fault_has_an_act() -> None:
    assert sorted(acts.NAMES) == sorted(fault.name for fault in FAULTS)


def test_the_document_describes_each_fault() -> None:
    document = (Path(__file__).parents[2] / "docs/reliability.md").read_text()
    rows = {cells[1].strip(): cells for line in document.splitlines() if len(cells := line.split("|")) == 7}
    for fault in FAULTS:
        _, _, what, seconds, node, strikes, _ = rows[f"`{fault.name}`"]
        lasts = f"{fault.seconds[0]:.0f}–{fault.seconds[1]:.0f} s" if fault.seconds[1] else ""
        assert (what.strip(), seconds.strip(), node.strip()) == (fault.what, lasts, "yes" if fault.node else "")
        assert strikes.strip().isdecimal()


def test_the_same_seed_plans_the_same_and_another_does_not() -> None:
    assert strikes(FAULTS, 7, 300) == strikes(FAULTS, 7, 300) != strikes(FAULTS, 8, 300)
    assert crons(300, 7, BEGIN) == crons(300, 7, BEGIN) != crons(300, 8, BEGIN)


def test_each_fault_strikes_and_in_the_short_form_each_target() -> None:
    for seed in SEEDS:
        assert {strike.fault for strike in strikes(FAULTS, seed, 265)} == set(FAULTS)
        assert {strike.fault.target for strike in strikes(FAULTS, seed, 85)} == {fault.target for fault in FAULTS}


def test_strikes_come_in_order_and_within_the_time() -> None:
    for seed in SEEDS:
        moments = [strike.at for strike in strikes(FAULTS, seed, 265)]
        assert moments == sorted(moments)
        assert 0 <= moments[0] <= moments[-1] <= 265


def test_no_strike_outlasts_the_time_by_much() -> None:
    for seed in SEEDS:
        assert max(strike.at + strike.seconds for strike in strikes(FAULTS, seed, 85)) <= 85 + OVERTIME + 0.2


def test_no_two_strikes_on_one_target_overlap_and_its_rest_lies_between() -> None:
    for seed in SEEDS:
        by_target: dict[str, list[tuple[float, float]]] = {}
        for strike in strikes(FAULTS, seed, 600):
            end = strike.at + strike.seconds + strike.fault.rest
            by_target.setdefault(strike.fault.target, []).append((strike.at, end))
        for times in by_target.values():
            assert all(following >= end - 0.1 for (_, end), (following, _) in pairwise(times))


def test_one_fault_alone_strikes_as_often_as_its_rest_allows() -> None:
    (fault,) = chosen(["run-pod-kill"])
    assert len(strikes([fault], 1, 300)) == pytest.approx(300 / STRIKE_EVERY, abs=1)


def test_faults_are_chosen_by_name_or_by_target() -> None:
    assert [fault.name for fault in chosen(["etcd", "apiserver-kill"])] == [
        *("apiserver-kill", "etcd-kill", "etcd-freeze", "etcd-full"),
    ]
    assert chosen([]) == FAULTS
    with pytest.raises(ValueError, match=r"no fault etcdd: there are .*etcd-full"):
        chosen(["etcdd"])


def test_without_a_node_there_are_no_faults_of_nodes() -> None:
    names = {fault.name for fault in chosen([], has_node=False)}
    assert {"etcd-full", "operator-kill"} <= names
    assert not {"kubelet-kill", "containerd-kill", "upgrade"} & names
    with pytest.raises(ValueError, match="no fault kubelet:"):
        chosen(["kubelet"], has_node=False)


@pytest.mark.parametrize("firings", [20, 60, 300])
def test_as_many_firings_as_asked_for_or_a_few_more(firings: int) -> None:
    for seed in SEEDS:
        assert firings <= sum(len(cron.times) for cron in crons(firings, seed, BEGIN)) < firings + 5


def test_all_doors_policies_and_kinds_of_threads_take_part() -> None:
    made = crons(300, 1, BEGIN)
    assert {cron.door for cron in made} == {"REST", "kubectl"}
    assert {(cron.policy, cron.kind) for cron in made if cron.door == "kubectl"} == {
        (policy, kind) for policy in ("Allow", "Forbid", "Replace") for kind in ("delete", "keep", "thread")
    }


def test_a_schedule_fires_at_the_crons_times_and_at_no_other_until_they_are_over() -> None:
    """Also around midnight, where minutes and hours are a product."""
    for cron in crons(300, 3, BEGIN):
        end = cron.times[-1] + timedelta(minutes=1)
        found = next_times(read(cron.schedule), ZoneInfo("Etc/UTC"), BEGIN - timedelta(minutes=5), 10, end=end)
        assert tuple(found) == cron.times


def test_a_manifest_is_a_spec_that_graphcron_takes() -> None:
    for cron in crons(300, 3, BEGIN):
        thread = "00000000-0000-4000-8000-000000000001" if cron.kind == "thread" else None
        GraphCronSpec.model_validate(manifest(cron, thread)["spec"])
