"""Addresses and ports of a local cluster."""

from ipaddress import IPv4Network

import pytest

from cluster import plan
from cluster.errors import ClusterError
from cluster.plan import Plan

EXAMPLE = Plan(pods="10.19.0.0/22", services="10.19.240.0/20", ports={"apiserver": 20001})


def test_the_node_has_the_first_address_of_the_pods_and_the_api_that_of_the_services() -> None:
    assert EXAMPLE.gateway == "10.19.0.1"
    assert EXAMPLE.kubernetes_service == "10.19.240.1"
    assert EXAMPLE.api == "https://10.19.0.1:20001"


def test_a_network_that_overlaps_with_a_route_is_not_taken() -> None:
    first = plan.choose_network([], seed=7)
    second = plan.choose_network([IPv4Network(f"{first[77]}/32")], seed=7)
    assert not first.overlaps(second)


def test_checkouts_prefer_different_networks() -> None:
    assert plan.choose_network([], seed=7) != plan.choose_network([], seed=8)


def test_a_machine_that_routes_all_of_ten_is_refused() -> None:
    with pytest.raises(ClusterError, match=r"10\.0\.0\.0/8"):
        plan.choose_network([IPv4Network("10.0.0.0/8")], seed=0)


def test_ports_in_use_are_skipped_and_none_is_given_twice() -> None:
    ports = plan.choose_ports(["a", "b", "c"], 20000, is_free=lambda port: port not in (20000, 20002))
    assert ports == {"a": 20001, "b": 20003, "c": 20004}
