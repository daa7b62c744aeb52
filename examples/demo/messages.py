"""What the notifier tells, seen: a receiver in the cluster prints the messages about the cron that fails."""

import json

from cluster.deploy import NAMESPACE
from cluster.paths import HERE
from examples.demo import crons
from examples.demo.screen import Screen
from examples.demo.session import Session, wait_for

FILE = "examples/demo/messages.yaml"
RECEIVER, CHANNEL = "message-receiver", "messages"
HOST = f"{RECEIVER}.{NAMESPACE}.svc"
VALUES = (
    *("--set", "notifier.enabled=true", "--set", f"notifier.allowedHosts={{{HOST}}}"),
    *("--set-json", f"notifier.secrets={json.dumps([{'namespace': NAMESPACE, 'names': [RECEIVER]}])}"),
)
"""Of the release: messages go to the receiver alone, and the notifier reads its Secret alone."""
SECONDS = 60.0


def create(session: Session, screen: Screen) -> None:
    """The receiver and the channel that leads to it. The cron that fails names the channel."""
    screen.command("kubectl", "-n", session.namespace, "apply", "-f", FILE)
    screen.output(session.kubectl("apply", "-f", HERE.root / FILE))
    session.kubectl("rollout", "status", f"deployment/{RECEIVER}", "--timeout=60s")


def look(session: Session, screen: Screen) -> None:
    """A test of the channel, and what the receiver got when the cron failed."""
    crons.graphcron(session, screen, "channel", "test", CHANNEL)
    crons.graphcron(session, screen, "channel", "list")
    wait_for(f"the message that {crons.FAILS} has failed", lambda: told(session), SECONDS)
    screen.command("kubectl", "-n", session.namespace, "logs", f"deployment/{RECEIVER}")
    screen.output(session.kubectl("logs", f"deployment/{RECEIVER}"))


def told(session: Session) -> bool:
    """Whether the failure is delivered, by the status of the cron and by the receiver."""
    status = (session.one("graphcron", crons.FAILS) or {}).get("status", {})
    delivered = any(
        (record["event"], record["state"]) == ("Failed", "Delivered") for record in status.get("notifications", [])
    )
    return delivered and "dev.graphcron.failed" in session.kubectl("logs", f"deployment/{RECEIVER}")


def delete(session: Session, screen: Screen) -> None:
    """All of it."""
    screen.command("kubectl", "-n", session.namespace, "delete", "-f", FILE)
    screen.output(session.kubectl("delete", "-f", HERE.root / FILE))
