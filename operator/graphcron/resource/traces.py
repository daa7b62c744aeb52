"""The address of a run's trace, by the installation's template. Pure."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

PLACEHOLDERS = ("run_id", "thread_id", "name", "namespace")


def trace_url(template: str, metadata: Mapping[str, Any], run_id: str | None, thread_id: str | None) -> str | None:
    """None without a template, or without what it needs. `metadata` is the GraphCron's."""
    values = {"run_id": run_id, "thread_id": thread_id}
    values |= {"name": metadata["name"], "namespace": metadata["namespace"]}
    if not template or any(f"{{{name}}}" in template and not values[name] for name in PLACEHOLDERS):
        return None
    for name in PLACEHOLDERS:
        template = template.replace(f"{{{name}}}", quote(str(values[name]), safe=""))
    return template


def fault_of_template(template: str) -> str | None:
    """What is wrong with a template for traces; None when nothing is."""
    parts = urlsplit(template)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return (
            "it must be an http or https URL, such as https://smith.langchain.com/o/ORG/projects/p/PROJECT/r/{run_id}"
        )
    return None if "{run_id}" in template or "{thread_id}" in template else "it has neither {run_id} nor {thread_id}"
