"""The kinds of objects that are read and written: where the apiserver serves them, and whether a write needs the lease.

`Manifest` is an object as the API has it, for the whole package.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

from graphcron.resource import backfill, channel
from graphcron.resource.identity import GROUP, KIND, PLURAL, VERSION

Manifest = dict[str, Any]
"""An object of the Kubernetes API as JSON: `apiVersion`, `kind`, `metadata` and the rest."""

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
"""Annotation with the whole object once more, for kubectl alone."""


@dataclass(frozen=True)
class Resource:
    """One kind of object. `group` is empty for the core group. Writes of a `gated` one pass the write gate."""

    group: str
    version: str
    plural: str
    kind: str
    gated: bool = True

    def path(self, namespace: str | None = None, name: str = "", subresource: str = "") -> str:
        """The URL path of all objects of a namespace (of the cluster for None), or of the one with that name."""
        path = _collection(self.group, self.version, self.plural, namespace)
        for part in filter(None, (name, subresource)):
            path += f"/{quote(part, safe='')}"
        return path

    def __str__(self) -> str:
        return self.plural


@lru_cache(maxsize=1024)
def _collection(group: str, version: str, plural: str, namespace: str | None) -> str:
    scope = f"/namespaces/{quote(namespace, safe='')}" if namespace else ""
    return (f"/apis/{group}/{version}" if group else f"/api/{version}") + f"{scope}/{plural}"


GRAPHCRONS = Resource(GROUP, VERSION, PLURAL, KIND)
BACKFILLS = Resource(GROUP, VERSION, backfill.PLURAL, backfill.KIND)
CHANNELS = Resource(GROUP, VERSION, channel.PLURAL, channel.KIND)
CRON_JOBS = Resource("batch", "v1", "cronjobs", "CronJob")
JOBS = Resource("batch", "v1", "jobs", "Job")
PODS = Resource("", "v1", "pods", "Pod")
NAMESPACES = Resource("", "v1", "namespaces", "Namespace")
CONFIG_MAPS = Resource("", "v1", "configmaps", "ConfigMap")
SECRETS = Resource("", "v1", "secrets", "Secret")
EVENTS = Resource("", "v1", "events", "Event")
LEASES = Resource("coordination.k8s.io", "v1", "leases", "Lease", gated=False)
ACCESS_REVIEWS = Resource(
    "authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview", gated=False
)
TOKEN_REVIEWS = Resource("authentication.k8s.io", "v1", "tokenreviews", "TokenReview", gated=False)


def proxy_of(url: str) -> str | None:
    """The proxy that the environment names for a URL (HTTPS_PROXY, NO_PROXY), None for none.

    Looked up once: with `trust_env` aiohttp looks it up for each request, and a .netrc besides, in two threads, which
    costs as much as the request."""
    parts = urlsplit(url)
    return None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)


@lru_cache(maxsize=64)  # writes use few different ones
def query_of(given: tuple[tuple[str, str], ...]) -> str:
    """The query with its question mark, without empty values."""
    text = urlencode([(key, value) for key, value in given if value])
    return f"?{text}" if text else ""
