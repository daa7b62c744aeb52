"""The paths of `/graphcron/v1`, and what answers of LangGraph's endpoints say beside their bodies. Pure."""

BASE = "/graphcron/v1"
CRONS = f"{BASE}/crons"
COSTS = f"{BASE}/costs"
FORECAST_HEADER = "X-GraphCron-Forecast"
"""How often a cron that was just written fires, and what that will cost, in sentences."""


def path_of(cron_id: str) -> str:
    """The path of a cron here."""
    return f"{CRONS}/{cron_id}"


def status_link(cron_id: str) -> str:
    """A Link header (RFC 8288) to what a cron does and did; relation `status` is RFC 8631's."""
    return f'<{path_of(cron_id)}>; rel="status"'


def header_text(text: str) -> str:
    """A text as a header may have it: the name of a currency has any characters."""
    return "".join(character if " " <= character <= "~" else "?" for character in text)
