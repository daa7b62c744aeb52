"""The components as a whole."""

import re
from pathlib import Path

from cluster import components
from cluster.paths import Place
from cluster.plan import PORTS, Plan

PLACE = Place(Path("/home/me/graphcron"))
PLAN = Plan("10.19.0.0/22", "10.19.240.0/20", {name: 20000 + number for number, name in enumerate(PORTS)})
ALL = components.all_of(PLACE, PLAN, Path("/usr/bin/containerd"))


def test_the_names_are_those_of_the_programs() -> None:
    assert tuple(sorted(program.name for program in ALL)) == tuple(sorted(components.NAMES))
    # `processes` tells a component from its children by this.
    assert all(Path(program.argv[0]).name == program.name for program in ALL)


def test_nothing_listens_on_an_outer_interface() -> None:
    addresses = set(re.findall(r"\d+\.\d+\.\d+\.\d+(?=[:\s]|$)", " ".join(word for p in ALL for word in p.argv)))
    assert addresses <= {"127.0.0.1", PLAN.gateway}
