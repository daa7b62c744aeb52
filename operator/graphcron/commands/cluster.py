"""The cluster of a command: that of the caller's kubeconfig, in the namespace that kubectl would use."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeVar

from graphcron.kube.client import Kube
from graphcron.kube.errors import Conflict, KubeError, NoCluster, NotFound, Unavailable
from graphcron.kube.resources import ACCESS_REVIEWS, GRAPHCRONS, JOBS, PODS, Manifest, Resource
from graphcron.operator.run_pod import CONTAINER
from graphcron.resource.identity import CRON_LABEL
from graphcron.views.words import human_name

Answer = TypeVar("Answer")


class Failed(Exception):
    """A command that cannot do its work; the message says why, and what to do."""


NO_CRD = "this cluster does not know GraphCrons: the CRD is not installed. 'helm install' brings it."


class Overtaken(Failed):
    """A write that was meant for another version of its object than the newest one."""


class UserKube(Kube):
    """What commands for people need beyond the operator's client."""

    async def pod_log(self, namespace: str, pod: str, container: str) -> str:
        """The whole log of one container. Raises KubeError."""
        text = await self._get_text(PODS.path(namespace, pod, "log"), {"container": container}, None)
        return text.decode(errors="replace")

    async def has_job(self, namespace: str, name: str) -> bool:
        """Raises KubeError."""
        try:
            await self._get(JOBS.path(namespace, name))
        except NotFound:
            return False
        return True

    async def get(self, resource: Resource, namespace: str, name: str) -> Manifest:
        """Raises KubeError."""
        return await self._get(resource.path(namespace, name))

    async def merge(self, namespace: str, name: str, body: Manifest, resource: Resource = GRAPHCRONS) -> Manifest:
        """A GraphCron, or another object, after a merge patch."""
        query = {"fieldManager": "graphcron-cli", "fieldValidation": "Strict"}
        merge = "application/merge-patch+json"
        return await self._write("PATCH", resource, namespace, name, query=query, body=body, content_type=merge)

    async def create(self, resource: Resource, manifest: Manifest) -> Manifest:
        """A new object, in the namespace that it names. Raises Conflict when there is one of that name."""
        query = {"fieldManager": "graphcron-cli", "fieldValidation": "Strict"}
        return await self._write("POST", resource, manifest["metadata"]["namespace"], query=query, body=manifest)

    async def may(self, verb: str, resource: Resource, namespace: str | None) -> tuple[bool, str]:
        """Whether the caller may do this in a namespace, or everywhere for None; and what the apiserver says of it."""
        asked = {"verb": verb, "group": resource.group, "resource": resource.plural} | (
            {"namespace": namespace} if namespace else {}
        )
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": ACCESS_REVIEWS.kind,
            "spec": {"resourceAttributes": asked},
        }
        status = (await self._write("POST", ACCESS_REVIEWS, None, body=review)).get("status") or {}
        return bool(status.get("allowed")), str(status.get("reason") or "")


@dataclass(frozen=True)
class Place:
    """Where a command looks. `namespace` None is the kubeconfig's own; `everywhere` is all namespaces."""

    namespace: str | None = None
    context: str | None = None
    everywhere: bool = False

    def ask(self, question: Callable[[UserKube, str], Awaitable[Answer]]) -> Answer:
        """The answer to a question to the cluster, in a namespace. Raises Failed."""

        async def asked() -> Answer:
            async with UserKube.connect_as_user(self.context) as (kube, default):
                return await question(kube, self.namespace or default)

        try:
            return asyncio.run(asked())
        except Conflict as error:
            raise Overtaken(sentence(error)) from None
        except KubeError as error:
            raise Failed(sentence(error)) from None
        except NoCluster as error:
            raise Failed(str(error)) from None

    def graphcrons(self, selector: str = "") -> list[Manifest]:
        """The GraphCrons of the place with these labels, by namespace and name. Raises Failed."""

        async def listed(kube: UserKube, namespace: str) -> list[Manifest]:
            where = None if self.everywhere else namespace
            try:
                return [one async for page, _ in kube.pages(GRAPHCRONS, where, selector) for one in page]
            except NotFound:
                raise Failed(NO_CRD) from None

        found = self.ask(listed)
        return sorted(found, key=lambda one: (one["metadata"]["namespace"], one["metadata"]["name"]))

    def graphcron(self, name: str) -> Manifest:
        """Raises Failed when there is none of that name."""

        async def got(kube: UserKube, namespace: str) -> Manifest:
            return await _named(kube, namespace, name)

        return self.ask(got)

    def with_cron_job(self, name: str) -> tuple[Manifest, Manifest | None]:
        """A GraphCron and its CronJob, None when there is none. Raises Failed."""

        async def got(kube: UserKube, namespace: str) -> tuple[Manifest, Manifest | None]:
            graphcron = await _named(kube, namespace, name)
            try:
                return graphcron, await kube.get_cron_job(namespace, name)
            except NotFound:
                return graphcron, None

        return self.ask(got)

    def patch(self, name: str, body: Manifest) -> Manifest:
        """A GraphCron after a merge patch. Raises Failed when there is none of that name."""

        async def patched(kube: UserKube, namespace: str) -> Manifest:
            await _named(kube, namespace, name)
            return await kube.merge(namespace, name, body)

        return self.ask(patched)

    def has_job(self, name: str) -> bool:
        """Whether there is a Job of that name. Raises Failed."""

        async def found(kube: UserKube, namespace: str) -> bool:
            return await kube.has_job(namespace, name)

        return self.ask(found)

    def pods(self, name: str) -> list[Manifest]:
        """The run pods of a GraphCron, oldest first. Raises Failed."""

        async def listed(kube: UserKube, namespace: str) -> list[Manifest]:
            selector = f"{CRON_LABEL}={name}"
            return [pod async for page, _ in kube.pages(PODS, namespace, selector) for pod in page]

        return sorted(self.ask(listed), key=lambda pod: str(pod["metadata"]["creationTimestamp"]))

    def log(self, pod: Manifest) -> str:
        """The whole log of a run pod's container `run`. Raises Failed."""

        async def read(kube: UserKube, namespace: str) -> str:
            return await kube.pod_log(namespace, pod["metadata"]["name"], CONTAINER)

        return self.ask(read)


async def _named(kube: UserKube, namespace: str, name: str) -> Manifest:
    try:
        return await kube.get_graphcron(namespace, name)
    except NotFound:
        if not await kube.serves_graphcrons():
            raise Failed(NO_CRD) from None
        guess = await _guess(kube, namespace, name)
        others = "'graphcron list -A' shows those of all namespaces."
        raise Failed(f"namespace {namespace} has no GraphCron {name!r}.{guess} {others}") from None


async def _guess(kube: UserKube, namespace: str, name: str) -> str:
    """What may have been meant, as a sentence; empty when nothing is alike."""
    try:
        async for page, _ in kube.pages(GRAPHCRONS, namespace, ""):
            if found := alike(name, page):
                return f" Did you mean {found}?"
    except KubeError:
        pass  # who may not list them
    return ""


def alike(name: str, graphcrons: Sequence[Manifest]) -> str:
    """The name that is the most like one that there is none of, or like the name for people of one; empty without."""
    names = {human_name(one).casefold(): one["metadata"]["name"] for one in graphcrons}
    names |= {one["metadata"]["name"]: one["metadata"]["name"] for one in graphcrons}
    close = get_close_matches(name.casefold(), names, 1)
    return f"{names[close[0]]!r}" if close else ""


def sentence(error: KubeError) -> str:
    """What an error of the apiserver means for the caller."""
    if isinstance(error, Unavailable) and not error.message.startswith("the Kubernetes API "):
        return f"the cluster cannot answer now: {error.message}"
    if error.status == 403:
        return f"you may not do this: {error.message}"
    return error.message
