"""The way into the facade's console: an API key or a token, typed once, becomes an encrypted session cookie.

The cookie holds the credential itself, so that every replica can check it anew at each request, and keeps no state. Who
has the key of the sessions can read it: it is as secret as the credentials.
"""

import secrets
from collections.abc import Awaitable, Callable
from typing import NamedTuple
from urllib.parse import urlsplit

import aiohttp_jinja2
from aiohttp import web
from aiohttp_session import Session
from aiohttp_session.cookie_storage import EncryptedCookieStorage
from cryptography.fernet import Fernet, MultiFernet

from graphcron.console.access import CSRF_FIELD, SignInNeeded, is_own_request, same
from graphcron.console.forms import read_form
from graphcron.console.source import NotAllowed, Source

COOKIE = "graphcron-console"
FORM_COOKIE = "graphcron-console-form"
"""Of somebody who is about to sign in. It is another one, or a link of another site could sign a viewer out."""
SESSION_SECONDS = 8 * 60 * 60
"""After which a viewer signs in again."""
CREDENTIAL_LIMIT = 2600
"""Characters: encrypted, it has to fit into a cookie of 4 KiB. A token of a service account has about 1,000."""

TOO_LONG = f"This is longer than {CREDENTIAL_LIMIT} characters, and fits into no cookie."
FORM_TOO_OLD = "The page was too old, or cookies are refused: try again."


class Viewer(NamedTuple):
    """`name` is for people, empty where callers have none."""

    source: Source
    name: str


Authenticate = Callable[[str], Awaitable[Viewer]]
"""The viewer of a credential, which is empty where none is asked for. Raises SignInNeeded with the reason."""


class KeyRing(Fernet):
    """Several keys: the first one encrypts, each one decrypts. `keys` gives those that are valid now."""

    def __init__(self, keys: Callable[[], list[bytes]]) -> None:
        super().__init__(keys()[0])
        self._keys = keys

    def encrypt(self, data: bytes) -> bytes:
        return self._ring().encrypt(data)

    def decrypt(self, token: bytes | str, ttl: int | None = None) -> bytes:
        return self._ring().decrypt(token, ttl)

    def _ring(self) -> MultiFernet:
        return MultiFernet([Fernet(key) for key in self._keys()])


class SessionAccess:
    """`label` names the credential in the form; empty where everybody may enter."""

    def __init__(self, keys: Callable[[], list[bytes]], authenticate: Authenticate, label: str, path: str) -> None:
        self._authenticate = authenticate
        self._label = label
        self._storage, self._forms = (
            EncryptedCookieStorage(
                KeyRing(keys), cookie_name=name, max_age=SESSION_SECONDS, path=path, httponly=True, samesite="Strict"
            )
            for name in (COOKIE, FORM_COOKIE)
        )
        self.signs_out = bool(label)

    async def source(self, request: web.Request) -> Source:
        return (await self._viewer(await self._storage.load_session(request))).source

    async def csrf_token(self, request: web.Request) -> str:
        return str((await self._storage.load_session(request)).get("csrf", ""))

    async def who(self, request: web.Request) -> str:
        return (await self._viewer(await self._storage.load_session(request))).name

    async def _viewer(self, session: Session) -> Viewer:
        if "credential" not in session:
            raise SignInNeeded
        return await self._authenticate(session["credential"])

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/sign-in", self._ask, name="signin"),
            web.post("/sign-in", self._sign_in, name="signedin"),
            web.post("/sign-out", self._sign_out, name="signout"),
        ]

    async def _ask(self, request: web.Request) -> web.Response:
        """The form; straight on for who is signed in, and where everybody may enter."""
        if not self._label:
            return await self._enter(request, "")
        try:
            await self._viewer(await self._storage.load_session(request))
        except SignInNeeded as needed:
            return await self._form(request, str(needed))
        return self._on(request)

    async def _sign_in(self, request: web.Request) -> web.Response:
        fields = await read_form(request)
        if not _is_own(request, fields, await self._forms.load_session(request)):
            return await self._form(request, FORM_TOO_OLD, 403)
        credential = fields.get("credential", "").strip()
        if len(credential) > CREDENTIAL_LIMIT:
            return await self._form(request, TOO_LONG, 401)
        try:
            return await self._enter(request, credential)
        except SignInNeeded as needed:
            return await self._form(request, str(needed), 401)

    async def _enter(self, request: web.Request, credential: str) -> web.Response:
        """A new session, which nobody can have prepared."""
        await self._authenticate(credential)
        response, csrf = self._on(request), secrets.token_urlsafe(16)
        await _save(self._storage, request, response, {"credential": credential, "csrf": csrf})
        return response

    async def _sign_out(self, request: web.Request) -> web.Response:
        if not _is_own(request, await read_form(request), await self._storage.load_session(request)):
            raise NotAllowed(FORM_TOO_OLD)
        response = web.Response(status=303, headers={"Location": str(request.app.router["signin"].url_for())})
        await _save(self._storage, request, response, {})
        return response

    async def _form(self, request: web.Request, message: str, status: int = 200) -> web.Response:
        """With a token that only this form has."""
        csrf = secrets.token_urlsafe(16)
        shown = {"label": self._label, "message": message, "csrf": csrf, "wanted": request.query.get("next", "")}
        nobody = {"navigation": [], "here_page": "", "did": "", "viewer": "", "signs_out": False}
        response = aiohttp_jinja2.render_template("sign_in.html", request, nobody | shown, status=status)
        await _save(self._forms, request, response, {"csrf": csrf})
        return response

    def _on(self, request: web.Request) -> web.Response:
        return web.Response(status=303, headers={"Location": self._wanted(request)})

    def _wanted(self, request: web.Request) -> str:
        """Where the viewer wanted to go: a page of this console, or else the overview."""
        home = str(request.app.router["overview"].url_for())
        wanted = request.query.get("next", "")
        parts = urlsplit(wanted)
        is_ours = not parts.scheme and not parts.netloc and parts.path.startswith(home) and wanted.isprintable()
        return wanted if is_ours and "\\" not in wanted else home


def _is_own(request: web.Request, fields: dict[str, str], session: Session) -> bool:
    """Whether a form comes from a page of ours that this browser was given."""
    return is_own_request(request.headers, request.host) and same(fields.get(CSRF_FIELD, ""), session.get("csrf", ""))


async def _save(
    storage: EncryptedCookieStorage, request: web.Request, response: web.Response, data: dict[str, str]
) -> None:
    session = Session(None, data=None, new=True, max_age=SESSION_SECONDS)
    session.update(data)
    await storage.save_session(request, response, session)
    if _is_encrypted(request):
        response.cookies[storage.cookie_name]["secure"] = True


def _is_encrypted(request: web.Request) -> bool:
    """Whether the viewer's browser speaks TLS, with us or with the proxy before us. Who lies about it only loses their
    own cookie."""
    return request.secure or request.headers.get("X-Forwarded-Proto", "").split(",")[0].strip().lower() == "https"
