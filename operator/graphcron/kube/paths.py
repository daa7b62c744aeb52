"""The resources that are read and written, and their URLs."""

from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

from graphcron.resource.identity import GROUP, KIND, PLURAL, VERSION

Manifest = dict[str, Any]
Resource = tuple[str, str, str]
"""Group (empty for the core's), version and plural."""

GRAPHCRONS: Resource = (GROUP, VERSION, PLURAL)
CRON_JOBS: Resource = ("batch", "v1", "cronjobs")
_KINDS = {PLURAL: KIND, "cronjobs": "CronJob", "events": "Event", "leases": "Lease"}


def proxy_of(url: str) -> str | None:
    """The proxy that the environment names for a URL (HTTPS_PROXY, NO_PROXY). Found out once: with `trust_env` aiohttp
    looks it up anew at each request, and for a .netrc besides, in two threads, which costs as much as the request."""
    parts = urlsplit(url)
    return None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)


@lru_cache(maxsize=1024)
def all_of(resource: Resource, namespace: str | None) -> str:
    group, version, plural = resource
    scope = f"/namespaces/{quote(namespace, safe='')}" if namespace else ""
    return (f"/apis/{group}/{version}" if group else f"/api/{version}") + f"{scope}/{plural}"


def graphcrons(namespace: str, name: str = "") -> str:
    return all_of(GRAPHCRONS, namespace) + (f"/{quote(name, safe='')}" if name else "")


def cron_jobs(namespace: str, name: str) -> str:
    return all_of(CRON_JOBS, namespace) + f"/{quote(name, safe='')}"


@lru_cache(maxsize=64)  # those of writes are few, and all that is written has one
def query_of(given: tuple[tuple[str, str], ...]) -> str:
    """With its question mark, and without what is empty."""
    text = urlencode([(key, value) for key, value in given if value])
    return f"?{text}" if text else ""


def kind_of(path: str) -> str:
    """The kind of a namespaced resource, by its path."""
    return _KINDS.get(path.partition("/namespaces/")[2].split("/")[1], "other")


def leases(namespace: str, name: str = "") -> str:
    path = f"/apis/coordination.k8s.io/v1/namespaces/{quote(namespace, safe='')}/leases"
    return path + (f"/{quote(name, safe='')}" if name else "")
