"""Authentication: finds the caller of a request by the configured mode."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from multidict import CIMultiDictProxy

from graphcron.facade.auth.callers import API_KEY_HEADER, Caller, Keys, Mode, identify

AUTHORIZATION = "Authorization"

TokenReview = Callable[[Sequence[str]], Awaitable[Caller]]
"""The caller of these Authorization headers."""


@dataclass(frozen=True)
class Authentication:
    """`keys` gives the API keys that are valid now; `token_review` is needed in mode tokenReview alone."""

    mode: Mode
    keys: Callable[[], Keys] = Keys
    token_review: TokenReview | None = None

    async def caller(self, headers: CIMultiDictProxy[str]) -> Caller:
        """Raises RestError 401 for missing or unknown credentials, Unavailable when Kubernetes does not review them."""
        if self.mode is Mode.TOKEN_REVIEW and self.token_review is not None:
            return await self.token_review(headers.getall(AUTHORIZATION, []))
        return identify(self.mode, self.keys(), headers.getall(API_KEY_HEADER, []))
