"""GraphCronChannel: what is wrong in one is refused at admission and by the notifier, in the same words."""

from collections.abc import Iterator
from typing import Any

import pytest

from cluster.control_plane import ControlPlane
from graphcron.resource.channel import (
    EMAIL_ONLY,
    SIGNED_WEBHOOKS_ONLY,
    ChannelStatus,
    read_channel,
    read_channel_status,
)
from graphcron.resource.fields import InvalidGraphCron
from tests.support.graphcron_apiserver import graphcron_apiserver

LEAST = {"kind": "Slack", "urlSecretRef": {"name": "slack", "key": "url"}}
EMAIL = {"to": ["team@example.com"], "from": "cron@example.com"}
PATH = "/apis/graphcron.dev/v1/namespaces/ns/graphcronchannels?dryRun=All&fieldValidation=Strict"


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with graphcron_apiserver(tmp_path_factory.mktemp("channels"), "ns") as plane:
        yield plane


def at_admission(plane: ControlPlane, spec: dict[str, Any]) -> str:
    """What the apiserver answers; empty when it takes the spec."""
    manifest = {"apiVersion": "graphcron.dev/v1", "kind": "GraphCronChannel", "metadata": {"name": "x"}, "spec": spec}
    status, answer = plane.api.request("POST", PATH, manifest)
    assert status in (201, 400, 422), answer
    return "" if status == 201 else str(answer["message"])


def at_the_notifier(spec: dict[str, Any]) -> str:
    try:
        read_channel(spec)
    except InvalidGraphCron as invalid:
        return invalid.message
    return ""


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"kind": "Webhook", "signingSecretRef": {"name": "slack", "key": "signing"}},
        {"kind": "Email", "email": EMAIL, "digest": {"every": "Week", "at": "08:00", "timezone": "Europe/Berlin"}},
        {"default": {"events": ["Failed", "Recovered"], "after": 3, "allNamespaces": True}, "messagesPerMinute": 60},
    ],
)
def test_what_is_right_is_taken(plane: ControlPlane, more: dict[str, Any]) -> None:
    assert at_admission(plane, LEAST | more) == at_the_notifier(LEAST | more) == ""
    assert read_channel(LEAST | more).to_dict() == LEAST | more


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"kind": "Email"}, EMAIL_ONLY),
        ({"email": EMAIL}, EMAIL_ONLY),
        ({"signingSecretRef": {"name": "slack", "key": "signing"}}, SIGNED_WEBHOOKS_ONLY),
        ({"kind": "Pigeon"}, "kind"),
        ({"kind": "Email", "email": EMAIL | {"to": ["x@y\nBcc: z@y"]}}, "email.to"),
        ({"kind": "Email", "email": EMAIL | {"to": ["=?utf-8?q?z=40y=2C_x?=@y"]}}, "email.to"),
        ({"kind": "Email", "email": EMAIL | {"from": "a@[b"}}, "email.from"),
        ({"kind": "Email", "email": EMAIL | {"from": "me"}}, "email.from"),
        ({"digest": {"every": "Week", "at": "24:00"}}, "digest.at"),
        ({"messagesPerMinute": 61}, "messagesPerMinute"),
        ({"default": {"events": []}}, "default.events"),
        ({"url": "https://hooks.example.com/secret"}, "url"),
    ],
)
def test_what_is_wrong_is_refused_at_both_doors(plane: ControlPlane, more: dict[str, Any], says: str) -> None:
    assert says in at_admission(plane, LEAST | more)
    assert says in at_the_notifier(LEAST | more)


def test_a_status_that_somebody_else_wrote_is_read_as_far_as_it_can_be() -> None:
    found = {"lastDigest": "2026-11-01T08:00:00Z", "lastTest": {"token": 3}, "unknown": 1}
    assert read_channel_status(found).to_dict() == {"lastDigest": "2026-11-01T08:00:00Z"}
    assert read_channel_status("wrong") == ChannelStatus()
