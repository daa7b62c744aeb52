"""The requests to the apiserver that operator and facade make: few verbs, plain dicts, one error tree."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable

import aiohttp

from graphcron.kube import jsontext
from graphcron.kube.backfill_api import BackfillApi
from graphcron.kube.channel_api import ChannelApi
from graphcron.kube.config_map_api import ConfigMapApi
from graphcron.kube.errors import Conflict, NotFound, TooLarge, Unavailable, error_of, message_of
from graphcron.kube.json_patch import Operation
from graphcron.kube.lease_api import LeaseApi
from graphcron.kube.merge_patch import difference
from graphcron.kube.resources import (
    CRON_JOBS,
    EVENTS,
    GRAPHCRONS,
    JOBS,
    NAMESPACES,
    PODS,
    TOKEN_REVIEWS,
    Manifest,
    Resource,
)
from graphcron.kube.transport import REQUEST_TIMEOUT_SECONDS
from graphcron.kube.watch_health import WATCH_SECONDS
from graphcron.resource.identity import API_VERSION, ENDED_ANNOTATION, FIELD_MANAGER, GROUP, PLURAL, TOUCHED_ANNOTATION

SILENCE_SECONDS = 90.0
"""After which a watch counts as dead: while nothing happens the apiserver sends a bookmark about every minute."""
OBJECT_LIMIT = 4 * 1024 * 1024
"""Bytes of an object as JSON: etcd takes 1.5 MiB, and JSON can write a character in six."""
PAGE_SIZE = 500
"""Objects of a page; fewer where they are large."""
PAGE_BYTES = 2 * 1024 * 1024
"""Parsed, JSON such as `[{},{}]` takes twenty times the memory of its text."""
EVENT_PAGES = 10
"""A page is about a megabyte."""


class Api(BackfillApi, ChannelApi, ConfigMapApi, LeaseApi):
    """Every method raises KubeError."""

    async def list_graphcrons(
        self, namespace: str | None, kept: Callable[[Manifest], Manifest] = lambda item: item
    ) -> list[Manifest]:
        """All GraphCrons of a namespace, or of the cluster for None. `kept` is what to keep of each, page by page: all
        of them together can be larger than memory."""
        return [kept(item) async for items, _ in self.pages(GRAPHCRONS, namespace, "") for item in items]

    async def pages(
        self, resource: Resource, namespace: str | None, selector: str
    ) -> AsyncIterator[tuple[list[Manifest], int]]:
        """All objects of a resource, page by page, each page with the resource version of the whole list. Raises Gone
        when the rest of a list is not to be had any more."""
        path = resource.path(namespace)

        def ask(rest: str, size: int) -> "asyncio.Task[bytes]":
            query = {"labelSelector": selector, "limit": str(size), "continue": rest}
            page = asyncio.create_task(self._get_text(path, query, PAGE_BYTES if size > 1 else None))
            page.add_done_callback(lambda done: done.cancelled() or done.exception())  # if nobody comes to ask for it
            return page

        # The next page is requested before this one is read: the apiserver takes as long to make it.
        rest, size = "", PAGE_SIZE
        coming = ask(rest, size)
        try:
            while True:
                try:
                    text = await coming
                except TooLarge:
                    size = max(1, size // 4)
                    coming = ask(rest, size)
                    continue
                page = jsontext.loads(text)
                if 2 * len(text) < PAGE_BYTES:
                    size = min(PAGE_SIZE, 2 * size)
                if rest := page["metadata"].get("continue", ""):
                    coming = ask(rest, size)
                # A list has apiVersion and kind once, for all of its items.
                kind = {"apiVersion": page["apiVersion"], "kind": page["kind"].removesuffix("List")}
                items, version = page["items"], int(page["metadata"].get("resourceVersion") or 0)
                del page
                for number, item in enumerate(items):
                    items[number] = kind | item
                yield items, version
                if not rest:
                    return
        finally:
            coming.cancel()

    async def watch(
        self,
        resource: Resource,
        namespace: str | None,
        selector: str,
        version: int,
        opened: Callable[[aiohttp.StreamReader], object] = lambda stream: None,
    ) -> AsyncIterator[Manifest]:
        """Watch events later than that resource version, bookmarks among them, until the apiserver ends the watch, as
        it is asked to after `WATCH_SECONDS`. `opened` gets the body of its answer.

        Raises Gone when that version is too old, and Unavailable when the watch breaks or falls silent.
        """
        query = {
            "labelSelector": selector,
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": str(version),
            "timeoutSeconds": str(WATCH_SECONDS),
        }
        url, headers = await self._address(resource.path(namespace), query)
        patience = aiohttp.ClientTimeout(total=None, sock_connect=REQUEST_TIMEOUT_SECONDS, sock_read=SILENCE_SECONDS)
        try:
            async with self._session().get(
                url, headers=headers, timeout=patience, read_bufsize=OBJECT_LIMIT, **self._route
            ) as response:
                if response.status >= 300:
                    raise error_of(response.status, message_of(await response.read(), response.status))
                opened(response.content)
                async for line in response.content:
                    event = jsontext.loads(line)
                    if event["type"] == "ERROR":
                        status = event["object"]
                        raise error_of(status.get("code", 500), str(status.get("message") or status))
                    yield event
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise Unavailable(0, f"the connection ended: {str(error) or type(error).__name__}") from None

    async def get_graphcron(self, namespace: str, name: str) -> Manifest:
        return await self._get(GRAPHCRONS.path(namespace, name))

    async def get_namespace(self, name: str) -> Manifest:
        return await self._get(NAMESPACES.path(name=name))

    async def create_graphcron(self, namespace: str, manifest: Manifest) -> Manifest:
        return await self._write("POST", GRAPHCRONS, namespace, query=_STRICT, body=manifest)

    async def patch_graphcron(self, namespace: str, name: str, operations: list[Operation]) -> Manifest:
        """Applies them to its newest version, whichever that is. Raises Refused 422 when they do not apply."""
        return await self._write(
            "PATCH", GRAPHCRONS, namespace, name, query=_STRICT, body=operations, content_type=_JSON_PATCH
        )

    async def delete_graphcron(self, namespace: str, name: str, uid: str | None = None) -> None:
        """With what it owns, in the background. Given a uid, that very object: raises Conflict for a namesake."""
        options = {"preconditions": {"uid": uid}} if uid else None
        background = {"propagationPolicy": "Background"}
        await self._write("DELETE", GRAPHCRONS, namespace, name, query=background, body=options)

    async def patch_status(self, namespace: str, name: str, uid: str, known: object, status: Manifest) -> Manifest:
        """Makes the status of that very object from what is `known` to what is wanted; fields of others in it stay.
        Raises NotFound when it is gone, also when a namesake is there."""
        patch = {"metadata": {"uid": uid}, "status": difference(known, status)}
        try:
            return await self._write(
                "PATCH", GRAPHCRONS, namespace, name, "status", query=_MANAGER, body=patch, content_type=_MERGE_PATCH
            )
        except Conflict:
            # Of a namesake, or the apiserver found no moment between other writes.
            if (await self.get_graphcron(namespace, name))["metadata"]["uid"] != uid:
                raise NotFound(404, f"GraphCron {namespace}/{name} was deleted, and made anew") from None
            raise

    async def patch_conditions(self, namespace: str, name: str, uid: str, conditions: list[Manifest]) -> Manifest:
        """Sets the conditions of that very object, and nothing else of its status. Raises Conflict for a namesake."""
        patch = {"metadata": {"uid": uid}, "status": {"conditions": conditions}}
        return await self._write(
            "PATCH", GRAPHCRONS, namespace, name, "status", query=_MANAGER, body=patch, content_type=_MERGE_PATCH
        )

    async def get_cron_job(self, namespace: str, name: str) -> Manifest:
        return await self._get(CRON_JOBS.path(namespace, name))

    async def apply_cron_job(self, namespace: str, manifest: Manifest, *, anew: bool = False) -> Manifest:
        """Server-side apply: makes it or changes what differs; fields of other managers stay.

        With `anew` it makes one, or raises Conflict when there is one of that name, which may be somebody else's.
        """
        query = _MANAGER | {"force": "true"}
        body = yaml_of(manifest | {"metadata": manifest["metadata"] | _OF_NOBODY} if anew else manifest)
        name = manifest["metadata"]["name"]
        return await self._write("PATCH", CRON_JOBS, namespace, name, query=query, body=body, content_type=_APPLY)

    async def take_over_cron_job(self, namespace: str, found: Manifest, managed_fields: list[Manifest]) -> Manifest:
        """Sets who has set which field of that very version. Raises Refused when it is no longer the newest."""
        patch = [
            {"op": "test", "path": "/metadata/resourceVersion", "value": found["metadata"]["resourceVersion"]},
            {"op": "replace", "path": "/metadata/managedFields", "value": managed_fields},
        ]
        name = found["metadata"]["name"]
        return await self._write(
            "PATCH", CRON_JOBS, namespace, name, query=_MANAGER, body=patch, content_type=_JSON_PATCH
        )

    async def list_pods_of_job(self, namespace: str, job: str) -> list[Manifest]:
        """As they are now, where a cache may be a moment behind."""
        query = {"labelSelector": f"batch.kubernetes.io/job-name={job}"}
        pods: list[Manifest] = (await self._get(PODS.path(namespace), query))["items"]
        return pods

    async def end_job(self, namespace: str, job: Manifest, because: str) -> Manifest:
        """Lets Kubernetes fail a Job, delete its pods and keep the Job for its history. Raises Conflict when it is not
        as it was observed any more."""
        seen, name = job["metadata"], job["metadata"]["name"]
        metadata = {"uid": seen["uid"], "resourceVersion": seen["resourceVersion"]}
        body = {"metadata": metadata | {"annotations": {ENDED_ANNOTATION: because}}, "spec": _OVERDUE}
        return await self._write("PATCH", JOBS, namespace, name, query=_MANAGER, body=body, content_type=_MERGE_PATCH)

    async def touch_job(self, namespace: str, job: Manifest, moment: str) -> Manifest:
        """Changes nothing but an annotation, so that the Job controller looks at it. Raises Conflict for a namesake."""
        body = {"metadata": {"uid": job["metadata"]["uid"], "annotations": {TOUCHED_ANNOTATION: moment}}}
        name = job["metadata"]["name"]
        return await self._write("PATCH", JOBS, namespace, name, query=_MANAGER, body=body, content_type=_MERGE_PATCH)

    async def create_job(self, namespace: str, manifest: Manifest) -> Manifest:
        """Raises Conflict when there is one of that name."""
        return await self._write("POST", JOBS, namespace, query=_MANAGER, body=manifest)

    async def expire_job(self, namespace: str, job: Manifest) -> None:
        """Lets Kubernetes delete a finished Job with its pods. Raises Conflict for a namesake."""
        body = {"metadata": {"uid": job["metadata"]["uid"]}, "spec": {"ttlSecondsAfterFinished": 0}}
        name = job["metadata"]["name"]
        await self._write("PATCH", JOBS, namespace, name, query=_MANAGER, body=body, content_type=_MERGE_PATCH)

    async def list_events(self, namespace: str, selector: str) -> list[Manifest]:
        """The first `EVENT_PAGES` pages of those that the field selector takes."""
        found: list[Manifest] = []
        query = {"fieldSelector": selector, "limit": str(PAGE_SIZE)}
        for _ in range(EVENT_PAGES):
            page = await self._get(EVENTS.path(namespace), query)
            found += page["items"]
            if not (rest := page["metadata"].get("continue")):
                break
            query["continue"] = rest
        return found

    async def suspend_cron_job(self, namespace: str, name: str, uid: str) -> Manifest:
        """Sets `suspend` of that very CronJob, and nothing else. Raises Refused when a namesake is there."""
        patch = {"metadata": {"uid": uid}, "spec": {"suspend": True}}
        return await self._write(
            "PATCH", CRON_JOBS, namespace, name, query=_MANAGER, body=patch, content_type=_MERGE_PATCH
        )

    async def create_event(self, namespace: str, event: Manifest) -> None:
        await self._write("POST", EVENTS, namespace, body=event)

    async def serves_graphcrons(self) -> bool:
        """Whether the apiserver serves the resource, and lists it in its discovery."""
        groups = await self._get("/apis")
        if not any(group["name"] == GROUP for group in groups["groups"]):
            return False
        try:
            resources = await self._get(f"/apis/{API_VERSION}")
        except NotFound:
            return False
        return any(resource["name"] == PLURAL for resource in resources["resources"])

    async def review_token(self, review: Manifest) -> Manifest:
        """The TokenReview with its status: whose token it is."""
        return await self._write("POST", TOKEN_REVIEWS, None, body=review)

    async def ready(self) -> None:
        """Returns when the apiserver answers."""
        await self._get("/version")


_MANAGER = {"fieldManager": FIELD_MANAGER}
_OF_NOBODY = {"resourceVersion": "1"}
"""The revision of an empty etcd, so no object has it. The apiserver compares it with that of an existing object, and
ignores it when it creates one (registry/generic/registry/store.go, Update)."""
_OVERDUE = {"activeDeadlineSeconds": 1}
"""Of any Job that is older. A Job that were deleted would take its history along, and one that were suspended would
still be active for its CronJob."""
_STRICT = _MANAGER | {"fieldValidation": "Strict"}
_APPLY = "application/apply-patch+yaml"
_JSON_PATCH = "application/json-patch+json"
_MERGE_PATCH = "application/merge-patch+json"


def yaml_of(manifest: Manifest) -> bytes:
    """JSON that a YAML 1.1 parser reads as the same: server-side apply takes YAML only.

    JSON writes characters beyond the basic plane as two escapes, which YAML refuses, so they stay as they are; and
    YAML folds or refuses some characters of the basic plane when they stand as they are, so those are escaped.
    """
    text = jsontext.dumps(manifest)
    if text.isascii() and b"\x7f" not in text:
        return text
    return re.sub(r"[\x7f-\uffff]", lambda found: f"\\u{ord(found[0]):04x}", text.decode()).encode()
