"""Specs of GraphCrons whose graph runs in the pod."""

from typing import Any

from graphcron.resource.spec import IN_POD_NEEDS_IMAGE, IN_POD_NEVER, IN_POD_ONLY, IN_POD_THREAD
from graphcron.resource.spec_parts import ENV_FROM_ONE

IMAGE = "registry.example/team/agent:1"
IN_POD: dict[str, Any] = {"engine": "inPod", "image": IMAGE}
SECRET = {"name": "threads", "key": "url"}
THREAD = "11111111-2222-4333-8444-555555555555"

UNFIT = {
    "no image": ({"engine": "inPod"}, IN_POD_NEEDS_IMAGE),
    "an image without the engine": ({"image": IMAGE}, IN_POD_ONLY),
    "a checkpointer for the Agent Server": (
        {"engine": "agentServer", "checkpointer": {"urlSecretRef": SECRET}},
        IN_POD_ONLY,
    ),
    "variables for the Agent Server": ({"envFrom": [{"secretRef": {"name": "keys"}}]}, IN_POD_ONLY),
    "a folder for the Agent Server": ({"workingDir": "/app"}, IN_POD_ONLY),
    "a server": (IN_POD | {"server": {"url": "http://a.example"}}, IN_POD_NEVER),
    "a webhook": (IN_POD | {"webhook": "https://a.example"}, IN_POD_NEVER),
    "a strategy for busy threads": (IN_POD | {"multitaskStrategy": "reject"}, IN_POD_NEVER),
    "the deprecated checkpointDuring": (IN_POD | {"checkpointDuring": True}, IN_POD_NEVER),
    "a thread that nothing keeps": (IN_POD | {"threadId": THREAD}, IN_POD_THREAD),
    "variables from nowhere": (IN_POD | {"envFrom": [{}]}, ENV_FROM_ONE),
    "variables from two at once": (
        IN_POD | {"envFrom": [{"secretRef": {"name": "a"}, "configMapRef": {"name": "b"}}]},
        ENV_FROM_ONE,
    ),
}
