"""What the operator's watches have brought so far: its picture of the cluster, from which each decision is made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphcron.desired import CRON_LABEL
from graphcron.reconcile import Observed, owns

Manifest = dict[str, Any]

Name = tuple[str, str]
"""Namespace and name of a GraphCron; its CronJob has the same."""


@dataclass
class Seen:
    """What the watches have brought: GraphCrons and CronJobs by name, Jobs and pods by GraphCron and name.

    An object that we wrote is put in as the apiserver answered it, so that the next look does not act on an older
    copy; of two copies the one with the higher resourceVersion counts.
    """

    graphcrons: dict[Name, Manifest] = field(default_factory=dict)
    cron_jobs: dict[Name, Manifest] = field(default_factory=dict)
    jobs: dict[Name, dict[str, Manifest]] = field(default_factory=dict)
    pods: dict[Name, dict[str, Manifest]] = field(default_factory=dict)

    def put(self, shelf: str, manifest: Mapping[str, Any]) -> Name | None:
        """Returns the GraphCron that it is about, None when it names none."""
        name = _graphcron_of(shelf, manifest)
        if name is None:
            return None
        kept = dict(manifest)
        kept["metadata"] = {key: value for key, value in kept["metadata"].items() if key != "managedFields"}
        place, key = self._place(shelf, name, kept)
        if key not in place or _version(place[key]) <= _version(kept):
            place[key] = kept
        return name

    def drop(self, shelf: str, manifest: Mapping[str, Any]) -> Name | None:
        """As `put`, for an object that is gone."""
        name = _graphcron_of(shelf, manifest)
        if name is None:
            return None
        place, key = self._place(shelf, name, manifest)
        # A namesake that was made since stays.
        if key in place and place[key]["metadata"]["uid"] == manifest["metadata"]["uid"]:
            del place[key]
        for shelves in (self.jobs, self.pods):
            if not shelves.get(name, True):
                del shelves[name]
        return name

    def _place(self, shelf: str, name: Name, manifest: Mapping[str, Any]) -> tuple[dict[Any, Manifest], Any]:
        if shelf in ("graphcrons", "cron_jobs"):
            return getattr(self, shelf), name
        return getattr(self, shelf).setdefault(name, {}), manifest["metadata"]["name"]

    def of(self, name: Name) -> Observed | None:
        """All that is known of one GraphCron; None when there is none of that name."""
        graphcron = self.graphcrons.get(name)
        if graphcron is None or graphcron["metadata"].get("deletionTimestamp"):
            return None
        cron_job = self.cron_jobs.get(name)
        return Observed(
            graphcron=graphcron,
            cron_job=cron_job if cron_job and owns(graphcron, cron_job) else None,
            jobs=tuple(self.jobs.get(name, {}).values()),
            pods=tuple(self.pods.get(name, {}).values()),
        )


def _graphcron_of(shelf: str, manifest: Mapping[str, Any]) -> Name | None:
    metadata = manifest["metadata"]
    name = metadata["name"] if shelf == "graphcrons" else metadata.get("labels", {}).get(CRON_LABEL)
    return (metadata["namespace"], name) if name else None


def _version(manifest: Mapping[str, Any]) -> int:
    """Resource versions are comparable numbers in every supported etcd-backed apiserver (KEP-5504 makes it API)."""
    version = manifest["metadata"].get("resourceVersion", "0")
    return int(version) if version.isdigit() else 0
