"""The Events that a new status calls for, as the apiserver takes them."""

import json

from graphcron.operator.events import Event, event_manifest
from tests.support.world import World, at


def test_a_message_is_cut_to_what_kubernetes_takes_and_each_event_has_a_name_of_its_own(world: World) -> None:
    event = Event("Warning", "RunError", "x" * 2000)
    one, other = (event_manifest(world.graphcron, event, at(moment)) for moment in ("10:00", "10:00:00.000001"))
    assert len(one["message"]) <= 1024
    assert one["message"].startswith("x" * 900)
    assert one["involvedObject"]["uid"] == world.graphcron["metadata"]["uid"]
    assert one["metadata"]["namespace"] == "team"
    assert one["metadata"]["name"] != other["metadata"]["name"]


def test_each_firing_is_an_event_once_and_one_that_went_well_is_none(world: World) -> None:
    world.reconcile("10:05")
    for hour, outcome in ((11, "Skipped"), (12, "Failed"), (13, "Succeeded")):
        said = json.dumps({"outcome": outcome, "reason": f"Reason{hour}"})
        world.fire(f"{hour}:00", "Failed" if outcome == "Failed" else "Complete", said)
        world.reconcile(f"{hour}:01")
        world.reconcile(f"{hour}:02")
    assert world.events == ["Normal Reason11", "Warning Reason12"]
