"""Names of GraphCrons, as Kubernetes and their CronJobs take them. Pure."""

import re

from graphcron.resource.identity import NAME_LIMIT, NAME_MESSAGE

_PART = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_NAME = re.compile(rf"{_PART}(\.{_PART})*")
"""RFC 1123 subdomain."""


def fault_of_name(name: str) -> str | None:
    """What is wrong with the name of a GraphCron; None when nothing is."""
    if not _NAME.fullmatch(name):
        return (
            f"metadata.name {name[:NAME_LIMIT]!r} must be lower-case letters, digits, '-' and '.', with a letter or "
            "digit at both ends and on both sides of each '.'"
        )
    return NAME_MESSAGE if len(name) > NAME_LIMIT else None
