"""The answer of the validating webhook: it refuses what the operator would stall, in the same words. Pure."""

from datetime import datetime

from graphcron.kube.resources import Manifest
from graphcron.operator.cronjob import Installation
from graphcron.operator.observed import Observed
from graphcron.operator.reconcile import decide_in_full


def answer(review: Manifest, installation: Installation, now: datetime) -> Manifest:
    """The AdmissionReview with the response to the request in this one."""
    request = review["request"]
    # Without its CronJob and its past: what is judged is the spec, and not what became of an earlier one.
    graphcron = {key: value for key, value in request["object"].items() if key != "status"}
    verdict = decide_in_full(Observed(graphcron, None), installation, now).verdict
    refused = {"status": {"code": 422, "reason": "Invalid", "message": verdict.message}}
    return {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "response": {"uid": request["uid"], "allowed": verdict.ready} | ({} if verdict.ready else refused),
    }
