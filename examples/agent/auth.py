"""Lets in whoever knows AGENT_API_KEY, and everybody while that is not set."""

import hmac
import os

from langgraph_sdk import Auth

auth = Auth()


@auth.authenticate
async def authenticate(headers: dict[bytes, bytes]) -> str:
    """The caller's name, or 401."""
    expected = os.environ.get("AGENT_API_KEY", "").encode()
    if expected and not hmac.compare_digest(headers.get(b"x-api-key", b""), expected):
        raise Auth.exceptions.HTTPException(status_code=401, detail="Invalid or missing x-api-key.")
    return "everybody"
