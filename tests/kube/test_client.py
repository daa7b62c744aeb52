"""The API client finds the apiserver where it runs."""

from pathlib import Path

import pytest

from graphcron.kube.client import Kube
from graphcron.kube.errors import Unavailable
from tests.support.certificates import self_signed
from tests.support.connect_proxy import ConnectProxy


async def test_in_a_pod_the_apiserver_is_reached_without_a_proxy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("s3cret")
    files = {"SERVICE_TOKEN_FILENAME": tmp_path / "token", "SERVICE_CERT_FILENAME": self_signed(tmp_path)}
    for name, file in files.items():
        monkeypatch.setattr(f"kubernetes.aio.config.incluster_config.{name}", str(file))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "1")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    proxy = ConnectProxy()
    with proxy.listening() as where:
        monkeypatch.setenv("https_proxy", f"http://{where}")
        async with Kube.connect() as kube:
            with pytest.raises(Unavailable):
                await kube.ready()
    assert proxy.asked == []
