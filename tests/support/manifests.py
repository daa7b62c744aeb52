"""GraphCrons and Services for kubectl, and the wait for them."""

from typing import Any

from examples.demo.session import Session


def graphcron(name: str, **spec: Any) -> dict[str, Any]:
    """A manifest that fires once a year unless it says otherwise."""
    return {
        "apiVersion": "graphcron.dev/v1",
        "kind": "GraphCron",
        "metadata": {"name": name},
        "spec": {"schedule": "0 0 1 1 *", "assistantId": "agent"} | spec,
    }


def service(name: str, selector: dict[str, str]) -> dict[str, Any]:
    """An Agent Server by another name: of the pods that are selected, which may be none."""
    ports = [{"name": "http", "port": 80, "targetPort": "http"}]
    spec = {"selector": selector, "ports": ports}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def ready(session: Session, *names: str) -> None:
    """Wait as a user would."""
    session.kubectl("wait", "--for=condition=Ready", "--timeout=60s", *(f"graphcron/{name}" for name in names))
