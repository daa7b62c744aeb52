"""The console's application: its routes, its security headers, and its pages of errors."""

import logging
import re
from pathlib import Path
from typing import Any

import aiohttp_jinja2
import jinja2
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler
from markupsafe import Markup, escape

from graphcron.console import backfilling, calendar, costs, cron, editing, overview, requests, stream, timeline
from graphcron.console.access import CSRF_FIELD, CSRF_HEADER, Access, SignInNeeded, is_own_request, leads_on, same
from graphcron.console.forms import read_form
from graphcron.console.source import Away, Changed, Missing, NotAllowed, Refused, SourceError
from graphcron.console.visit import Options, Page, Visit
from graphcron.firing.formats import format_time
from graphcron.views import channels, firings, schedules, spending, urgency, words

logger = logging.getLogger(__name__)

HERE = Path(__file__).parent
POLICY = "; ".join(
    (
        "default-src 'none'",
        *(f"{kind}-src 'self'" for kind in ("script", "style", "img", "connect")),
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: with it browsers hide the origin of a form, by which it is told from those of other pages.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


NAVIGATION = (("overview", "Crons"), ("timeline", "Timeline"), ("costs", "Costs"))
"""Pages that each page leads to, by the names of their routes: those that there are."""
_NOBODY = {"viewer": "", "csrf": "", "signs_out": False}


def make_console(access: Access, options: Options) -> web.Application:
    """The application, to be added to another one below a prefix of that one's choice."""
    console = web.Application(middlewares=[_answer_errors(access)])
    console[stream.STREAMS] = stream.Streams()
    console[timeline.TIMELINES] = timeline.Timelines()
    console[costs.PAGES] = costs.pages()
    console.on_shutdown.append(stream.close)
    console.on_response_prepare.append(_protect)
    console.add_routes([*access.routes(), *_routes(access, options)])
    aiohttp_jinja2.setup(
        console,
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        filters=_FILTERS,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return console


def _routes(access: Access, options: Options) -> list[web.AbstractRouteDef]:
    def get(name: str, path: str, page: Page) -> web.RouteDef:
        return web.get(path, _shown(access, options, page), name=name)

    def post(name: str, path: str, page: Page) -> web.RouteDef:
        return web.post(path, _sent(access, options, page), name=name)

    one = "/crons/{namespace}/{name}"
    return [
        get("bare", "", overview.lead_on),
        get("overview", "/", overview.show),
        get("changes", "/changes", stream.follow),
        get("timeline", "/timeline", timeline.show),
        get("costs", "/costs", costs.show),
        get("cron", one, cron.show),
        get("new", "/new", editing.new),
        post("create", "/new", editing.create),
        post("draft-new", "/new/draft", editing.draft_new),
        get("edit", f"{one}/edit", editing.edit),
        post("save", f"{one}/edit", editing.save),
        post("draft", f"{one}/edit/draft", editing.draft),
        get("backfill", f"{one}/backfill", backfilling.ask),
        post("backfilled", f"{one}/backfill", backfilling.create),
        post("backfill-preview", f"{one}/backfill/preview", backfilling.preview),
        get("calendar", f"{one}/calendar", calendar.show),
        get("delete", f"{one}/delete", requests.ask_to_delete),
        post("run", f"{one}/run", requests.run),
        post("pause", f"{one}/pause", requests.pause),
        post("resume", f"{one}/resume", requests.resume),
        post("deleted", f"{one}/delete", requests.delete),
        web.static("/static", HERE / "static", name="static"),
        web.route("*", "/{rest:.*}", _nowhere),
    ]


def _shown(access: Access, options: Options, page: Page) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        source = await access.source(request)
        return await page(Visit(request, source, options, options.clock(), await _layout(access, request)))

    return handle


def _sent(access: Access, options: Options, page: Page) -> Handler:
    """A page that changes something: only a form of ours may ask for it."""

    async def handle(request: web.Request) -> web.StreamResponse:
        source = await access.source(request)
        fields = await read_form(request)
        await check_own(request, fields, access)
        return await page(Visit(request, source, options, options.clock(), await _layout(access, request), fields))

    return handle


async def check_own(request: web.Request, fields: dict[str, str], access: Access) -> None:
    """Raises NotAllowed unless a page of this console sent the request."""
    given = request.headers.get(CSRF_HEADER) or fields.get(CSRF_FIELD, "")
    if not is_own_request(request.headers, request.host) or not same(given, await access.csrf_token(request)):
        raise NotAllowed("This change was not sent by a page of this console, or the page is too old: load it again.")


async def _nowhere(request: web.Request) -> web.StreamResponse:
    raise web.HTTPNotFound


async def _protect(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)
    is_file = request.match_info.route.name == "static"
    response.headers[hdrs.CACHE_CONTROL] = "no-cache" if is_file else "no-store"


_STATUSES: dict[type[SourceError], tuple[int, str]] = {
    Missing: (404, "There is no such GraphCron"),
    NotAllowed: (403, "You may not do this"),
    Changed: (409, "This was changed by somebody else"),
    Refused: (422, "This was refused"),
    Away: (503, "Kubernetes does not answer"),
}


def _answer_errors(access: Access) -> Any:
    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except SignInNeeded as needed:
            return _ask_to_sign_in(request, str(needed))
        except SourceError as error:
            status, title = _STATUSES[type(error)]
            return _problem(request, status, title, str(error))
        except web.HTTPException as error:
            if error.status < 400:
                raise
            return _problem(request, error.status, error.reason, "Nothing of this console has this address.")
        except Exception:
            if request.transport is None or request.transport.is_closing():
                raise
            logger.exception("%s %s failed", request.method, request.path)
            return _problem(request, 500, "Internal error", "The console failed. Its log says more.")

    return answer


def _ask_to_sign_in(request: web.Request, message: str) -> web.Response:
    if "signin" not in request.app.router:
        return _problem(request, 403, "Not signed in", message)
    page = request.app.router["signin"].url_for()
    if "HX-Request" in request.headers:
        return web.Response(status=204, headers={"HX-Redirect": str(page)})
    if request.method == hdrs.METH_GET and request.match_info.route.name != "overview":
        page = page.with_query({"next": request.raw_path})
    return leads_on(str(page), str(request.app.router["static"].url_for(filename="icon.svg")))


def _problem(request: web.Request, status: int, title: str, message: str) -> web.Response:
    known = {"navigation": [], "here_page": "", "did": "", "title": title, "message": message} | _NOBODY
    return aiohttp_jinja2.render_template("problem.html", request, known, status=status)


async def _layout(access: Access, request: web.Request) -> dict[str, Any]:
    """What the layout shows on each page."""
    shown = {
        "navigation": [(name, title) for name, title in NAVIGATION if name in request.app.router],
        "here_page": request.match_info.route.name,
        "did": request.query.get("did", ""),
    }
    try:
        return shown | {
            "viewer": await access.who(request),
            "csrf": await access.csrf_token(request),
            "signs_out": access.signs_out,
        }
    except (SignInNeeded, SourceError):
        return shown | _NOBODY


def _coded(text: str) -> Markup:
    """What stands between backticks as code: documents and pages have the same sentences."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped first


_FILTERS: dict[str, Any] = {
    "human_name": words.human_name,
    "phase": words.phase,
    "condition": words.condition,
    "relative": words.relative,
    "coded": _coded,
    "told": words.told,
    "undelivered": channels.undelivered,
    "undelivered_line": channels.undelivered_line,
    "duration": words.duration,
    "first_line": words.first_line,
    "in_words": schedules.schedule_in_words,
    "why": urgency.why,
    "utc": format_time,
    "span": words.span,
    "outcome": firings.outcome_in_words,
    "strip": firings.strip_of,
    "anchor": firings.anchor,
    "success_rate": firings.success_rate,
    "median_duration": firings.median_duration,
    "used": spending.used_in_words,
}
