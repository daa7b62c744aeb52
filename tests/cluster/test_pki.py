"""The certificates of a local cluster."""

import ssl
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import NameOID

from cluster import pki
from cluster.plan import Plan

PLAN = Plan(pods="10.19.0.0/22", services="10.19.240.0/20", ports={})


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_everybody_has_a_certificate_from_our_authority(tmp_path: Path) -> None:
    pki.ensure(tmp_path, PLAN)
    authority = x509.load_pem_x509_certificate((tmp_path / "ca.crt").read_bytes())
    for identity in pki.identities(PLAN):
        certificate = x509.load_pem_x509_certificate((tmp_path / f"{identity.name}.crt").read_bytes())
        certificate.verify_directly_issued_by(authority)
        assert certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == identity.user


def test_the_apiserver_may_be_called_by_address_and_by_service_name(tmp_path: Path) -> None:
    pki.ensure(tmp_path, PLAN)
    certificate = x509.load_pem_x509_certificate((tmp_path / "apiserver.crt").read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {str(address) for address in names.get_values_for_type(x509.IPAddress)} >= {"10.19.0.1", "10.19.240.1"}
    assert "kubernetes.default.svc" in names.get_values_for_type(x509.DNSName)


def test_a_client_that_holds_to_the_letter_of_rfc_5280_trusts_it(tmp_path: Path) -> None:
    """As Python does by default from 3.13 on."""
    pki.ensure(tmp_path, PLAN)
    strict, server = ssl.create_default_context(cafile=tmp_path / "ca.crt"), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    strict.verify_flags |= ssl.VERIFY_X509_STRICT
    server.load_cert_chain(tmp_path / "apiserver.crt", tmp_path / "apiserver.key")
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    client, other = strict.wrap_bio(back, there, server_hostname="localhost"), server.wrap_bio(there, back, True)
    for side in (client, other, client):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    assert client.version()


def test_keys_are_for_their_owner_only(tmp_path: Path) -> None:
    pki.ensure(tmp_path, PLAN)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.glob("*.key")} == {0o600}


def test_a_second_time_changes_nothing(tmp_path: Path) -> None:
    pki.ensure(tmp_path, PLAN)
    before = _contents(tmp_path)
    pki.ensure(tmp_path, PLAN)
    assert _contents(tmp_path) == before


def test_a_lost_certificate_is_made_anew_and_the_others_stay(tmp_path: Path) -> None:
    pki.ensure(tmp_path, PLAN)
    before = _contents(tmp_path)
    (tmp_path / "proxy.crt").unlink()
    pki.ensure(tmp_path, PLAN)
    changed = {name for name, content in _contents(tmp_path).items() if before[name] != content}
    assert changed == {"proxy.crt", "proxy.key"}


def test_a_lost_authority_takes_all_others_with_it(tmp_path: Path) -> None:
    pki.ensure(tmp_path, PLAN)
    before = _contents(tmp_path)
    (tmp_path / "ca.key").unlink()
    pki.ensure(tmp_path, PLAN)
    assert all(before[name] != content for name, content in _contents(tmp_path).items())
