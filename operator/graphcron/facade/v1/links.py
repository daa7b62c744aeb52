"""The paths of `/graphcron/v1`, and the link to it from LangGraph's endpoints. Pure."""

BASE = "/graphcron/v1"
CRONS = f"{BASE}/crons"


def path_of(cron_id: str) -> str:
    """The path of a cron here."""
    return f"{CRONS}/{cron_id}"


def status_link(cron_id: str) -> str:
    """A Link header (RFC 8288) to what a cron does and did; relation `status` is RFC 8631's."""
    return f'<{path_of(cron_id)}>; rel="status"'
