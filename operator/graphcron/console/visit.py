"""One request of a viewer: what a page gets, and how it answers."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import aiohttp_jinja2
from aiohttp import web

from graphcron.console.index import Index
from graphcron.console.source import Source
from graphcron.kube.resources import Manifest


@dataclass(frozen=True)
class Options:
    """What is the same for all viewers. `trace_url` links a run to its trace: `{run_id}`, `{thread_id}`, `{name}` and
    `{namespace}` are replaced; empty for no link. `first` is the command that makes a first GraphCron."""

    clock: Callable[[], datetime]
    trace_url: str = ""
    first: str = "kubectl apply -f https://raw.githubusercontent.com/graphcron/graphcron/main/examples/cron.yaml"
    index: Index = field(default_factory=Index)


@dataclass(frozen=True)
class Visit:
    """`layout` is what each page shows around its own; `fields` are those of a form that was sent, a page that is only
    shown has none."""

    request: web.Request
    source: Source
    options: Options
    now: datetime
    layout: dict[str, Any]
    fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def wants_part(self) -> bool:
        """Whether the page is there already, and htmx asks for what may have changed."""
        return "HX-Request" in self.request.headers

    def url(self, page: str, query: Mapping[str, str] | None = None, **parts: str) -> str:
        """The address of a page by its name."""
        address = self.request.app.router[page].url_for(**parts)
        return str(address.with_query(query) if query else address)

    def render(self, template: str, /, code: int = 200, **context: Any) -> web.Response:
        """An answer made of a template."""
        shown = self.layout | {"now": self.now, "silent": self.source.silent_seconds()} | context
        return aiohttp_jinja2.render_template(template, self.request, shown, status=code)

    def see(self, page: str, query: Mapping[str, str] | None = None, **parts: str) -> web.Response:
        """Leads on to another page: a change that was made is not made again when its answer is reloaded."""
        return web.Response(status=303, headers={"Location": self.url(page, query, **parts)})

    async def graphcron(self) -> Manifest:
        """The GraphCron that the path names. Raises Missing."""
        parts = self.request.match_info
        return await self.source.graphcron(parts["namespace"], parts["name"])


Page = Callable[[Visit], Awaitable[web.StreamResponse]]
