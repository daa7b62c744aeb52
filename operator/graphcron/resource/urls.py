"""URLs in a spec: what a webhook must be, and which ports there are. A rule is one regular expression, which reads the
same in Python and in CEL (RE2), so that the CRD, the operator and the REST API agree."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

WEBHOOK_LIMIT = 4096
"""Characters, as LangGraph's server has it."""

WEBHOOK = f"must be an absolute http(s) URL of at most {WEBHOOK_LIMIT} characters, with a port from 1 to 65535 if any"
PORT = "must have a port from 1 to 65535, such as http://agents.example:8123, or none"

_NUMBER = "0*([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
_HOST_AND_PORT = rf"(\[[0-9A-Za-z:.%]+\]|[^\x00-\x20\x7f/?#@:\[\]\\]+)(:({_NUMBER})?)?"
_WEBHOOK = rf"^[Hh][Tt][Tt][Pp][Ss]?://([^\x00-\x20\x7f/?#\\]*@)?{_HOST_AND_PORT}([/?#][^\x00-\x1f\x7f]*)?$"
_SERVER = rf"^[a-z]+://{_HOST_AND_PORT}(/.*)?$"


def checked_webhook(text: str) -> str:
    """It, when an Agent Server takes it as a webhook by default, as far as the text shows it; which hosts it may call
    it decides at the firing. Raises ValueError otherwise."""
    if len(text) > WEBHOOK_LIMIT or re.fullmatch(_WEBHOOK, text) is None:
        raise ValueError(WEBHOOK)
    return text


def _with_a_port(url: str) -> str:
    if re.fullmatch(_SERVER, url) is None:
        raise ValueError(PORT)
    return url


def _rule(pattern: str, message: str) -> dict[str, object]:
    return {"x-kubernetes-validations": [{"rule": f"self.matches(r'{pattern}')", "message": message}]}


Webhook = Annotated[
    str, AfterValidator(checked_webhook), Field(max_length=WEBHOOK_LIMIT, json_schema_extra=_rule(_WEBHOOK, WEBHOOK))
]

ServerUrl = Annotated[
    str,
    AfterValidator(_with_a_port),
    Field(pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$", max_length=2048, json_schema_extra=_rule(_SERVER, PORT)),
]
"""Base URL of an Agent Server, without credentials or query."""
