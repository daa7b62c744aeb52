"""Bearer tokens: asks Kubernetes whose a token is (TokenReview), and caches the answer for a moment."""

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence

from graphcron.facade.auth import callers
from graphcron.facade.auth.callers import Caller, read_bearer, reviewed, token_review
from graphcron.facade.single_flight import Shared
from graphcron.facade.store.store import Unavailable
from graphcron.kube.client import Kube
from graphcron.kube.errors import KubeError

REMEMBERED_SECONDS = 10.0
"""How long a token counts that was found good. One that is revoked counts so much longer."""

REMEMBERED = 1024
"""Good tokens that are remembered, by digest."""


class TokenReviews:
    """Callers by their tokens. `audience` is the one that a token must be meant for; None for the apiserver's own."""

    def __init__(self, kube: Kube, audience: str | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._kube = kube
        self._audience = audience
        self._clock = clock
        self._known: OrderedDict[bytes, tuple[float, Caller]] = OrderedDict()
        self._reviews = Shared[Caller]()

    async def caller(self, given: Sequence[str]) -> Caller:
        """Who sent these Authorization headers. Raises RestError 401, and Unavailable when Kubernetes does not say."""
        token = read_bearer(given)
        digest = callers.digest(token)
        asked, known = self._known.get(digest, (0.0, None))
        if known is not None and self._clock() - asked < REMEMBERED_SECONDS:
            return known
        caller = await self._reviews.answer(digest, lambda: self._review(token))
        self._known[digest] = (self._clock(), caller)
        self._known.move_to_end(digest)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return caller

    async def _review(self, token: str) -> Caller:
        try:
            answer = await self._kube.review_token(token_review(token, self._audience))
        except KubeError as error:
            raise Unavailable(f"Kubernetes does not say whose token this is: {error.message}") from None
        return reviewed(answer, self._audience)
