"""How a run pod reaches its Agent Server: whom it trusts, and through which proxy it goes."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from graphcron.firing.outcome import EXIT_DONE, EXIT_REFUSED, EXIT_TRY_AGAIN
from tests.support.agent_server_fake import AgentServerFake
from tests.support.certificates import self_signed, serving_with
from tests.support.connect_proxy import ConnectProxy
from tests.support.run_pod import Pod


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return self_signed(tmp_path)


@pytest.fixture
def pod(server: AgentServerFake, tmp_path: Path, certificate: Path) -> Iterator[Pod]:
    """Of a server that has a private certificate."""
    with server.listening(tls=serving_with(certificate)) as url:
        pod = Pod(tmp_path, url)
        pod.environ["GRAPHCRON_START_PATIENCE_SECONDS"] = "0.5"
        yield pod


class TestTrust:
    def test_a_private_authority_is_not_trusted_and_the_message_says_where_to_name_it(
        self, pod: Pod, server: AgentServerFake
    ) -> None:
        code, outcome = pod.run()
        assert (code, outcome.reason, server.requests) == (EXIT_REFUSED, "CertificateNotTrusted", [])
        assert "spec.server.caConfigMapKeyRef" in outcome.message
        assert "agentServer.caConfigMap" in outcome.message

    @pytest.mark.parametrize("variable", ["AGENT_SERVER_CA_FILE", "AGENT_SERVER_EXTRA_CA_FILE"])
    def test_one_that_is_given_is(self, pod: Pod, certificate: Path, variable: str) -> None:
        pod.environ[variable] = str(certificate)
        assert pod.run()[0] == EXIT_DONE

    def test_another_one_is_not(self, pod: Pod, tmp_path: Path) -> None:
        pod.environ["AGENT_SERVER_CA_FILE"] = str(self_signed(tmp_path, name="other"))
        assert pod.run()[1].reason == "CertificateNotTrusted"

    @pytest.mark.parametrize(("variable", "trusted"), [("CA", False), ("EXTRA_CA", True)], ids="instead beside".split())
    def test_it_counts_instead_of_the_systems_or_beside_them(
        self, pod: Pod, tmp_path: Path, certificate: Path, variable: str, trusted: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        pod.environ[f"AGENT_SERVER_{variable}_FILE"] = str(self_signed(tmp_path, name="other"))
        assert (pod.run()[0] == EXIT_DONE) is trusted

    def test_a_certificate_of_another_name_is_no_matter_of_authorities(self, pod: Pod, certificate: Path) -> None:
        pod.environ["AGENT_SERVER_CA_FILE"] = str(certificate)
        pod.environ["AGENT_SERVER_URL"] = pod.environ["AGENT_SERVER_URL"].replace("127.0.0.1", "localhost")
        outcome = pod.run()[1]
        assert outcome.reason == "CertificateNotTrusted"
        assert outcome.message.endswith("write a name of the certificate into the URL")

    def test_one_that_has_expired_is_to_be_renewed(self, server: AgentServerFake, tmp_path: Path) -> None:
        certificate = self_signed(tmp_path, ends=-timedelta(hours=1))
        with server.listening(tls=serving_with(certificate)) as url:
            pod = Pod(tmp_path, url)
            pod.environ["AGENT_SERVER_CA_FILE"] = str(certificate)
            assert pod.run()[1].message.endswith("renew the server's certificate")

    @pytest.mark.parametrize("variable", ["AGENT_SERVER_CA_FILE", "AGENT_SERVER_EXTRA_CA_FILE"])
    def test_a_file_without_certificates_is_named(self, pod: Pod, variable: str, tmp_path: Path) -> None:
        pod.environ[variable] = str(tmp_path / "order.json")
        code, outcome = pod.run()
        assert (code, outcome.reason) == (EXIT_REFUSED, "CaFileInvalid")
        assert "order.json" in outcome.message


PASSWORD = "s3cret/%"


class TestProxies:
    """The name of the server is known to the proxy alone."""

    @pytest.fixture
    def proxy(self) -> ConnectProxy:
        return ConnectProxy()

    def through(self, pod: Pod, certificate: Path, proxy: str) -> Pod:
        pod.environ |= {
            "AGENT_SERVER_URL": pod.environ["AGENT_SERVER_URL"].replace("127.0.0.1", "agents.invalid"),
            "AGENT_SERVER_CA_FILE": str(certificate),
            "HTTPS_PROXY": proxy,
        }
        return pod

    def test_tls_goes_through_the_proxy_and_is_verified(
        self, pod: Pod, server: AgentServerFake, certificate: Path, proxy: ConnectProxy
    ) -> None:
        with proxy.listening() as where:
            through = self.through(pod, certificate, f"http://{where}")
            assert through.run()[0] == EXIT_DONE
            assert len(server.started) == 1
            assert len(proxy.asked) == len(server.requests)
            assert {line.partition(":")[0] for line in proxy.asked} == {"CONNECT agents.invalid"}
            del through.environ["AGENT_SERVER_CA_FILE"]
            assert through.run()[1].reason == "CertificateNotTrusted"

    def test_plain_http_goes_through_the_proxy(
        self, server: AgentServerFake, tmp_path: Path, proxy: ConnectProxy
    ) -> None:
        server.prefix = "/agents/one"
        with server.listening() as url, proxy.listening() as where:
            pod = Pod(tmp_path, url.replace("127.0.0.1", "agents.invalid"))
            pod.environ["HTTP_PROXY"] = where
            assert pod.run()[0] == EXIT_DONE
        assert all("http://agents.invalid:" in line for line in proxy.asked)
        assert len(proxy.asked) == len(server.requests)
        assert {headers["Host"].partition(":")[0] for headers in server.headers} == {"agents.invalid"}

    def test_what_no_proxy_lists_is_reached_directly(
        self, pod: Pod, certificate: Path, server: AgentServerFake, proxy: ConnectProxy
    ) -> None:
        with proxy.listening() as where:
            pod.environ |= {"HTTPS_PROXY": f"http://{where}", "NO_PROXY": "10.0.0.0/8,127.0.0.0/8"}
            pod.environ["AGENT_SERVER_CA_FILE"] = str(certificate)
            assert pod.run()[0] == EXIT_DONE
        assert proxy.asked == []

    @pytest.mark.parametrize("tls", [True, False], ids="tls plain".split())
    def test_a_proxy_that_asks_for_credentials_gets_them_and_nobody_else_does(
        self, server: AgentServerFake, tmp_path: Path, certificate: Path, tls: bool, capsys: pytest.CaptureFixture[str]
    ) -> None:
        proxy = ConnectProxy(f"ann:{PASSWORD}")
        with proxy.listening() as where, server.listening(tls=serving_with(certificate) if tls else None) as url:
            pod = Pod(tmp_path, url.replace("127.0.0.1", "agents.invalid"))
            pod.environ["AGENT_SERVER_CA_FILE"] = str(certificate)
            name = "HTTPS_PROXY" if tls else "HTTP_PROXY"
            pod.environ[name] = f"http://ann:s3cret%2F%25@{where}"
            assert pod.run()[0] == EXIT_DONE
            assert not any("proxy-authorization" in map(str.lower, headers) for headers in server.headers)
            pod.environ |= {name: f"http://ann:wr0ng@{where}", "GRAPHCRON_JOB_UID": "another"}
            code, outcome = pod.run()
        assert (code, outcome.reason) == (EXIT_REFUSED, "ProxyRefused")
        assert f"by the proxy {where}: the proxy answered 407" in outcome.message
        said = capsys.readouterr().out + outcome.message
        assert not [secret for secret in ("s3cret", "wr0ng", PASSWORD) if secret in said]

    def test_a_proxy_that_cannot_reach_the_server_is_for_the_next_attempt(
        self, pod: Pod, certificate: Path, proxy: ConnectProxy
    ) -> None:
        proxy.refuses = 503
        with proxy.listening() as where:
            code, outcome = self.through(pod, certificate, f"http://{where}").run()
        assert (code, outcome.reason) == (EXIT_TRY_AGAIN, "AgentServerUnreachable")
        assert f"by the proxy {where}: the proxy answered 503" in outcome.message

    def test_a_proxy_that_is_away_is_named(self, pod: Pod, certificate: Path, proxy: ConnectProxy) -> None:
        with proxy.listening() as where:
            pass
        code, outcome = self.through(pod, certificate, f"http://ann:s3cret@{where}").run()
        assert (code, outcome.reason) == (EXIT_TRY_AGAIN, "AgentServerUnreachable")
        assert outcome.message.endswith(f"by the proxy {where}: connection refused")

    @pytest.mark.parametrize("url", ["https://proxy:1", "socks5://ann:s3cret@proxy", "http://ann:s3cret@[", "http://"])
    def test_a_proxy_that_is_none_is_refused_and_not_quoted(self, pod: Pod, certificate: Path, url: str) -> None:
        code, outcome = self.through(pod, certificate, url).run()
        assert (code, outcome.reason) == (EXIT_REFUSED, "ProxyInvalid")
        assert "s3cret" not in outcome.message

    def test_the_environment_of_the_process_does_not_count(
        self, pod: Pod, certificate: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The runner reads the environment that it is given, which in a pod is the process's."""
        monkeypatch.setitem(os.environ, "HTTPS_PROXY", "http://127.0.0.1:1")
        pod.environ["AGENT_SERVER_CA_FILE"] = str(certificate)
        assert pod.run()[0] == EXIT_DONE
