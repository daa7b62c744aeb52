"""Advice on a spec that is valid, and may not do what its author expects: one sentence for kubectl and REST. Pure."""

INTERRUPTS_LOST = (
    "its runs may stop at interruptBefore or interruptAfter to wait for input, and their threads are deleted then, so "
    "nobody can answer: set onRunCompleted to keep, or name a thread"
)
INTERRUPTS_LOST_IN_POD = (
    "its runs may stop at interruptBefore or interruptAfter to wait for input, and without checkpointer nothing of "
    "them is kept, so nobody can answer: set checkpointer, and onRunCompleted to keep"
)


def advice(spec: object) -> str | None:
    """What somebody who writes this spec, as Kubernetes has it, should know; None when there is nothing."""
    if not isinstance(spec, dict) or not (spec.get("interruptBefore") or spec.get("interruptAfter")):
        return None
    if spec.get("engine") == "inPod" and not isinstance(spec.get("checkpointer"), dict):
        return INTERRUPTS_LOST_IN_POD
    return None if spec.get("threadId") or spec.get("onRunCompleted") == "keep" else INTERRUPTS_LOST
