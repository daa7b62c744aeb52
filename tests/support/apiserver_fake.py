"""A small apiserver on a real socket: lists, watches, server-side apply, status patches and Leases, as far as the
operator uses them. It remembers every request, and can cut its watches or lose its CRD.

Not judged here: schemas, permissions, conflicts of field managers. Those are for the end-to-end tests.
"""

import asyncio
import contextlib
import copy
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import yaml
from aiohttp import web
from aiohttp.test_utils import TestServer

from graphcron.kube.json_patch import DoesNotApply, apply
from tests.support.merge_patch import merged

Manifest = dict[str, Any]

GROUPS = {
    "graphcron.dev/v1": {"graphcrons": "GraphCron", "graphcronchannels": "GraphCronChannel"},
    "batch/v1": {"cronjobs": "CronJob", "jobs": "Job"},
    "coordination.k8s.io/v1": {"leases": "Lease"},
    # kopf waits for these two names, also where it must not read them.
    "apiextensions.k8s.io/v1": {"customresourcedefinitions": "CustomResourceDefinition"},
}
WATCHED = ("graphcrons", "cronjobs", "jobs", "pods")
CORE = {"pods": "Pod", "events": "Event", "namespaces": "Namespace", "configmaps": "ConfigMap", "secrets": "Secret"}
KEPT = (*WATCHED, "graphcronchannels", "secrets", "leases", "namespaces", "configmaps")


class Heard(NamedTuple):
    """One request. `who` is its token, `holder` who had the Lease when it came in."""

    method: str
    path: str
    who: str
    holder: str


class FakeApiserver:
    """Objects by plural and name, all in one namespace. A token in `silent` gets no changes from a watch, and one
    in `away` no answer but 503."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Manifest]] = {name: {} for name in KEPT}
        self.objects["namespaces"]["team"] = {"metadata": {"name": "team", "uid": "ns", "resourceVersion": "1"}}
        self.silent: set[str] = set()
        self.away: set[str] = set()
        self.heard: list[Heard] = []
        self.events: list[Manifest] = []
        self.groups = dict(GROUPS)
        self._history: list[tuple[int, str, str, Manifest]] = []
        self._version = 1
        self._oldest = 0
        self._changed = asyncio.Condition()
        self._watches: set[asyncio.Task[Any]] = set()
        self.bookmark_seconds = 60.0
        self.mute: set[str] = set()
        """Plurals of which watches bring nothing any more, although they go on."""
        self.held: set[str] = set()
        """Plurals of which lists are not answered yet."""

    @property
    def holder(self) -> str:
        """The holder of the Lease, empty when there is none."""
        return next((lease["spec"]["holderIdentity"] for lease in self.objects["leases"].values()), "")

    @property
    def requests(self) -> list[tuple[str, str]]:
        return [(heard.method, heard.path) for heard in self.heard]

    @property
    def writes(self) -> list[str]:
        """Method and last parts of the path of all that changed something, the Lease and events of ours apart."""
        return [
            f"{method} {'/'.join(path.partition('?')[0].split('/')[-2:])}"
            for method, path in self.requests
            if method != "GET" and "/events" not in path and "/leases" not in path
        ]

    def watches_of(self, plural: str) -> list[str]:
        return [path for method, path in self.requests if method == "GET" and f"/{plural}?" in path and "watch" in path]

    async def put(self, plural: str, manifest: Manifest) -> Manifest:
        """Store it, and send it to the watches."""
        self._version += 1
        before = self.objects[plural].get(manifest["metadata"]["name"])
        stored = copy.deepcopy(manifest)
        metadata = stored["metadata"]
        metadata |= {"namespace": "team", "resourceVersion": str(self._version)}
        metadata.setdefault("uid", before["metadata"]["uid"] if before else f"uid-{self._version}")
        metadata.setdefault("creationTimestamp", "2026-12-01T10:00:00Z")
        if before is None or before.get("spec") != stored.get("spec"):
            metadata["generation"] = (before["metadata"]["generation"] if before else 0) + 1
        self.objects[plural][metadata["name"]] = stored
        await self._notify(plural, "MODIFIED" if before else "ADDED", stored)
        return stored

    async def delete(self, plural: str, name: str) -> None:
        self._version += 1
        gone = self.objects[plural].pop(name)
        gone["metadata"]["resourceVersion"] = str(self._version)
        await self._notify(plural, "DELETED", gone)

    async def cut_watches(self) -> None:
        """As a proxy or a restart of the apiserver does."""
        for task in list(self._watches):
            task.cancel()

    async def speak(self) -> None:
        """To all whom the watches were silent to."""
        async with self._changed:
            self.silent.clear()
            self._changed.notify_all()

    async def expire_watches(self) -> None:
        """Answer every watch, now and from older versions, that its version is too old: its client lists anew."""
        self._version += 1
        self._oldest = self._version
        await self.cut_watches()

    async def _notify(self, plural: str, kind: str, manifest: Manifest) -> None:
        async with self._changed:
            self._history.append((self._version, plural, kind, copy.deepcopy(manifest)))
            self._changed.notify_all()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        async with TestServer(app) as server:
            yield str(server.make_url("")).rstrip("/")

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        who = request.headers.get("Authorization", "").removeprefix("Bearer ")
        self.heard.append(Heard(request.method, request.path_qs, who, self.holder))
        path = request.path.strip("/")
        if who in self.away:
            return _status(503, "the server is currently unable to handle the request")
        if (found := self._discovery(path)) is not None:
            return web.json_response(found)
        parts = path.removeprefix("apis/").removeprefix("api/").split("/")
        parts = parts[parts.index("namespaces") + 2 :] if "namespaces" in parts else parts[2:] or parts[1:]
        if path.startswith("api/v1/namespaces") and path.count("/") <= 3:
            parts = path.split("/")[2:]
        plural, rest = parts[0], parts[1:]
        if plural == "events":
            self.events.append(await request.json())
            return web.json_response(self.events[-1], status=201)
        if plural not in self.objects or not any(plural in names for names in [*self.groups.values(), CORE]):
            return _status(404, "the server could not find the requested resource")
        if request.method == "GET" and not rest:
            return await (self._watch if "watch" in request.query else self._list)(request, plural)
        if request.method == "GET":
            found = self.objects[plural].get(rest[0])
            return web.json_response(found) if found else _status(404, f'{plural} "{rest[0]}" not found')
        if request.content_type in ("application/json-patch+json", "application/merge-patch+json"):
            return await self._patch(request, plural, rest[0])
        if request.method in ("POST", "PUT"):
            return await self._write(request, plural)
        if request.method == "DELETE":
            return await self._delete(plural, rest[0], await request.json() if request.can_read_body else {})
        return await self._apply(request, plural)

    def _discovery(self, path: str) -> Manifest | None:
        def resources(version: str, names: dict[str, str]) -> Manifest:
            verbs = ["get", "list", "watch", "patch", "create", "delete"]
            return {
                "kind": "APIResourceList",
                "groupVersion": version,
                "resources": [
                    {"name": name, "singularName": kind.lower(), "kind": kind, "namespaced": True, "verbs": verbs}
                    for name, kind in names.items()
                ],
            }

        if path == "version":
            return {"gitVersion": "v1.36.0"}
        if path == "api":
            return {"kind": "APIVersions", "versions": ["v1"]}
        if path == "api/v1":
            return resources("v1", CORE)
        if path == "apis":
            groups = [version.split("/") for version in self.groups]
            versions = [{"groupVersion": f"{group}/{version}", "version": version} for group, version in groups]
            listed = [
                {"name": group, "versions": [version], "preferredVersion": version}
                for (group, _), version in zip(groups, versions, strict=True)
            ]
            return {"kind": "APIGroupList", "groups": listed}
        version = path.removeprefix("apis/")
        return resources(version, self.groups[version]) if version in self.groups else None

    async def _list(self, request: web.Request, plural: str) -> web.Response:
        while plural in self.held:  # noqa: ASYNC110 - a test releases it, and announces nothing
            await asyncio.sleep(0.02)
        if plural not in self.objects:
            return _status(404, "the server could not find the requested resource")
        items = [item for item in self.objects[plural].values() if _selected(request, item)]
        version, kind = next(
            (version, names[plural]) for version, names in [("v1", CORE), *self.groups.items()] if plural in names
        )
        listed = {"apiVersion": version, "kind": f"{kind}List", "metadata": {"resourceVersion": str(self._version)}}
        return web.json_response(listed | {"items": items})

    async def _watch(self, request: web.Request, plural: str) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        task = asyncio.current_task()
        assert task
        self._watches.add(task)
        seen = int(request.query.get("resourceVersion") or self._version)
        who = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if seen < self._oldest:
            gone = {"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired"}}
            await response.write(json.dumps(gone).encode() + b"\n")
            return response
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self.bookmark_seconds), self._changed:
                        while who in self.silent or not (self._history and self._history[-1][0] > seen):
                            await self._changed.wait()
                if plural in self.mute or who in self.silent:
                    await asyncio.sleep(self.bookmark_seconds)
                    continue
                changes = [change for change in self._history if change[0] > seen]
                if not changes:
                    await response.write(_bookmark(seen))
                for version, about, kind, manifest in changes:
                    seen = version
                    if about == plural and _selected(request, manifest):
                        await response.write(json.dumps({"type": kind, "object": manifest}).encode() + b"\n")
        finally:
            self._watches.discard(task)

    async def _apply(self, request: web.Request, plural: str) -> web.Response:
        manifest = yaml.safe_load(await request.text())
        before = self.objects[plural].get(manifest["metadata"]["name"])
        if before:
            manifest = before | manifest | {"metadata": before["metadata"] | manifest["metadata"]}
            if manifest["metadata"]["resourceVersion"] != before["metadata"]["resourceVersion"]:
                return _status(409, "the object has been modified; please apply your changes to the latest version")
        stored = await self.put(plural, manifest)
        return web.json_response(stored, status=200 if before else 201)

    async def _write(self, request: web.Request, plural: str) -> web.Response:
        """Created once, and replaced by those alone who know its newest version."""
        manifest = await request.json()
        before = self.objects[plural].get(manifest["metadata"]["name"])
        known = manifest["metadata"].get("resourceVersion")
        if known != (before["metadata"]["resourceVersion"] if before else None):
            return _status(409, "the object has been modified; please apply your changes to the latest version")
        return web.json_response(await self.put(plural, manifest))

    async def _delete(self, plural: str, name: str, options: Manifest) -> web.Response:
        """With what it owns, as the garbage collector does."""
        if name not in self.objects[plural]:
            return _status(404, f'{plural} "{name}" not found')
        uid = self.objects[plural][name]["metadata"]["uid"]
        if options.get("preconditions", {}).get("uid", uid) != uid:
            return _status(409, "the UID in the precondition does not match the UID in record")
        await self.delete(plural, name)
        for kind, items in self.objects.items():
            for item in list(items.values()):
                if any(owner["uid"] == uid for owner in item["metadata"].get("ownerReferences", [])):
                    await self.delete(kind, item["metadata"]["name"])
        return web.json_response({"kind": "Status", "status": "Success"})

    async def _patch(self, request: web.Request, plural: str, name: str) -> web.Response:
        """By a JSON Patch, also of the status, or by a merge patch of the status."""
        patch = await request.json()
        before = self.objects[plural].get(name)
        if before and isinstance(patch, dict) and "data" in patch:
            return web.json_response(await self.put(plural, before | {"data": before.get("data", {}) | patch["data"]}))
        if before and isinstance(patch, dict):  # a merge patch
            if before["metadata"]["uid"] != patch["metadata"]["uid"]:
                return _status(409, "the UID in the precondition does not match the UID in record")
            status = merged(before.get("status"), patch["status"])
            return web.json_response(await self.put(plural, before | {"status": status}))
        if before is None:
            return _status(404, f'{plural} "{name}" not found')
        try:
            return web.json_response(await self.put(plural, apply(patch, before)))
        except DoesNotApply:
            return _status(422, "the server rejected our request due to an error in our request")


def _bookmark(version: int) -> bytes:
    bookmark = {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": str(version)}}}
    return json.dumps(bookmark).encode() + b"\n"


def _selected(request: web.Request, manifest: Manifest) -> bool:
    labels = manifest["metadata"].get("labels", {})
    terms = [term.split("=") for term in request.query.get("labelSelector", "").split(",") if term]
    return all(labels.get(key) == value for key, value in terms)


def _status(code: int, message: str) -> web.Response:
    return web.json_response({"kind": "Status", "code": code, "message": message}, status=code)
