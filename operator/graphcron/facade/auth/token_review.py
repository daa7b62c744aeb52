"""Bearer tokens: reviews a token at the apiserver (TokenReview), and caches the answer for a moment."""

import time
from collections.abc import Callable, Sequence

from cachetools import TTLCache

from graphcron.facade.auth import callers
from graphcron.facade.auth.callers import Caller, read_bearer, reviewed, token_review
from graphcron.facade.single_flight import SingleFlight
from graphcron.facade.store.store import StoreUnavailable
from graphcron.kube.client import Kube
from graphcron.kube.errors import KubeError

VALID_SECONDS = 10.0
"""How long a valid token is cached. A revoked token can work for so much longer."""

CACHED_TOKENS = 1024
"""By digest."""


class TokenReviews:
    """Finds callers by their tokens. A token must be meant for `audience`; None stands for the apiserver's own."""

    def __init__(self, kube: Kube, audience: str | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._kube = kube
        self._audience = audience
        self._valid: TTLCache[bytes, Caller] = TTLCache(CACHED_TOKENS, VALID_SECONDS, clock)
        self._reviews = SingleFlight[Caller]()

    async def caller(self, given: Sequence[str]) -> Caller:
        """The caller of these Authorization headers. Raises RestError 401, and StoreUnavailable when Kubernetes gives
        no answer."""
        token = read_bearer(given)
        digest = callers.digest(token)
        if (known := self._valid.get(digest)) is not None:
            return known
        caller = await self._reviews.run(digest, lambda: self._review(token))
        self._valid[digest] = caller
        return caller

    async def _review(self, token: str) -> Caller:
        try:
            answer = await self._kube.review_token(token_review(token, self._audience))
        except KubeError as error:
            raise StoreUnavailable(f"Kubernetes does not say whose token this is: {error.message}") from None
        return reviewed(answer, self._audience)
