"""What the apiserver refuses of schedules is what the parser refuses, in its words. A real apiserver, with the CRD."""

import http.client
import json
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest
import yaml

from cluster.control_plane import ControlPlane
from cluster.errors import ClusterError
from cluster.paths import HERE
from examples.demo.session import Session, wait_for
from graphcron.schedule.expression import read
from graphcron.schedule.field_syntax import FIVE_FIELDS, KINDS, OUT_OF_RANGE, InvalidSchedule
from tests import vectors
from tests.support.extent import SEED, Extent
from tests.support.graphcron_apiserver import graphcron_apiserver
from tests.support.manifests import graphcron
from tests.support.schedules import random_text

SAMPLE = 1_000
WRONG = 5_000
LEFT_TO_THE_OPERATOR = ("It never fires", "Days of the week are all numbered")
"""Reasons for which CEL would have to know the calendar."""


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with graphcron_apiserver(tmp_path_factory.mktemp("plane")) as plane:
        yield plane


def refusals(plane: ControlPlane, schedules: list[str]) -> dict[str, str]:
    """What the apiserver says against each of them; empty for one that it takes."""
    half = -(-len(schedules) // 2)
    with ThreadPoolExecutor(2) as pool:
        found = pool.map(lambda some: _refusals(plane, some), (schedules[:half], schedules[half:]))
    return {schedule: said for part in found for schedule, said in part.items()}


def _refusals(plane: ControlPlane, schedules: list[str]) -> dict[str, str]:
    path = "/apis/graphcron.dev/v1/namespaces/default/graphcrons?dryRun=All"
    said = {}
    connection = http.client.HTTPSConnection(*plane.api.address, context=plane.api.context, timeout=30)
    with closing(connection):
        for schedule in schedules:
            body = json.dumps(graphcron("asked", schedule=schedule))
            connection.request("POST", path, body, {"Content-Type": "application/json"})
            answer = json.loads(connection.getresponse().read())
            said[schedule] = "" if answer["kind"] == "GraphCron" else str(answer["message"])
    return said


def reason(schedule: str) -> str:
    """Why the parser refuses it; empty when it does not."""
    try:
        read(schedule, "a-uid")
    except InvalidSchedule as refused:
        return str(refused)
    return ""


def differences(plane: ControlPlane, schedules: list[str]) -> list[tuple[str, str, str]]:
    """Schedules on which the two do not agree, with the words of both."""
    said = refusals(plane, schedules)
    found = [(schedule, said[schedule], reason(schedule)) for schedule in schedules]
    return [
        (schedule, there, here)
        for schedule, there, here in found
        if bool(there) != bool(here and not any(left in here for left in LEFT_TO_THE_OPERATOR))
    ]


def test_each_schedule_that_fires_is_taken(plane: ControlPlane, extent: Extent) -> None:
    _, lines = vectors.load()
    schedules = sorted({vector.written for vector in lines})
    assert differences(plane, extent.choose(schedules, SAMPLE)) == []


def test_each_wrong_schedule_is_refused(plane: ControlPlane, extent: Extent) -> None:
    """And one that a slip of the pen has made into another schedule is taken."""
    chance = random.Random(SEED)
    texts: dict[str, bool] = {}
    while list(texts.values()).count(True) < extent.count(WRONG, SAMPLE):
        text = random_text(chance)
        texts[text] = bool(reason(text))
    assert differences(plane, list(texts)) == []


WORDS = {
    "a minute that is none": "61 * * * *",
    "a word": "foo * * * *",
    "an hour that is none": "0 24 * * *",
    "a month that is none": "0 0 1 13 *",
    "a day of the week that is none": "0 0 * * monday",
    "too few fields": "* * * *",
    "nothing but blanks": "  ",
    "seconds": "*/30 * * * * MON",
    "an interval": "@every 5m",
    "a name that is none": "@reboot",
    "a zone inside": "CRON_TZ=Europe/Berlin 0 9 * * *",
    "a hash that runs backwards": "H(30-10) * * * *",
    "a day before the last": "0 0 L-3 * *",
    "a sixth Friday": "0 0 * * 5#6",
}


@pytest.mark.parametrize("schedule", WORDS.values(), ids=WORDS)
def test_it_is_refused_in_the_words_of_the_parser_and_no_others(plane: ControlPlane, schedule: str) -> None:
    said = refusals(plane, [schedule])[schedule]
    about = 'GraphCron.graphcron.dev "asked" is invalid: spec.schedule: Invalid value'
    assert said == f"{about}: {json.dumps(schedule)}: {reason(schedule)}"


def test_each_field_that_is_wrong_is_named(plane: ControlPlane) -> None:
    said = refusals(plane, ["foo bar baz 13 8"])["foo bar baz 13 8"]
    for kind, wrong in zip(KINDS, "foo bar baz 13 8".split(), strict=True):
        assert OUT_OF_RANGE.format(wrong, kind=kind) in said


def test_a_line_break_is_no_way_to_another_message(plane: ControlPlane) -> None:
    said = refusals(plane, ["61 *\n* * *"])["61 *\n* * *"]
    assert FIVE_FIELDS in said


def test_days_that_croniter_numbers_in_other_ways_are_taken(plane: ControlPlane) -> None:
    spellings = ["0 0 * * 05#2", "0 0 * * mon-fri#1", "0 0 * * L02", "0 0 * * fri#02"]
    assert refusals(plane, spellings) == dict.fromkeys(spellings, "")


def test_what_was_stored_before_the_rules_can_still_be_labelled(plane: ControlPlane) -> None:
    """And so its status can be written, and its owner can mend it."""
    loose = yaml.safe_load((HERE.root / "crds/graphcrons.yaml").read_text())
    schedule = loose["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["schedule"]
    rules = schedule.pop("x-kubernetes-validations")
    put_crd(plane, loose)
    session = Session("default", plane.place)
    wait_for("the CRD without rules", lambda: not refusals(plane, ["x"])["x"], 30)
    session.kubectl("create", "-f", "-", stdin=json.dumps(graphcron("old", schedule="61 * * * *")))
    schedule["x-kubernetes-validations"] = rules
    put_crd(plane, loose)
    wait_for("the CRD with them", lambda: refusals(plane, ["x"])["x"], 30)
    session.kubectl("label", "graphcron", "old", "a=b")
    patch = ("patch", "graphcron", "old", "--type=merge", "-p")
    session.kubectl(*patch, '{"status":{"active":0}}', "--subresource=status")
    with pytest.raises(ClusterError, match="'62' is no valid minute"):
        session.kubectl(*patch, '{"spec":{"schedule":"62 * * * *"}}')
    session.kubectl(*patch, '{"spec":{"schedule":"6 * * * *"}}')


def put_crd(plane: ControlPlane, manifest: dict[str, Any]) -> None:
    Session("default", plane.place).kubectl("replace", "-f", "-", stdin=json.dumps(manifest))
