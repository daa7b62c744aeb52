"""Which URLs are reached through the proxy of the environment."""

import pytest

from graphcron.firing.proxies import proxy_of

HTTP, HTTPS = "http://plain:3128", "http://tls:3128"
BOTH = {"HTTP_PROXY": HTTP, "HTTPS_PROXY": HTTPS}


@pytest.mark.parametrize(
    ("url", "environ", "proxy"),
    [
        ("http://a.example", {}, None),
        ("http://a.example/x", BOTH, HTTP),
        ("https://a.example", BOTH, HTTPS),
        ("HTTPS://A.example", BOTH, HTTPS),
        ("https://a.example", {"HTTP_PROXY": HTTP}, None),
        ("https://a.example", BOTH | {"https_proxy": "http://lower:1"}, "http://lower:1"),
        ("https://a.example", {"HTTPS_PROXY": " "}, None),
        ("ftp://a.example", BOTH | {"ftp_proxy": "x"}, None),
        ("https://[", BOTH, None),
        ("", BOTH, None),
    ],
)
def test_a_url_has_the_proxy_of_its_scheme(url: str, environ: dict[str, str], proxy: str | None) -> None:
    assert proxy_of(url, environ) == proxy


@pytest.mark.parametrize(
    ("host", "direct", "is_direct"),
    [
        ("a.example", "*", True),
        ("a.example", "b.example, a.example", True),
        ("a.example", "A.Example", True),
        ("a.example.", "a.example", True),
        ("x.a.example", "a.example", True),
        ("x.a.example", ".a.example", True),
        ("x.a.example", "*.a.example", True),
        ("a.example", ".a.example", True),
        ("xa.example", "a.example", False),
        ("agent.default.svc", ".svc,.cluster.local", True),
        ("agent.default.svc.cluster.local", ".svc,.cluster.local", True),
        ("agent-svc", ".svc", False),
        ("a.example:8443", "a.example:8443", True),
        ("a.example:8443", "a.example:443", False),
        ("a.example", "a.example:443", True),
        ("10.1.2.3", "10.0.0.0/8", True),
        ("11.1.2.3", "10.0.0.0/8", False),
        ("a.example", "10.0.0.0/8", False),
        ("10.1.2.3", "10.1.2.3", True),
        ("[fd00::1]", "fd00::/8", True),
        ("[fd00::1]", "[fd00::1]:443", True),
        ("10.1.2.3", "10.0.0.0/99 nonsense/x", False),
        ("a.example", "", False),
        ("a.example", ",. ,", False),
    ],
)
def test_no_proxy_lists_what_is_reached_directly(host: str, direct: str, is_direct: bool) -> None:
    assert proxy_of(f"https://{host}/", BOTH | {"NO_PROXY": direct}) == (None if is_direct else HTTPS)
