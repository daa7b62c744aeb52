"""Which kind of cluster a command means."""

import pytest

from cluster.choose import kind_of_cluster
from cluster.errors import ClusterError


def _never() -> None:
    raise AssertionError("nobody should look for an engine here")


@pytest.mark.parametrize(
    ("asked", "up", "engine", "expected"),
    [
        ("auto", None, "docker", "kind"),
        ("auto", None, "podman", "kind"),
        ("auto", None, None, "local"),
        ("auto", "local", "docker", "local"),  # Docker started meanwhile: the cluster that is up still counts
        ("auto", "current", None, "current"),
        ("local", None, "docker", "local"),
        ("kind", None, None, "kind"),
        ("current", None, None, "current"),
        ("kind", "kind", None, "kind"),
    ],
)
def test_the_kind_is_the_one_up_then_the_one_asked_for(
    asked: str, up: str | None, engine: str | None, expected: str
) -> None:
    assert kind_of_cluster(asked, up, lambda: engine) == expected


def test_no_engine_is_looked_for_when_it_decides_nothing() -> None:
    assert kind_of_cluster("local", None, _never) == "local"
    assert kind_of_cluster("auto", "kind", _never) == "kind"


def test_a_second_kind_beside_the_first_is_refused_with_the_way_out() -> None:
    with pytest.raises(ClusterError, match=r"A kind cluster is up\. Run `make down`"):
        kind_of_cluster("local", "kind", _never)


def test_an_unknown_kind_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ClusterError, match="auto, kind, local, current"):
        kind_of_cluster("minikube", None, _never)
