"""GraphCrons through kubectl: what is shown, what heals, what a restart costs, what is refused.

An apiserver of the test's own, and the operator as a process with the rights that the chart gives it.
"""

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from cluster.control_plane import ControlPlane
from cluster.errors import ClusterError
from examples.demo.session import Session, wait_for
from tests.support.charts_operator import ACCOUNT, NAMESPACE, ChartsOperator, charts_operator
from tests.support.graphcron_apiserver import graphcron_apiserver
from tests.support.manifests import graphcron, ready


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with graphcron_apiserver(tmp_path_factory.mktemp("plane"), NAMESPACE) as plane:
        yield plane


@pytest.fixture(scope="module")
def operator(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChartsOperator]:
    with charts_operator(plane, tmp_path_factory.mktemp("operator")) as operator:
        yield operator


@pytest.fixture(scope="module")
def session(plane: ControlPlane, operator: ChartsOperator) -> Session:
    return Session(NAMESPACE, plane.place)


def test_right_after_apply_it_shows_schedule_zone_next_run_and_ready(session: Session) -> None:
    session.apply(graphcron("shown", schedule="30 9 * * mon-fri", timezone="Europe/Berlin"))
    ready(session, "shown")
    header, row = session.kubectl("get", "gcron", "shown").splitlines()
    columns = ["NAME", "SCHEDULE", "TIMEZONE", "NEXT", "LAST", "RESULT", "READY", "STATUS", "AGE"]
    assert header.split() == columns, "with a UUID for a name, they fit into 140 characters"
    assert "30 9 * * mon-fri" in row
    assert "Europe/Berlin" in row
    status = (session.one("graphcron", "shown") or {})["status"]
    assert status["nextRunTimes"][0] in row
    assert len(status["nextRunTimes"]) == 5
    assert "<invalid>" not in row


def test_the_cronjob_is_what_it_should_be_and_is_owned(session: Session) -> None:
    session.apply(graphcron("owned", schedule="0 22-2 * * 7", enabled=False))
    ready(session, "owned")
    cron_job = session.one("cronjob", "owned")
    assert cron_job
    assert cron_job["spec"]["schedule"] == "0 0,1,2,22,23 * * 0"
    assert cron_job["spec"]["timeZone"] == "Etc/UTC"
    assert cron_job["spec"]["suspend"] is True
    assert cron_job["metadata"]["ownerReferences"][0]["kind"] == "GraphCron"
    session.kubectl("patch", "graphcron", "owned", "--type=merge", "-p", '{"spec":{"enabled":true}}')
    wait_for("the CronJob to resume", lambda: not (session.one("cronjob", "owned") or {})["spec"]["suspend"], 10)


def test_a_hand_edited_cronjob_heals(session: Session) -> None:
    session.apply(graphcron("edited"))
    ready(session, "edited")
    session.kubectl("patch", "cronjob", "edited", "-p", '{"spec":{"schedule":"5 5 5 5 *","suspend":true}}')

    def healed() -> bool:
        spec = (session.one("cronjob", "edited") or {})["spec"]
        return (spec["schedule"], spec["suspend"]) == ("0 0 1 1 *", False)

    wait_for("the hand edit to heal", healed, 10)


def test_a_field_that_somebody_removes_from_a_cronjob_comes_back(session: Session) -> None:
    """Kubernetes records nobody for it."""
    session.apply(graphcron("removed"))
    ready(session, "removed")

    def generation() -> int:
        return int((session.one("cronjob", "removed") or {})["metadata"]["generation"])

    def reaches(number: int) -> bool:
        return generation() == number

    def recorded() -> bool:
        return bool((session.one("graphcron", "removed") or {})["status"].get("cronJobGeneration") == generation())

    for times in (1, 2):
        wait_for("the generation to be recorded", recorded, 10)
        patch = '[{"op": "remove", "path": "/spec/startingDeadlineSeconds"}]'
        session.kubectl("patch", "cronjob", "removed", "--type=json", "-p", patch)
        wait_for("the field to come back", partial(reaches, 1 + 2 * times), 10)
        assert (session.one("cronjob", "removed") or {})["spec"]["startingDeadlineSeconds"] == 3600


def test_a_deleted_cronjob_comes_back(session: Session) -> None:
    session.apply(graphcron("deleted"))
    ready(session, "deleted")
    before = (session.one("cronjob", "deleted") or {})["metadata"]["uid"]
    session.kubectl("delete", "cronjob", "deleted")
    wait_for(
        "the CronJob to come back",
        lambda: (session.one("cronjob", "deleted") or {"metadata": {"uid": before}})["metadata"]["uid"] != before,
        10,
    )


def test_somebody_elses_cronjob_is_not_taken_over(session: Session) -> None:
    """Also when it looks just like ours, as that of a person who moves from CronJobs to GraphCrons does."""
    session.kubectl("create", "cronjob", "theirs", "--image=busybox", "--schedule=0 0 1 1 *")
    try:
        session.apply(graphcron("theirs"))
        session.kubectl("wait", "--for=condition=Ready=False", "graphcron/theirs", "--timeout=20s")
        condition = conditions(session, "theirs")["Ready"]
        assert condition["reason"] == "CronJobNameTaken"
        assert "delete it, or rename the GraphCron" in condition["message"]
        containers = (session.one("cronjob", "theirs") or {})["spec"]["jobTemplate"]["spec"]["template"]["spec"]
        assert [container["image"] for container in containers["containers"]] == ["busybox"]
    finally:
        session.kubectl("delete", "cronjob", "theirs")
    # With the name free, nobody needs to touch the GraphCron again: any event of it will do.
    session.kubectl("annotate", "graphcron", "theirs", "seen=true")
    ready(session, "theirs")


ORPHANED = '[{"op":"remove","path":"/metadata/ownerReferences"}]'


def owners(session: Session, name: str) -> list[str]:
    metadata = (session.one("cronjob", name) or {"metadata": {}})["metadata"]
    return [owner["uid"] for owner in metadata.get("ownerReferences", [])]


def uid_of(session: Session, name: str) -> str:
    return str((session.one("graphcron", name) or {})["metadata"]["uid"])


def test_a_cronjob_whose_owner_reference_was_removed_gets_it_back(session: Session) -> None:
    session.apply(graphcron("disowned"))
    ready(session, "disowned")
    uid = (session.one("cronjob", "disowned") or {})["metadata"]["uid"]
    session.kubectl("patch", "cronjob", "disowned", "--type=json", "-p", ORPHANED)
    wait_for("the owner reference", lambda: owners(session, "disowned") == [uid_of(session, "disowned")], 10)
    assert (session.one("cronjob", "disowned") or {})["metadata"]["uid"] == uid


def test_a_restored_cronjob_is_adopted_and_follows_its_graphcron_again(session: Session) -> None:
    """As a backup tool does it: both come back from files, with other uids and no owner, the CronJob first. What has
    been in it is the backup tool's by the record, and goes all the same when the GraphCron has it no longer."""
    session.apply(graphcron("restored", template={"nodeSelector": {"disk": "ssd"}}))
    ready(session, "restored")
    files = [session.one("cronjob", "restored"), session.one("graphcron", "restored")]
    session.kubectl("delete", "graphcron", "restored")
    session.kubectl("delete", "cronjob", "restored")
    for file in filter(None, files):
        for name in ("uid", "resourceVersion", "creationTimestamp", "managedFields", "generation", "ownerReferences"):
            file["metadata"].pop(name, None)
        file.pop("status", None)
        session.kubectl("create", "-f", "-", "--field-manager=velero", stdin=json.dumps(file))
    ready(session, "restored")
    assert owners(session, "restored") == [uid_of(session, "restored")]

    patch = '[{"op":"remove","path":"/spec/template"},{"op":"replace","path":"/spec/schedule","value":"5 5 5 5 *"}]'
    session.kubectl("patch", "graphcron", "restored", "--type=json", "-p", patch)

    def follows() -> bool:
        spec = (session.one("cronjob", "restored") or {})["spec"]
        pod = spec["jobTemplate"]["spec"]["template"]["spec"]
        return spec["schedule"] == "5 5 5 5 *" and "nodeSelector" not in pod

    wait_for("the CronJob to follow its GraphCron", follows, 10)


REWRITES: list[tuple[str, dict[str, Any]]] = [
    (
        "mutatingadmissionpolicies",
        {
            "metadata": {"name": "mirror"},
            "spec": {
                "matchConstraints": {
                    "resourceRules": [
                        {
                            "apiGroups": ["batch"],
                            "apiVersions": ["v1"],
                            "operations": ["CREATE", "UPDATE"],
                            "resources": ["cronjobs"],
                            "resourceNames": ["mirrored"],
                        }
                    ]
                },
                "reinvocationPolicy": "Never",
                "mutations": [
                    {
                        "patchType": "JSONPatch",
                        "jsonPatch": {
                            "expression": '[JSONPatch{op: "replace", value: "mirror.example/graphcron:test", '
                            'path: "/spec/jobTemplate/spec/template/spec/containers/0/image"}]'
                        },
                    }
                ],
            },
        },
    ),
    ("mutatingadmissionpolicybindings", {"metadata": {"name": "mirror"}, "spec": {"policyName": "mirror"}}),
]
"""As a policy for registry mirrors does it, which rewrites CronJobs, too."""


def test_what_a_policy_changes_in_the_cronjob_is_told_and_not_fought(session: Session, plane: ControlPlane) -> None:
    if plane.api.request("GET", "/apis/admissionregistration.k8s.io/v1/mutatingadmissionpolicies")[0] == 404:
        pytest.skip("this apiserver has no MutatingAdmissionPolicy")
    for plural, manifest in REWRITES:
        plane.install(manifest, f"/apis/admissionregistration.k8s.io/v1/{plural}")

    def is_rewritten() -> bool:
        made = session.kubectl(
            "create", "cronjob", "mirrored", "--image=x", "--schedule=0 0 1 1 *", "--dry-run=server", "-o", "yaml"
        )
        return "mirror.example" in made

    wait_for("the policy to be in force", is_rewritten, 30)
    written = operator_writes(plane, "mirrored")
    session.apply(graphcron("mirrored"))
    ready(session, "mirrored")
    condition = conditions(session, "mirrored")["CronJobModified"]
    assert (condition["status"], condition["reason"]) == ("True", "ChangedByAdmission")
    assert "containers[run].image (by a mutating webhook or policy)" in condition["message"]
    for number in range(5):
        session.kubectl("label", "cronjob", "mirrored", f"touched={number}", "--overwrite")
    session.kubectl("patch", "cronjob", "mirrored", "-p", '{"spec":{"suspend":true}}')
    wait_for("a hand edit to heal", lambda: not (session.one("cronjob", "mirrored") or {})["spec"]["suspend"], 10)
    # The CronJob and the status, and the CronJob once more; a status can be written on the way.
    assert operator_writes(plane, "mirrored") - written <= 5


def test_nulls_of_an_input_are_kept_by_what_docs_spec_md_says_and_lost_by_plain_apply(session: Session) -> None:
    wanted = {"reset": None, "nested": {"memo": None, "list": [None, 1]}}
    manifest = json.dumps(graphcron("nulls", input=wanted, metadata={"a": None}))
    for command in (("create",), ("replace",), ("apply", "--server-side", "--force-conflicts")):
        session.kubectl(*command, "-f", "-", stdin=manifest)
        spec = (session.one("graphcron", "nulls") or {})["spec"]
        assert (spec["input"], spec["metadata"]) == (wanted, {"a": None})
    session.kubectl("delete", "graphcron", "nulls")
    session.kubectl("apply", "-f", "-", stdin=manifest)
    spec = (session.one("graphcron", "nulls") or {})["spec"]
    assert (spec["input"], spec["metadata"]) == ({"nested": {"list": [None, 1]}}, {})
    session.kubectl("delete", "graphcron", "nulls")


def conditions(session: Session, name: str) -> dict[str, Any]:
    status = (session.one("graphcron", name) or {}).get("status", {})
    return {condition["type"]: condition for condition in status.get("conditions", [])}


def test_pausing_works_although_the_cluster_refuses_the_rest_of_the_edit(session: Session) -> None:
    session.apply(graphcron("broken"))
    ready(session, "broken")
    session.apply(graphcron("broken", enabled=False, template={"nodeSelector": {"not a label": "x"}}))
    wait_for("the CronJob to be suspended", lambda: (session.one("cronjob", "broken") or {})["spec"]["suspend"], 10)
    session.kubectl("wait", "--for=condition=Suspended", "graphcron/broken", "--timeout=10s")
    message = conditions(session, "broken")["Ready"]["message"]
    assert message.startswith("The cluster refused the CronJob: ")
    assert message.endswith("It is paused all the same: its CronJob is suspended.")
    session.apply(graphcron("broken"))
    ready(session, "broken")
    assert (session.one("cronjob", "broken") or {})["spec"]["suspend"] is False


MANY = "-l=many=true"


def test_restarting_the_operator_with_200_graphcrons_writes_nothing(
    session: Session, plane: ControlPlane, operator: ChartsOperator
) -> None:
    manifests = [graphcron(f"many-{number:03}") for number in range(200)]
    for manifest in manifests:
        manifest["metadata"]["labels"] = {"many": "true"}
    last = manifests[-1]["metadata"]["name"]
    written = operator_writes(plane, "many-")
    session.kubectl("create", "-f", "-", stdin="\n".join(map(json.dumps, manifests)))
    session.kubectl("wait", "--for=condition=Ready", "--timeout=60s", "graphcrons", MANY)
    made = operator_writes(plane, "many-") - written
    assert made == 2 * len(manifests), "one CronJob and one status each"
    before = versions(session)
    operator.restart()
    # The queue is first in, first out, and all that exists is queued at start: when an edit that came later is
    # done, everything before it was looked at.
    written = operator_writes(plane, "many-")
    session.kubectl("patch", "graphcron", last, "--type=merge", "-p", '{"spec":{"schedule":"2 2 2 2 *"}}')
    wait_for(
        "an edit after the restart",
        lambda: (session.one("graphcron", last) or {})["status"].get("observedGeneration") == 2,
        30,
    )
    after = versions(session)
    changed = {key for key in before if before[key] != after.get(key)}
    assert changed == {f"GraphCron/{last}", f"CronJob/{last}"}
    assert operator_writes(plane, "many-") - written == 2
    session.kubectl("delete", "graphcrons", MANY, "--wait=false")


def versions(session: Session) -> dict[str, str]:
    found = session.get("graphcrons,cronjobs")
    return {f"{item['kind']}/{item['metadata']['name']}": item["metadata"]["resourceVersion"] for item in found}


def operator_writes(plane: ControlPlane, prefix: str) -> int:
    """Writes of the operator to objects of such names that reached the apiserver, by its audit log."""
    lines = (json.loads(line) for line in plane.audit_log.read_text().splitlines() if f'"{ACCOUNT}"' in line)
    writes = [
        line
        for line in lines
        if line["stage"] == "ResponseComplete"
        and line["user"]["username"] == ACCOUNT
        and line["verb"] in ("create", "update", "patch", "delete")
        and line["objectRef"].get("name", "").startswith(prefix)
    ]
    return len(writes)


REJECTED = {
    "a schedule of one word": (graphcron("bad-schedule", schedule="banana"), "Invalid cron schedule: 'banana'"),
    "a minute that is none": (graphcron("bad-minute", schedule="61 * * * *"), "'61' is no valid minute"),
    "an interval": (graphcron("an-interval", schedule="@every 5m"), "'@every' counts from an unknown start"),
    "no schedule": (graphcron("no-schedule", schedule=None), "spec.schedule: Required value"),
    "a name of 60 characters": (graphcron("n" * 60), "metadata.name must be no more than 52 characters"),
    "an unknown field": (graphcron("unknown-field", time_zone="UTC"), 'unknown field "spec.time_zone"'),
    "context and configurable": (
        graphcron("both", context={"a": 1}, config={"configurable": {"b": 2}}),
        "spec: Invalid value: Cannot specify both configurable and context. Prefer setting context alone",
    ),
    "a configurable that is none": (graphcron("list", config={"configurable": [1]}), "spec.config.configurable"),
    "an option that has its own field": (graphcron("option", runOptions={"input": {}}), "these have: assistant_id, "),
    "too many options": (graphcron("many", runOptions={f"o{n}": n for n in range(33)}), "at most 32"),
    "options of a server that there is not": (
        graphcron("engine", engine="inPod", image="a", runOptions={"a": 1}),
        "and runOptions are not for engine inPod",
    ),
    "a wrong type": (graphcron("wrong-type", enabled="yes"), "spec.enabled"),
}


@pytest.mark.parametrize(("manifest", "sentence"), REJECTED.values(), ids=REJECTED)
def test_kubectl_rejects(session: Session, manifest: dict[str, Any], sentence: str) -> None:
    manifest["spec"] = {key: value for key, value in manifest["spec"].items() if value is not None}
    with pytest.raises(ClusterError) as rejected:
        session.apply(manifest)
    assert sentence in str(rejected.value)
    assert session.one("cronjob", manifest["metadata"]["name"]) is None


TOO_LARGE = {
    "stream modes": ({"streamMode": [1] * 500_000}, "spec.streamMode: Too many: 500000: must have at most 32 items"),
    "an object of stream modes": ({"streamMode": {str(number): 1 for number in range(50_000)}}, "spec.streamMode: "),
    "nodes": ({"interruptBefore": ["a"] * 200_000}, "spec.interruptBefore: Too many: 200000: must have at most 256"),
    "a text": ({"interruptAfter": "*" * 1_000_000}, "spec.interruptAfter: Too long"),
    "labels": ({"template": {"labels": {str(n): "" for n in range(1000)}}}, "spec.template.labels: Too many: 1000"),
    "a time": ({"endTime": "2030-01-01T00:00:00." + "0" * 100_000 + "Z"}, "spec.endTime: Too long"),
}


@pytest.mark.parametrize(("spec", "sentence"), TOO_LARGE.values(), ids=TOO_LARGE)
def test_the_apiserver_refuses_what_is_too_large(plane: ControlPlane, spec: dict[str, Any], sentence: str) -> None:
    """In one sentence: an apiserver that lists each wrong item is busy for minutes."""
    path = f"/apis/graphcron.dev/v1/namespaces/{NAMESPACE}/graphcrons?dryRun=All"
    manifest = graphcron("large", **spec) | {"apiVersion": "graphcron.dev/v1", "kind": "GraphCron"}
    status, answer = plane.api.request("POST", path, manifest)
    assert status == 422
    assert sentence in answer["message"]
    assert len(answer["message"]) < 1000


STALLED = {
    "an unknown zone": ({"timezone": "Mars/Phobos"}, "InvalidTimezone", "Invalid timezone: 'Mars/Phobos'."),
    "a day that never comes": ({"schedule": "0 0 31 2 *"}, "InvalidSchedule", "It never fires"),
    "an answer to no thread": (
        {"runOptions": {"command": {"resume": "yes"}}},
        "InvalidSpec",
        "You must provide a thread_id when resuming",
    ),
    "an input too large": ({"input": "x" * 260_000}, "RequestTooLarge", "spec.inputFrom"),
    "what only the cluster can judge": (
        {"template": {"nodeSelector": {"not a label": "x"}}},
        "CronJobRefused",
        "The cluster refused the CronJob: ",
    ),
}


@pytest.mark.parametrize(("spec", "reason", "sentence"), STALLED.values(), ids=STALLED)
def test_what_passes_the_schema_and_cannot_be_scheduled_stalls(
    session: Session, spec: dict[str, Any], reason: str, sentence: str
) -> None:
    session.kubectl("create", "-f", "-", stdin=json.dumps(graphcron("stalls", **spec)))
    try:
        session.kubectl("wait", "--for=condition=Ready=False", "graphcron/stalls", "--timeout=20s")
        condition = conditions(session, "stalls")["Ready"]
        assert condition["reason"] == reason
        assert sentence in condition["message"]
        assert session.one("cronjob", "stalls") is None
        described = session.kubectl("describe", "graphcron", "stalls")
        assert reason in described.partition("Events:")[2], "an event says it too"
    finally:
        session.kubectl("delete", "graphcron", "stalls")


def test_the_annotation_of_the_namespace_pauses_and_an_expectation_shows_with_the_charts_rights(
    session: Session,
) -> None:
    session.apply(graphcron("expecting", schedule="0 0 1 1 *", expect={"successWithin": "10s"}))
    ready(session, "expecting")
    session.kubectl("wait", "graphcron/expecting", "--for=condition=Overdue", "--timeout=30s")
    session.kubectl("annotate", "namespace", NAMESPACE, "graphcron.dev/paused=why not")
    try:
        wait_for("the pause", lambda: (session.one("cronjob", "expecting") or {})["spec"]["suspend"], 10)
        wait_for("its reason", lambda: "PausedByAdministrator" in session.kubectl("get", "gcron", "expecting"), 10)
        found = (session.one("graphcron", "expecting") or {})["status"]["conditions"]
        assert {one["type"] for one in found} == {"Ready", "Suspended"}
    finally:
        session.kubectl("annotate", "namespace", NAMESPACE, "graphcron.dev/paused-")
    wait_for("the end of it", lambda: not (session.one("cronjob", "expecting") or {})["spec"]["suspend"], 10)
