"""GraphCrons through kubectl, as far as it takes a garbage collector; the rest is in tests/operator/test_kubectl.py."""

from examples.demo.session import Session, wait_for
from tests.e2e.conftest import no_operator
from tests.support.manifests import graphcron, ready


def test_without_an_operator_deleting_works_at_once_and_the_rest_waits_for_it(session: Session) -> None:
    session.apply(graphcron("orphan"), graphcron("changed"))
    ready(session, "orphan", "changed")
    with no_operator(session):
        session.kubectl("delete", "graphcron", "orphan", "--timeout=10s")
        wait_for("the CronJob to be collected", lambda: session.one("cronjob", "orphan") is None, 30)
        session.kubectl("patch", "graphcron", "changed", "--type=merge", "-p", '{"spec":{"schedule":"1 1 1 1 *"}}')
        session.apply(graphcron("made-meanwhile"))
    ready(session, "made-meanwhile")
    wait_for(
        "the edit to be caught up",
        lambda: (session.one("cronjob", "changed") or {})["spec"]["schedule"] == "1 1 1 1 *",
        20,
    )
