"""CronJobs as the operator makes them of a spec, and what is in them."""

from typing import Any

from graphcron.operator.cronjob import CronJobTiming, cron_job
from graphcron.operator.run_pod import RunPods
from graphcron.resource.fields import KeySelector
from graphcron.resource.spec import GraphCronSpec
from graphcron.schedule.expression import read

METADATA = {"name": "hello", "namespace": "team", "uid": "3a0d031f-3407-41b6-b45a-3f375dcb3dc2"}
INSTALLATION = RunPods(
    image="graphcron:1",
    server_url="https://default.example",
    api_key=KeySelector(name="default-key", key="api-key"),
    ca_config_map=KeySelector(name="default-ca", key="ca.crt"),
    namespace="graphcron-system",
    service_account="graphcron-run",
)


def job_of(pods: RunPods = INSTALLATION, namespace: str = "team", **spec: Any) -> dict[str, Any]:
    manifest = cron_job(
        {"metadata": METADATA | {"namespace": namespace}},
        GraphCronSpec.model_validate({"schedule": "0 * * * *", "assistantId": "agent"} | spec),
        CronJobTiming(read("0 * * * *"), suspend=False, not_before=None),
        pods,
    )
    job: dict[str, Any] = manifest["spec"]["jobTemplate"]["spec"]
    return job


def pod_of(pods: RunPods = INSTALLATION, namespace: str = "team", **spec: Any) -> dict[str, Any]:
    pod: dict[str, Any] = job_of(pods, namespace, **spec)["template"]["spec"]
    return pod


def environment(pod: dict[str, Any]) -> dict[str, Any]:
    return {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in pod["containers"][0]["env"]}
