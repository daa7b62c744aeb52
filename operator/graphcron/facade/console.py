"""The console of the facade: who may enter it by the facade's own modes, and its session keys."""

import base64
import hashlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from aiohttp import web

from graphcron.console.access import SignInNeeded
from graphcron.console.app import make_console
from graphcron.console.sessions import SessionAccess, Viewer
from graphcron.console.source import Away
from graphcron.console.visit import Options
from graphcron.environ import InvalidSettings
from graphcron.facade.auth.authentication import Authentication
from graphcron.facade.auth.callers import CLOSED, EVERYBODY, Caller, Mode, identify
from graphcron.facade.console_source import StoreSource, WatchedStore
from graphcron.facade.errors import RestError
from graphcron.facade.middleware import CONSOLE
from graphcron.facade.settings import FacadeSettings
from graphcron.facade.store.store import StoreUnavailable

KEY_LENGTH = 32
"""Characters of the shortest session key."""

LABELS = {Mode.API_KEYS: "API key", Mode.TOKEN_REVIEW: "Kubernetes bearer token", Mode.CLOSED: "API key"}
FIRST = (
    'curl -X POST -H "x-api-key: …" -H "Content-Type: application/json" -d \'{"assistant_id": "agent", '
    '"schedule": "0 9 * * *", "input": {}}\' …/runs/crons'
)


def make_facade_console(
    settings: FacadeSettings, store: WatchedStore, auth: Authentication, clock: Callable[[], datetime]
) -> web.Application:
    """The application, to be added at CONSOLE. Raises InvalidSettings for a key that cannot be used."""

    async def authenticate(credential: str) -> Viewer:
        try:
            caller = await _caller(auth, credential)
        except RestError as error:
            raise SignInNeeded(error.detail) from None
        except StoreUnavailable as error:
            raise Away(str(error)) from None
        source = StoreSource(store, caller, settings.namespace, settings.quota, clock)
        return Viewer(source, caller.owner or "")

    label = LABELS.get(auth.mode, "")
    access = SessionAccess(_keys(settings), authenticate, label, CONSOLE)
    return make_console(access, Options(clock, settings.trace_url or "", FIRST))


async def _caller(auth: Authentication, credential: str) -> Caller:
    match auth.mode:
        case Mode.OPEN:
            return EVERYBODY
        case Mode.TOKEN_REVIEW if auth.token_review is not None:
            return await auth.token_review([f"Bearer {credential}"])
        case Mode.API_KEYS:
            return identify(auth.mode, auth.keys(), [credential])
    raise RestError(403, CLOSED)


def _keys(settings: FacadeSettings) -> Callable[[], list[bytes]]:
    """The session keys as they are now: a new first line takes effect without a restart, and while the old ones stay
    below it nobody has to sign in again."""
    file = Path(settings.console_key_file or "")

    def read() -> list[bytes]:
        lines = [line.strip() for line in file.read_bytes().splitlines() if line.strip()]
        if not lines or any(len(line) < KEY_LENGTH for line in lines):
            raise ValueError
        return [base64.urlsafe_b64encode(hashlib.sha256(line).digest()) for line in lines]

    try:
        known = read()
    except (OSError, ValueError):
        raise InvalidSettings(
            f"the session key of the console ({file}) cannot be used: its Secret needs lines of at least {KEY_LENGTH} "
            "characters, such as `openssl rand -hex 32` prints"
        ) from None

    def keys() -> list[bytes]:
        nonlocal known
        try:
            known = read()
        except (OSError, ValueError):
            return known  # kubelet changes the file just now, or somebody mistyped it
        return known

    return keys
