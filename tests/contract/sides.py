"""Tells a case to one side over HTTP."""

import http.client
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit

from tests.contract.script import Answer, Case, Request, filled, told

PATIENCE = 30.0


class Side:
    """A server that answers for crons: LangGraph's own, or the facade."""

    def __init__(self, url: str) -> None:
        self.address = urlsplit(url).netloc

    def tell(self, case: Case) -> list[dict[str, Any]]:
        """What it answers to each request of the case. What the case made is deleted again."""
        names: dict[str, str] = {}
        try:
            answers = []
            for request in case.requests:
                answer = self.send(request, names)
                if request.save and answer.status == 200:
                    names[request.save] = answer.body[f"{request.save.rstrip('0123456789')}_id"]
                answers.append(answer)
            return [told(answer, names) for answer in answers]
        finally:
            self.clean(names)

    def send(self, request: Request, names: dict[str, str]) -> Answer:
        """One request on a connection of its own: LangGraph's server closes some without saying so."""
        body = filled(request.body, names)
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        connection = http.client.HTTPConnection(self.address, timeout=PATIENCE)
        try:
            path = quote(filled(request.path, names), safe="/%?=&{}")
            connection.request(request.method, path, body, {"Connection": "close", **request.headers})
            response = connection.getresponse()
            text = response.read().decode()
            return Answer(response.status, dict(response.headers.items()), text)
        finally:
            connection.close()

    def clean(self, names: dict[str, str]) -> None:
        """Delete what bears these names; it may be gone already."""
        for name, identity in names.items():
            path = f"/threads/{identity}" if name.startswith("thread") else f"/runs/crons/{identity}"
            self.send(Request("DELETE", path), {})

    def crons(self) -> Iterator[str]:
        """The ids of all crons that it has."""
        found = self.send(Request("POST", "/runs/crons/search", {"limit": 1000}), {})
        yield from (cron["cron_id"] for cron in found.body)
