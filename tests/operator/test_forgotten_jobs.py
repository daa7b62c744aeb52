"""A Job that Kubernetes' own controller has forgotten gets its next pod, since the operator touches it.

It waits for as long as that controller does, more than five minutes, so it runs with `--exhaustive` alone.
"""

import asyncio
import signal
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from aiohttp import web
from aiohttp.test_utils import TestServer

from cluster import kubeconfig
from cluster.control_plane import ControlPlane
from examples.demo.session import Session, wait_for
from tests.support.charts_operator import NAMESPACE, charts_operator
from tests.support.extent import Extent
from tests.support.graphcron_apiserver import graphcron_apiserver
from tests.support.manifests import graphcron, ready
from tests.support.until import until

PODS = "/api/v1/pods"
FORGOTTEN_SECONDS = 420
GONE = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Expired", "code": 410}
OF_ONE_CONNECTION = ("Host", "Content-Length", "Transfer-Encoding", "Accept-Encoding", "Content-Encoding")


class Blindfold:
    """Stands between the controller manager and the apiserver. While `on`, no change of a pod is seen, and what
    happened meanwhile is never shown: the pods have to be listed anew, as after a restart of the apiserver."""

    def __init__(self, url: str, trust: ssl.SSLContext) -> None:
        self._url, self._trust = url, trust
        self.on = False
        self._expired = False
        self._session: aiohttp.ClientSession

    @contextmanager
    def serving(self) -> Iterator[str]:
        """In a thread of its own."""
        url: list[str] = []
        begun, over = threading.Event(), threading.Event()

        async def serve() -> None:
            app = web.Application(client_max_size=2**24)
            app.router.add_route("*", "/{path:.*}", self._handle)
            connector = aiohttp.TCPConnector(ssl=self._trust, limit=0)
            async with (
                aiohttp.ClientSession(connector=connector, auto_decompress=False) as self._session,
                TestServer(app) as server,
            ):
                url.append(str(server.make_url("")).rstrip("/"))
                begun.set()
                await asyncio.to_thread(over.wait)

        thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
        thread.start()
        assert begun.wait(20)
        try:
            yield url[0]
        finally:
            over.set()
            thread.join(20)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        watches_pods = request.path == PODS and "watch" in request.query
        if watches_pods and self._expired and "sendInitialEvents" not in request.query:
            self._expired = False
            return web.json_response(GONE, status=410)
        headers = {name: value for name, value in request.headers.items() if name not in OF_ONE_CONNECTION}
        headers["Accept-Encoding"] = "identity"
        try:
            async with self._session.request(
                request.method, self._url + request.path_qs, headers=headers, data=await request.read() or None,
                timeout=aiohttp.ClientTimeout(total=None),
            ) as answer:  # fmt: skip
                response = web.StreamResponse(
                    status=answer.status, headers={"Content-Type": answer.headers["Content-Type"]}
                )
                await response.prepare(request)
                async for chunk in answer.content.iter_any():
                    if watches_pods and self.on:
                        await until(lambda: not self.on, FORGOTTEN_SECONDS)
                        self._expired = True
                        break  # what was to be told is lost
                    await response.write(chunk)
                return response
        except aiohttp.ClientError as error:
            return web.json_response({"kind": "Status", "code": 502, "message": str(error)}, status=502)


def through(plane: ControlPlane, url: str) -> None:
    """Have the controller manager reach the apiserver at that URL."""
    file = kubeconfig.path_of(plane.place, "controller-manager")
    config = yaml.safe_load(file.read_text())
    config["clusters"][0]["cluster"] = {"server": url}
    config["users"][0]["user"] = {}
    file.write_text(yaml.safe_dump(config))


def pods(session: Session) -> list[dict[str, Any]]:
    return session.get("pods", "-l", "graphcron.dev/graphcron=forgotten")


def test_a_job_whose_pod_came_and_went_unseen_gets_another(tmp_path: Path, extent: Extent) -> None:
    if not extent.exhaustive:
        pytest.skip("it takes seven minutes")
    with graphcron_apiserver(tmp_path, NAMESPACE) as plane:
        trust = ssl.create_default_context(cafile=plane.place.pki / "ca.crt")
        trust.load_cert_chain(plane.place.pki / "admin.crt", plane.place.pki / "admin.key")
        blindfold = Blindfold(plane.url, trust)
        with blindfold.serving() as url, charts_operator(plane, tmp_path):
            through(plane, url)
            plane.controllers = True
            plane.start()
            session = Session(NAMESPACE, plane.place)
            session.apply(graphcron("seen"), graphcron("forgotten"))
            ready(session, "seen", "forgotten")
            session.kubectl("create", "job", "--from=cronjob/seen", "seen-by-hand")
            wait_for("a pod of the other", lambda: session.get("pods", "-l", "graphcron.dev/graphcron=seen"), 60)

            blindfold.on = True
            session.kubectl("create", "job", "--from=cronjob/forgotten", "forgotten-by-hand")
            (pod,) = wait_for("its pod", lambda: pods(session), 60)
            name = pod["metadata"]["name"]
            session.kubectl("delete", "pod", name, "--grace-period=0", "--force", "--wait=false")
            blindfold.on = False
            wait_for("the end of its pod", lambda: not pods(session), 60)

            (again,) = wait_for("another pod", lambda: pods(session), FORGOTTEN_SECONDS, every=2)
            assert again["metadata"]["name"] != name
            job = session.one("job", "forgotten-by-hand") or {}
            assert "graphcron.dev/touched" in job["metadata"].get("annotations", {})
            plane.send("kube-controller-manager", signal.SIGKILL)  # before what it is connected to
