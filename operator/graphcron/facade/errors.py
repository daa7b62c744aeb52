"""The errors that the facade answers with: an HTTP status and one sentence."""

TOO_SLOW = "The request body did not come in time"
BROKEN_BODY = "The request body is no valid HTTP: its encoding is broken"


class RestError(Exception):
    """An answer other than success: an HTTP status and the sentence that becomes its `detail`. `retry_after` are the
    seconds after which the same request can succeed."""

    def __init__(self, status: int, detail: str, retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.retry_after = retry_after


class Unverified(RestError):
    """503: the Agent Server gave no usable answer on whether a thread or assistant exists."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(
            503,
            f"{reason}. So {what} could not be checked, and nothing was changed: see that the Agent Server runs and "
            "that the facade's setting names it, then try again",
        )
