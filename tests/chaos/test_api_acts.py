"""Faults that the apiserver and etcd themselves provide, on a control plane of their own."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPSConnection
from pathlib import Path

import pytest

from chaos.api_acts import accept_requests, disarm, fill_etcd, refuse_requests
from chaos.plan import FAULTS, Strike
from chaos.world import NAMESPACE, World
from cluster.control_plane import ControlPlane, control_plane

CONFIG_MAPS = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
STRIKE = Strike(0, FAULTS[0], 2, 0.5)


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with control_plane(tmp_path_factory.mktemp("plane")) as plane:
        assert plane.api.request("POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})[0] == 201
        yield plane


@pytest.fixture
def world(plane: ControlPlane, tmp_path: Path) -> World:
    world = World(1, tmp_path, plane.place)
    world.api, world.plan = plane.api, plane.plan
    return world


@contextmanager
def during(act: threading.Thread) -> Iterator[None]:
    act.start()
    try:
        yield
    finally:
        act.join()


def create(world: World, name: str) -> int:
    return world.api.request("POST", CONFIG_MAPS, {"metadata": {"name": name}})[0]


def wait_for(status: int, world: World, name: str) -> None:
    deadline = time.monotonic() + 10
    while (found := create(world, name)) not in (status, 409):
        assert time.monotonic() < deadline, found
        name += "x"


def test_a_full_etcd_refuses_writes_and_answers_reads_until_it_is_over(world: World) -> None:
    with during(threading.Thread(target=fill_etcd, args=(world, STRIKE))):
        wait_for(500, world, "full")
        assert world.api.request("GET", CONFIG_MAPS)[0] == 200
    assert create(world, "after") == 201
    disarm(world)  # nothing is left to undo


@pytest.mark.parametrize("answer", [(200, "<html>"), (200, []), (503, {"error": "no leader"})])
def test_an_etcd_that_answers_something_else_is_one_that_is_away(
    answer: tuple[int, object], world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chaos.api_acts.exchange", lambda *_: answer)
    with pytest.raises(ConnectionError, match=f"^etcd answered {answer[0]}: "):
        fill_etcd(world, STRIKE)


def as_service_account(world: World) -> int:
    """The status that a service account of the namespace gets, whose requests count apart from the suite's own."""
    connection = HTTPSConnection(*world.api.address, context=world.api.context, timeout=10)
    user = {"Impersonate-User": f"system:serviceaccount:{NAMESPACE}:some", "Content-Type": "application/json"}
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview", "spec": {"namespace": "x"}}
    try:
        path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
        connection.request("POST", path, json.dumps(review), user | {"Impersonate-Group": "system:authenticated"})
        return connection.getresponse().status
    finally:
        connection.close()


def test_service_accounts_of_the_namespace_get_429_until_it_is_over(world: World) -> None:
    assert as_service_account(world) == 201
    with during(threading.Thread(target=refuse_requests, args=(world, STRIKE))):
        deadline = time.monotonic() + 10
        while (found := as_service_account(world)) != 429:
            assert time.monotonic() < deadline, found
    assert world.api.request("GET", CONFIG_MAPS)[0] == 200
    deadline = time.monotonic() + 10
    while (found := as_service_account(world)) != 201:
        assert time.monotonic() < deadline, found
    accept_requests(world)  # nothing is left to undo
