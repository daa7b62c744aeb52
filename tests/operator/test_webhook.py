"""The validating webhook: the operator as a process, asked by a real apiserver that has the chart's configuration."""

import asyncio
import base64
import shutil
import ssl
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from aiohttp.test_utils import unused_port
from cryptography import x509

from cluster.control_plane import ControlPlane
from graphcron.environ import CannotStart
from graphcron.http_server import Limits
from graphcron.operator import webhook
from tests.chart.helm import Manifest, one
from tests.support.chart_apiserver import graphcron as guarded
from tests.support.chart_apiserver import refusal
from tests.support.graphcron_apiserver import graphcron_apiserver
from tests.support.kubeconfig import cluster_and_user
from tests.support.operator_process import operator_by
from tests.support.until import until

ON = "webhook.enabled=true"
NAMESPACE = "ns"


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with graphcron_apiserver(tmp_path_factory.mktemp("plane"), NAMESPACE) as plane:
        yield plane


@pytest.fixture
def certificates(plane: ControlPlane, tmp_path: Path) -> Path:
    """A server's certificate for loopback, of an authority that the apiserver is told."""
    folder = tmp_path / "certificates"
    folder.mkdir()
    for ours, name in (("apiserver.crt", "tls.crt"), ("apiserver.key", "tls.key")):
        shutil.copy(plane.place.pki / ours, folder / name)
    return folder


def configuration(plane: ControlPlane, port: int) -> Manifest:
    """The chart's, which names a Service: the apiserver of this test reaches loopback alone."""
    found: Manifest = yaml.safe_load(yaml.safe_dump(one("ValidatingWebhookConfiguration", "ns-graphcron-webhook", ON)))
    (hook,) = found["webhooks"]
    bundle = base64.b64encode((plane.place.pki / "ca.crt").read_bytes()).decode()
    path = hook["clientConfig"]["service"]["path"]
    hook["clientConfig"] = {"url": f"https://127.0.0.1:{port}{path}", "caBundle": bundle}
    return found


async def test_it_refuses_what_cel_cannot_judge_and_fails_open(
    plane: ControlPlane, certificates: Path, tmp_path: Path
) -> None:
    port = unused_port()
    hooks = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
    settings = {
        "GRAPHCRON_WATCH_NAMESPACE": NAMESPACE,
        "GRAPHCRON_WEBHOOK_CERTIFICATES": str(certificates),
        "GRAPHCRON_WEBHOOK_PORT": str(port),
    }
    mars = guarded(timezone="Mars/Olympus")
    assert refusal(plane, mars) == "", "there is no webhook yet"
    cluster, user = cluster_and_user(plane.kubeconfig.read_text())
    async with operator_by(cluster, user, tmp_path / "operator", **settings) as process:
        plane.install(configuration(plane, port), hooks)
        await until(lambda: refusal(plane, mars))
        assert "Invalid timezone: 'Mars/Olympus'. Use IANA timezone format" in refusal(plane, mars)
        assert "It never fires" in refusal(plane, guarded(schedule="0 0 31 2 *"))
        assert refusal(plane, guarded()) == ""
        assert refusal(plane, guarded(input={"deep": nested(240)})) == ""
        process.terminate()
        await process.wait()
    assert refusal(plane, mars) == "", "a GraphCron can be written while the operator is down"


def nested(levels: int) -> Any:
    return [nested(levels - 1)] if levels else []


async def test_a_certificate_that_cannot_be_used_is_a_sentence(plane: ControlPlane, tmp_path: Path) -> None:
    settings = {"GRAPHCRON_WATCH_NAMESPACE": NAMESPACE, "GRAPHCRON_WEBHOOK_CERTIFICATES": str(tmp_path)}
    cluster, user = cluster_and_user(plane.kubeconfig.read_text())
    async with operator_by(cluster, user, tmp_path / "operator", **settings) as process:
        output, _ = await process.communicate()
    said = output.decode()
    assert process.returncode == 1
    assert f"graphcron operator: the webhook cannot serve with tls.crt and tls.key of {tmp_path}: " in said
    assert "Traceback" not in said


async def test_what_is_no_review_is_refused_and_the_next_one_answered(plane: ControlPlane, certificates: Path) -> None:
    port, trust = unused_port(), ssl.create_default_context(cafile=str(plane.place.pki / "ca.crt"))
    url = f"https://127.0.0.1:{port}{webhook.PATH}"

    seen = webhook.serving(certificates, port, lambda review: {"seen": review["request"]})
    async with seen, aiohttp.ClientSession() as client:
        for body in (b"", b"{", b"[]", b"{}", b"[" * 5000):
            async with client.post(url, data=body, ssl=trust) as answer:
                assert answer.status == 400
        async with client.post(url, data=BytesIO(b" " * (webhook.LARGEST_REVIEW + 1)), ssl=trust) as answer:
            assert answer.status == 413
        async with client.post(url, json={"request": 1}, ssl=trust) as answer:
            assert (answer.status, await answer.json()) == (200, {"seen": 1})


async def test_bodies_that_do_not_come_hold_nobody_up(
    plane: ControlPlane, certificates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "READ_SECONDS", 0.2)
    port, trust = unused_port(), ssl.create_default_context(cafile=str(plane.place.pki / "ca.crt"))
    head = f"POST {webhook.PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n".encode()

    async with webhook.serving(certificates, port, lambda review: review), aiohttp.ClientSession() as client:
        slow = [await asyncio.open_connection("127.0.0.1", port, ssl=trust) for _ in range(3 * webhook.AT_ONCE)]
        for _, writer in slow:
            writer.write(head)
        async with client.post(f"https://127.0.0.1:{port}{webhook.PATH}", json={}, ssl=trust) as answer:
            assert answer.status == 200
        for reader, writer in slow:
            assert (await reader.readline()).startswith(b"HTTP/1.1 408")
            writer.close()


async def test_slow_clients_are_ended_as_on_every_other_port(
    plane: ControlPlane, certificates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody proves to be an apiserver."""
    monkeypatch.setattr(webhook, "LIMITS", Limits(connections=5, header_seconds=0.2))
    port, trust = unused_port(), ssl.create_default_context(cafile=str(plane.place.pki / "ca.crt"))
    async with webhook.serving(certificates, port, lambda review: review):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trust)
        writer.write(f"POST {webhook.PATH} HTTP/1.1\r\nHost:".encode())
        async with asyncio.timeout(10):
            assert b"408" in await reader.read()
        writer.close()


async def test_a_taken_port_is_told_as_of_every_other_port(certificates: Path) -> None:
    port = unused_port()
    async with webhook.serving(certificates, port, lambda review: review):
        with pytest.raises(CannotStart, match=f"port {port} is in use by another process: .*GRAPHCRON_WEBHOOK_PORT"):
            async with webhook.serving(certificates, port, lambda review: review):
                pass


async def test_a_renewed_certificate_is_taken_without_a_restart(
    plane: ControlPlane, certificates: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(webhook, "RELOAD_SECONDS", 0.05)
    port = unused_port()

    def served() -> int:
        return x509.load_pem_x509_certificate(ssl.get_server_certificate(("127.0.0.1", port)).encode()).serial_number

    async def renewed() -> bool:
        return await asyncio.to_thread(served) != before

    async with webhook.serving(certificates, port, lambda review: review):
        before = await asyncio.to_thread(served)
        (certificates / "tls.crt").write_text("half written")
        await until(lambda: "the webhook keeps its certificate" in caplog.text)
        assert await asyncio.to_thread(served) == before
        shutil.copy(plane.place.pki / "etcd.crt", certificates / "tls.crt")
        shutil.copy(plane.place.pki / "etcd.key", certificates / "tls.key")
        await until(renewed, 10)
