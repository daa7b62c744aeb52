"""The overview: all GraphCrons that the viewer may see, what needs attention first."""

from aiohttp import web

from graphcron.console.visit import Visit
from graphcron.kube.resources import Manifest
from graphcron.views import glance
from graphcron.views.overview import ORDERS, Filter, choices, ordered, part
from graphcron.views.spending import line_of, spent

FIELDS = ("text", "phase", "owner", "assistant", "namespace", "label")
"""Of a filter, as the address has them."""

FIELD_LIMIT = 200
"""Characters of what is searched for."""


async def lead_on(visit: Visit) -> web.StreamResponse:
    """From the address without a slash, which relative addresses would not fit."""
    return visit.see("overview")


async def show(visit: Visit) -> web.StreamResponse:
    """The page, or for htmx its list."""
    given = {name: text[:FIELD_LIMIT].strip() for name, text in visit.request.query.items()}
    chosen = Filter(**{name: given.get(name, "") for name in FIELDS})
    order = given.get("order", "")
    listed = visit.options.index.listed(await visit.source.graphcrons())
    found = [one for one in listed if chosen.takes(one[0])]
    number = given.get("page", "1")
    shown = part(ordered(found, order), int(number) if number.isdecimal() else 1)
    query = {name: given[name] for name in (*FIELDS, "order") if given.get(name)}

    def address(page: int) -> str:
        return visit.url("overview", query | ({"page": str(page)} if page > 1 else {}))

    rows = [(entry, glance.opened(one)) for entry, one in shown.listed]
    return visit.render(
        "overview_list.html" if visit.wants_part else "overview.html",
        part=shown,
        rows=rows,
        months=_months(visit, [one for _, one in rows]),
        here=address(shown.number),
        before=address(shown.number - 1) if shown.number > 1 else None,
        after=address(shown.number + 1) if shown.number < shown.pages else None,
        filter=chosen,
        order=order,
        orders=ORDERS,
        choices=choices(listed),
        known=len(listed),
        first=visit.options.first,
    )


def _months(visit: Visit, graphcrons: list[Manifest]) -> dict[str, str]:
    """What each used this month, by its uid: money where there are prices. Empty when nothing is recorded of any."""
    if not any(one["status"].get("spending") for one in graphcrons):
        return {}
    return {one["metadata"]["uid"]: _month(visit, one) for one in graphcrons}


def _month(visit: Visit, graphcron: Manifest) -> str:
    line = line_of(graphcron)
    used = spent(line, "Month", visit.now)
    return used.cost_in_words if line.currency else used.tokens_in_words
