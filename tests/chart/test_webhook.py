"""The validating webhook in the chart: off unless asked for, and where its certificate comes from."""

import base64

import pytest
from cryptography import x509

from graphcron.operator.settings import OperatorSettings
from graphcron.operator.webhook import PATH
from tests.chart.helm import CHART, URL, Manifest, helm, kinds, one, operator_container, render

ON = "webhook.enabled=true"
NAME = "graphcron-webhook"
OWN = (ON, "webhook.existingSecret=mine", "webhook.caBundle=QUJD")
CERT_MANAGER = (ON, "webhook.certManager.enabled=true")


def hook(*values: str) -> Manifest:
    (found,) = one("ValidatingWebhookConfiguration", f"ns-{NAME}", *values)["webhooks"]
    return dict(found)


def operator(*values: str) -> tuple[Manifest, Manifest]:
    """The pod spec, and its container."""
    spec = one("Deployment", "graphcron-operator", *values)["spec"]["template"]["spec"]
    return spec, operator_container(*values)


def test_it_is_off_unless_asked_for() -> None:
    assert not {"ValidatingWebhookConfiguration", "Secret"} & kinds()
    spec, container = operator()
    assert [volume["name"] for volume in spec["volumes"]] == ["state"]
    assert "webhook" not in str(container)


def test_the_apiserver_asks_the_operator_and_goes_on_without_an_answer() -> None:
    found = hook(ON)
    assert (found["failurePolicy"], found["sideEffects"]) == ("Ignore", "None")
    assert found["clientConfig"]["service"] == {"name": NAME, "namespace": "ns", "path": PATH, "port": 443}
    (rule,) = found["rules"]
    assert (rule["resources"], rule["operations"]) == (["graphcrons"], ["CREATE", "UPDATE"])
    service = one("Service", NAME, ON)["spec"]
    template = one("Deployment", "graphcron-operator", ON)["spec"]["template"]
    assert service["selector"].items() <= template["metadata"]["labels"].items()
    (port,) = service["ports"]
    _, container = operator(ON)
    settings = OperatorSettings.read({"GRAPHCRON_RUN_IMAGE": "graphcron:1"})
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports[port["targetPort"]] == settings.webhook_port


def test_in_one_namespace_it_is_asked_about_that_namespace_alone() -> None:
    selected = hook(ON, "scope=namespace")["namespaceSelector"]
    assert selected == {"matchLabels": {"kubernetes.io/metadata.name": "ns"}}
    assert "namespaceSelector" not in hook(ON)


def test_a_certificate_of_the_chart_is_for_the_service_and_of_the_authority_that_the_apiserver_is_told() -> None:
    values = render(ON)  # one rendering: the next one has another certificate
    (secret,) = [item for item in values if item["kind"] == "Secret"]
    (configuration,) = [item for item in values if item["kind"] == "ValidatingWebhookConfiguration"]
    bundle = configuration["webhooks"][0]["clientConfig"]["caBundle"]
    assert bundle == secret["data"]["ca.crt"]
    served, authority = (
        x509.load_pem_x509_certificate(base64.b64decode(secret["data"][name])) for name in ("tls.crt", "ca.crt")
    )
    served.verify_directly_issued_by(authority)
    names = served.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert f"{NAME}.ns.svc" in names.get_values_for_type(x509.DNSName)


@pytest.mark.parametrize(
    ("values", "secret"), [((ON,), NAME), (OWN, "mine"), (CERT_MANAGER, NAME)], ids=["chart", "own", "cert-manager"]
)
def test_the_operator_has_the_certificate_where_it_looks_for_it(values: tuple[str, ...], secret: str) -> None:
    extra = 'operator.extraVolumes:=[{"name":"x","emptyDir":{}}]'
    mounted = 'operator.extraVolumeMounts:=[{"name":"x","mountPath":"/x"}]'
    spec, container = operator(*values, extra, mounted)
    mount = {"name": "webhook", "mountPath": "/etc/graphcron/webhook", "readOnly": True}
    assert container["volumeMounts"][1:] == [mount, {"name": "x", "mountPath": "/x"}]
    volume = {"name": "webhook", "secret": {"secretName": secret, "defaultMode": 0o440}}
    assert spec["volumes"][1:] == [volume, {"name": "x", "emptyDir": {}}]
    given = {entry["name"]: entry.get("value", "x") for entry in container["env"]}
    assert OperatorSettings.read(given).webhook_certificates == mount["mountPath"]


def test_cert_manager_makes_it_and_tells_the_apiserver_its_authority() -> None:
    assert "Secret" not in kinds(*CERT_MANAGER)
    configuration = one("ValidatingWebhookConfiguration", f"ns-{NAME}", *CERT_MANAGER)
    assert configuration["metadata"]["annotations"] == {"cert-manager.io/inject-ca-from": f"ns/{NAME}"}
    assert "caBundle" not in configuration["webhooks"][0]["clientConfig"]
    certificate = one("Certificate", NAME, *CERT_MANAGER)["spec"]
    assert certificate["dnsNames"] == [f"{NAME}.ns.svc"]
    assert (certificate["secretName"], certificate["issuerRef"]) == (NAME, {"name": NAME, "kind": "Issuer"})
    assert one("Issuer", NAME, *CERT_MANAGER)["spec"] == {"selfSigned": {}}
    company = (*CERT_MANAGER, "webhook.certManager.issuerRef.name=company")
    assert one("Certificate", NAME, *company)["spec"]["issuerRef"] == {"name": "company"}
    assert "Issuer" not in kinds(*company)


REFUSED = {
    "two certificates": ((*OWN, *CERT_MANAGER), "webhook.existingSecret and webhook.certManager are both set"),
    "a certificate of an unknown authority": ((ON, "webhook.existingSecret=mine"), "webhook.caBundle is not set"),
    "an authority that is no base64": ((*OWN[:2], "webhook.caBundle=-----"), "/webhook/caBundle"),
}


@pytest.mark.parametrize(("values", "sentence"), REFUSED.values(), ids=REFUSED)
def test_wrong_values_are_refused_with_a_sentence(values: tuple[str, ...], sentence: str) -> None:
    done = helm("template", "graphcron", str(CHART), *(w for v in (URL, *values) for w in ("--set", v)))
    assert done.returncode != 0
    assert sentence in done.stderr
