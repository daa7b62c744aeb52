"""Asks the local cluster's apiserver, without a kubectl, which takes longer to start than to answer."""

import http.client
import json
import ssl
from typing import Any

from cluster.paths import Place
from cluster.plan import Plan


def exchange(
    connection: http.client.HTTPConnection, method: str, path: str, body: object = None, **headers: str
) -> tuple[int, Any]:
    """One request and its answer: the status and the decoded body (text where it is not JSON). Closes the connection.

    Raises OSError when there is no answer.
    """
    try:
        text = None if body is None else json.dumps(body)
        connection.request(method, path, text, {"Content-Type": "application/json"} | headers)
        response = connection.getresponse()
        content = response.read()
    except http.client.HTTPException as error:
        raise ConnectionError(str(error)) from error
    finally:
        connection.close()
    try:
        return response.status, json.loads(content)
    except ValueError:
        return response.status, content.decode(errors="replace")


class Api:
    """The administrator's view of the apiserver; any failure to connect is an OSError."""

    def __init__(self, place: Place, plan: Plan) -> None:
        self.address = (plan.gateway, plan.ports["apiserver"])
        self.context = ssl.create_default_context(cafile=place.pki / "ca.crt")
        self.context.load_cert_chain(place.pki / "admin.crt", place.pki / "admin.key")
        self.seconds = 5.0
        """Without a word of the answer, after which a request fails."""

    def request(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """The status and the decoded body (text where it is not JSON)."""
        connection = http.client.HTTPSConnection(*self.address, context=self.context, timeout=self.seconds)
        return exchange(connection, method, path, body)
