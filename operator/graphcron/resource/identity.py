"""The names of the GraphCron resource and of its labels and annotations, and the id of a cron."""

import hashlib
from collections.abc import Mapping
from typing import Any

from graphcron.firing.formats import is_uuid

GROUP = "graphcron.dev"
VERSION = "v1"
API_VERSION = f"{GROUP}/{VERSION}"
KIND = "GraphCron"
PLURAL = "graphcrons"

NAME_LIMIT = 52
"""Characters: the CronJob carries the GraphCron's name, and Kubernetes appends 11 to it for each Job."""

NAME_MESSAGE = (
    f"metadata.name must be no more than {NAME_LIMIT} characters: "
    "the CronJob has the same name, and Kubernetes appends the scheduled minute to it"
)


MANAGED_BY = {"app.kubernetes.io/managed-by": "graphcron"}
"""Label of every object we make; the operator watches by it."""

CRON_LABEL = f"{GROUP}/graphcron"
"""Label that names the GraphCron, on its CronJob, Jobs and pods: `kubectl logs -l graphcron.dev/graphcron=NAME`."""

DIGEST_ANNOTATION = f"{GROUP}/desired"
"""Digest of what was applied: it differs when a field was dropped, which no comparison with the live object shows."""

INSTALLATION_ANNOTATION = f"{GROUP}/installation"
"""What it was applied by (`installation`): another one may want all of them to be otherwise."""

BACKFILL_LABEL = f"{GROUP}/backfill"
"""Label that names the GraphCronBackfill, on its Jobs and pods: `kubectl logs -l graphcron.dev/backfill=NAME`."""

ENDED_ANNOTATION = f"{GROUP}/ended"
"""On a Job that the operator ended: the reason, and why."""

TOUCHED_ANNOTATION = f"{GROUP}/touched"
"""On a Job without a pod: when the operator last reminded the Job controller of it."""

RUN_REQUESTED = f"{GROUP}/run-requested"
"""Annotation on a GraphCron: run it now, once for each token, such as the time of the request."""
RESUME_REQUESTED = f"{GROUP}/resume-requested"
"""Annotation on a GraphCron: count its failures anew, once for each token, so that maxFailures suspends it no more."""

TEST_REQUESTED = f"{GROUP}/test-requested"
"""Annotation on a GraphCronChannel: send a test message, once for each token, such as the time of the request."""

PAUSED_ANNOTATION = f"{GROUP}/paused"
"""Annotation on a Namespace: all of its GraphCrons are paused; the value is the reason."""

DISPLAY_NAME = f"{GROUP}/display-name"
"""Annotation on a GraphCron: its name for people, where that of the object is a UUID."""

FIELD_MANAGER = "graphcron"
"""Our name in server-side apply."""
NOTIFIER_MANAGER = "graphcron-notifier"
"""The notifier's name in managedFields: what it writes is not the operator's."""

UPDATED_AT = f"{GROUP}/updated-at"
"""Annotation with the time of the last update through REST; a new cron has none."""

OWNER_LABEL = f"{GROUP}/owner"
"""Label with the owner of a cron: set by the facade on what it makes, by an administrator on what kubectl makes."""


def cron_id(metadata: Mapping[str, Any]) -> str:
    """The UUID by which the REST API knows a GraphCron: its name when that is one, else its uid."""
    return str(metadata["name"] if is_uuid(metadata["name"]) else metadata["uid"])


def requested_job_name(metadata: Mapping[str, Any], token: str) -> str:
    """The name of the Job that runs a GraphCron for the token of a request. Its suffix is as long as the CronJob
    controller's, and no number as that is."""
    digest = hashlib.sha256(f"{metadata['uid']} {token}".encode()).hexdigest()
    return f"{metadata['name']}-r{digest[:9]}"


def controller_reference(metadata: Mapping[str, Any], kind: str = KIND) -> dict[str, Any]:
    """The GraphCron of this metadata as the owner that controls an object (metav1.OwnerReference)."""
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "name": metadata["name"],
        "uid": metadata["uid"],
        "controller": True,
    }


def id_of(manifest: Mapping[str, Any]) -> str:
    """`cron_id` of a whole GraphCron."""
    return cron_id(manifest["metadata"])


def owner_of(manifest: Mapping[str, Any]) -> str | None:
    """The owner of a cron; None when it has none."""
    return manifest["metadata"].get("labels", {}).get(OWNER_LABEL) or None
