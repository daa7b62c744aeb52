"""Why Jobs and CronJobs could not create what they should, from the Events of their namespace.

Nothing else says so: neither has a condition for it. Events are listed only when a Job has no pod, or a firing no Job,
for a minute, and then once for all GraphCrons of a namespace. To watch them would cost as much as all else together.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Mapping, MutableMapping

from cachetools import TTLCache

from graphcron.firing.formats import parse_time
from graphcron.kube.client import Kube
from graphcron.kube.errors import KubeError
from graphcron.kube.resources import Manifest
from graphcron.operator.observed import CreateFailure
from graphcron.operator.reasons import FAILED_CREATE

log = logging.getLogger(__name__)

KEPT_SECONDS = 30
"""For which an answer counts. What is asked for happened a minute ago."""
KEPT_NAMESPACES = 1000
MESSAGE_LIMIT = 1024
"""Characters, as Events of the newer API have them at most."""


class CreateFailures:
    """Concurrent calls for one namespace share a request."""

    def __init__(self, kube: Kube) -> None:
        self._kube = kube
        self._kept: MutableMapping[str, Mapping[str, CreateFailure]] = TTLCache(KEPT_NAMESPACES, KEPT_SECONDS)
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def of(self, namespace: str) -> Mapping[str, CreateFailure]:
        """By uid of what could not create. Best effort: empty when the apiserver does not answer or allow it."""
        async with self._locks[namespace]:
            if namespace not in self._kept:
                try:
                    events = await self._kube.list_events(namespace, f"reason={FAILED_CREATE}")
                except KubeError as error:
                    log.warning("the Events of namespace %s cannot be listed: %s", namespace, error)
                    events = []
                self._kept[namespace] = failures_of(events)
            return self._kept.get(namespace, {})


def failures_of(events: list[Manifest]) -> dict[str, CreateFailure]:
    """The last of each object's. `lastTimestamp` is empty in Events of the newer API, which have `eventTime`."""
    found: dict[str, CreateFailure] = {}
    for event in events:
        moment = (event.get("series") or {}).get("lastObservedTime") or event.get("lastTimestamp")
        moment = moment or event.get("eventTime") or event["metadata"].get("creationTimestamp")
        uid = event.get("involvedObject", {}).get("uid")
        if not moment or not uid:
            continue
        failure = CreateFailure(parse_time(moment), str(event.get("message") or "")[:MESSAGE_LIMIT])
        if uid not in found or found[uid].last <= failure.last:
            found[uid] = failure
    return found
