"""Where each kind of object is served, and which writes pass the gate."""

import pytest

from graphcron.kube.resources import (
    CRON_JOBS,
    EVENTS,
    GRAPHCRONS,
    LEASES,
    PODS,
    TOKEN_REVIEWS,
    Resource,
    proxy_of,
    query_of,
)


@pytest.mark.parametrize(
    ("resource", "where", "path"),
    [
        (GRAPHCRONS, (), "/apis/graphcron.dev/v1/graphcrons"),
        (GRAPHCRONS, ("team", "a", "status"), "/apis/graphcron.dev/v1/namespaces/team/graphcrons/a/status"),
        (CRON_JOBS, ("team", "a/../b"), "/apis/batch/v1/namespaces/team/cronjobs/a%2F..%2Fb"),
        (PODS, ("a/b",), "/api/v1/namespaces/a%2Fb/pods"),
        (TOKEN_REVIEWS, (), "/apis/authentication.k8s.io/v1/tokenreviews"),
    ],
    ids=str,
)
def test_where_it_is_served(resource: Resource, where: tuple[str, ...], path: str) -> None:
    assert resource.path(*where) == path


def test_only_what_opens_the_gate_and_what_stores_nothing_passes_it_closed() -> None:
    assert not LEASES.gated
    assert not TOKEN_REVIEWS.gated
    assert all(resource.gated for resource in (GRAPHCRONS, CRON_JOBS, EVENTS))


def test_a_query_leaves_out_what_is_empty() -> None:
    assert query_of((("limit", "5"), ("continue", ""), ("labelSelector", "a=b"))) == "?limit=5&labelSelector=a%3Db"
    assert query_of((("continue", ""),)) == ""


@pytest.mark.parametrize(
    ("environment", "url", "proxy"),
    [
        ({}, "https://10.0.0.1:6443", None),
        ({"HTTPS_PROXY": "http://proxy:3128"}, "https://10.0.0.1:6443", "http://proxy:3128"),
        ({"https_proxy": "http://proxy:3128"}, "https://cluster.example", "http://proxy:3128"),
        ({"HTTPS_PROXY": "http://proxy:3128"}, "http://127.0.0.1:8001", None),
        ({"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "10.0.0.1,.example"}, "https://10.0.0.1:6443", None),
        ({"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "10.0.0.1,.example"}, "https://cluster.example", None),
    ],
)
def test_a_proxy_of_the_environment_is_used_as_elsewhere(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], url: str, proxy: str | None
) -> None:
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert proxy_of(url) == proxy
