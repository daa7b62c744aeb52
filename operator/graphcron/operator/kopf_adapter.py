"""The kopf adapter: runs the operator by kopf's startup and cleanup handlers. The only module that imports kopf.

kopf starts the operator, waits for SIGTERM or SIGINT, and stops it. It registers no handler of a resource and writes
nothing: docs/adr/0002-what-kopf-is-used-for.md says why.
"""

import asyncio
import itertools
import logging
from collections.abc import Iterator
from typing import Any, Protocol

import kopf

from graphcron.environ import CannotStart


class Runnable(Protocol):
    async def start(self) -> None:
        """Raises CannotStart."""

    async def stop(self) -> None: ...


class Backoffs:
    """Seconds between attempts of kopf's own requests. Without end: at the end of its list kopf gives up, and an
    apiserver may be away for longer than that."""

    def __iter__(self) -> Iterator[float]:
        return itertools.chain((1, 2, 3, 5, 8, 13), itertools.repeat(20))


async def run_kopf(operator: Runnable, namespace: str | None, identity: str) -> None:
    """Run the operator until SIGTERM or SIGINT, in one namespace or in the whole cluster for None; `identity` is this
    replica's name. Raises CannotStart."""
    registry = kopf.OperatorRegistry()
    failures: list[CannotStart] = []
    # Who starts the process says it, once.
    logging.getLogger("kopf.activities.startup").addFilter(lambda record: not failures)

    # A failure ends the process, which Kubernetes restarts: kopf would call the handler again on what it left behind.
    @kopf.on.startup(registry=registry, errors=kopf.ErrorsMode.PERMANENT)
    async def _start(settings: kopf.OperatorSettings, **_: object) -> None:
        settings.posting.enabled = False  # the controller records events itself
        settings.scanning.disabled = True  # no list or watch of CRDs and namespaces
        settings.networking.request_timeout = 30
        settings.networking.error_backoffs = Backoffs()
        try:
            await operator.start()
        except CannotStart as error:
            failures.append(error)
            raise kopf.PermanentError(str(error)) from None
        except asyncio.CancelledError:
            # kopf would give each task that is left five seconds, and take the failure of one for its own.
            await operator.stop()
            raise

    @kopf.on.cleanup(registry=registry, errors=kopf.ErrorsMode.PERMANENT)
    async def _stop(**_: object) -> None:
        await operator.stop()

    @kopf.on.login(registry=registry)
    async def _login(**given: Any) -> kopf.ConnectionInfo | None:
        # The pod's own account; outside of a cluster, KUBECONFIG.
        return kopf.login_with_service_account(**given) or kopf.login_with_kubeconfig(**given)

    scope: dict[str, Any] = {"namespaces": [namespace]} if namespace else {"clusterwide": True}
    # Without an identity kopf asks for the user's name, and a container's user id need not have one.
    scope["identity"] = identity
    try:
        await kopf.operator(registry=registry, standalone=True, **scope)
    except Exception:
        if failures:
            raise failures[0] from None
        raise
