"""Makes the cluster's certificates: its own authority, and one for each part that has to prove itself."""

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cluster import files
from cluster.plan import Plan

NODE = "graphcron"
"""The node's name in Kubernetes; it need not be the machine's."""

FRONT_PROXY = "front-proxy-client"
"""As whom the apiserver speaks to extension API servers; only it may speak there for others."""

_VALID = timedelta(days=3650)  # a development cluster must not die of old age
_BACKDATED = timedelta(days=1)  # clocks of virtual machines jump


@dataclass(frozen=True)
class Identity:
    """What one certificate says: who it is (user and group, for the apiserver) and under which names it serves."""

    name: str
    user: str
    group: str = ""
    serves: tuple[str, ...] = ()


def identities(plan: Plan) -> list[Identity]:
    """Everybody who needs a certificate; users and groups are those that RBAC's defaults know."""
    name = "kubernetes.default.svc.cluster.local"
    service = ("kubernetes", "kubernetes.default", "kubernetes.default.svc", name, plan.kubernetes_service)
    loopback = ("localhost", "127.0.0.1")
    return [
        Identity("apiserver", "kube-apiserver", serves=(*loopback, *service, plan.gateway)),
        Identity("etcd", "etcd", serves=loopback),
        Identity("controller-manager", "system:kube-controller-manager", serves=loopback),
        Identity("scheduler", "system:kube-scheduler", serves=loopback),
        Identity("kubelet", f"system:node:{NODE}", "system:nodes", serves=(NODE, plan.gateway)),
        Identity("kubelet-client", "kube-apiserver-kubelet-client", "system:masters"),
        Identity("proxy", "system:kube-proxy"),
        Identity("front-proxy", FRONT_PROXY),
        Identity("coredns", "graphcron:coredns"),
        Identity("admin", "kubernetes-admin", "system:masters"),
    ]


def ensure(folder: Path, plan: Plan) -> None:
    """Make every key and certificate that is missing; without the authority's key, make all of them anew."""
    authority, authority_key = folder / "ca.crt", folder / "ca.key"
    fresh = not (authority.exists() and authority_key.exists())
    if fresh:
        key = _new_key(authority_key)
        files.write(authority, _certificate(Identity("ca", "graphcron local cluster"), key, None))
    if fresh or not (folder / "service-account.key").exists():
        _new_key(folder / "service-account.key")
    issuer = (x509.load_pem_x509_certificate(authority.read_bytes()), _load_key(authority_key))
    for identity in identities(plan):
        certificate, private = folder / f"{identity.name}.crt", folder / f"{identity.name}.key"
        if fresh or not (certificate.exists() and private.exists()):
            certificate.unlink(missing_ok=True)  # so that a kill in between leaves no mismatched pair
            files.write(certificate, _certificate(identity, _new_key(private), issuer))


def _new_key(path: Path) -> ec.EllipticCurvePrivateKey:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    files.write(path, pem, mode=0o600)
    return key


def _load_key(path: Path) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


def _certificate(
    identity: Identity,
    key: ec.EllipticCurvePrivateKey,
    issuer: tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None,
) -> bytes:
    """A certificate signed by the issuer; without one, an authority that signs itself."""
    names = [x509.NameAttribute(NameOID.COMMON_NAME, identity.user)]
    if identity.group:
        names.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, identity.group))
    subject = x509.Name(names)
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + _VALID)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if issuer:
        issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer[1].public_key())
        usages = [ExtendedKeyUsageOID.CLIENT_AUTH]
        if identity.serves:
            usages.append(ExtendedKeyUsageOID.SERVER_AUTH)
        builder = builder.add_extension(issuer_key, critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    else:
        # RFC 5280 wants an authority to say so, and from 3.13 on Python does.
        builder = builder.add_extension(_SIGNS, critical=True)
    if identity.serves:
        alternatives = x509.SubjectAlternativeName([_alternative(name) for name in identity.serves])
        builder = builder.add_extension(alternatives, critical=False)
    signed = builder.sign(issuer[1] if issuer else key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM)


_SIGNS = x509.KeyUsage(
    key_cert_sign=True, crl_sign=True, digital_signature=True, content_commitment=False, key_encipherment=False,
    data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
)  # fmt: skip


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
