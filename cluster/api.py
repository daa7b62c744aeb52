"""Asks the local cluster's apiserver, without a kubectl, which takes longer to start than to answer."""

import http.client
import json
import ssl
from typing import Any

from cluster.paths import Place
from cluster.plan import Plan


class Api:
    """The administrator's view of the apiserver; any failure to connect is an OSError."""

    def __init__(self, place: Place, plan: Plan) -> None:
        self.address = (plan.gateway, plan.ports["apiserver"])
        self.context = ssl.create_default_context(cafile=place.pki / "ca.crt")
        self.context.load_cert_chain(place.pki / "admin.crt", place.pki / "admin.key")

    def request(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """The status and the decoded body (text where it is not JSON)."""
        connection = http.client.HTTPSConnection(*self.address, context=self.context, timeout=5)
        try:
            connection.request(method, path, json.dumps(body) if body else None, {"Content-Type": "application/json"})
            response = connection.getresponse()
            content = response.read()
        except http.client.HTTPException as error:
            raise ConnectionError(str(error)) from error
        finally:
            connection.close()
        if response.headers.get_content_type() == "application/json":
            return response.status, json.loads(content)
        return response.status, content.decode(errors="replace")
