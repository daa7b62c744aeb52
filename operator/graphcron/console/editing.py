"""The form: a new GraphCron, and a change of one. What is wrong stands beside its field, while one types and when it is
sent; nothing that was written is lost."""

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from graphcron.console.source import NotAllowed, Refused, Verb
from graphcron.console.visit import Visit
from graphcron.kube.resources import Manifest
from graphcron.views import form, glance
from graphcron.views.manifest import as_yaml, for_git
from graphcron.views.preview import preview

GENERATION = "generation"
"""The field that says which version of the spec the viewer has seen."""
CHANGED_MEANWHILE = (
    "Somebody else changed this cron while you were writing. What you wrote is still here, and was not saved: save it "
    "once more to put it in place of what they wrote, or look at theirs first."
)


async def new(visit: Visit) -> web.StreamResponse:
    """An empty form."""
    return _shown(visit, None, form.shown(None) | await _places(visit), await visit.source.namespaces())


async def create(visit: Visit) -> web.StreamResponse:
    """Make the GraphCron of the form."""
    read = form.filled(visit.fields, None)
    errors = dict(read.errors)
    namespaces = await visit.source.namespaces()
    if not errors:
        metadata = read.manifest["metadata"]
        right = await visit.source.may(Verb.CREATE, metadata["namespace"])
        if not right.allowed:
            raise NotAllowed(right.why)
        try:
            made = (await visit.source.create(read.manifest))["metadata"]
            return visit.see("cron", {"did": "new"}, namespace=made["namespace"], name=made["name"])
        except (NotAllowed, Refused) as error:
            errors[_place(str(error))] = str(error)
    return _shown(visit, None, {**form.shown(None), **visit.fields}, namespaces, errors)


async def edit(visit: Visit) -> web.StreamResponse:
    """The form of a GraphCron as it is."""
    known = await _known(visit)
    return _shown(visit, known, form.shown(known))


async def save(visit: Visit) -> web.StreamResponse:
    """Change a GraphCron as the form has it: what somebody else changed of it meanwhile is told, and not undone."""
    known = await _known(visit)
    read = form.filled(visit.fields, known)
    errors = dict(read.errors)
    metadata = known["metadata"]
    if not errors and visit.fields.get(GENERATION) != str(metadata.get("generation")):
        errors[""] = CHANGED_MEANWHILE
    if not errors:
        right = await visit.source.may(Verb.PATCH, metadata["namespace"])
        if not right.allowed:
            raise NotAllowed(right.why)
        try:
            if operations := form.edits(known, read.manifest):
                await visit.source.edit(known, operations)
            return visit.see("cron", {"did": "edit"}, namespace=metadata["namespace"], name=metadata["name"])
        except (NotAllowed, Refused) as error:
            errors[_place(str(error))] = str(error)
    return _shown(visit, known, {**form.shown(known), **visit.fields}, errors=errors)


async def draft_new(visit: Visit) -> web.StreamResponse:
    """What the form of a new GraphCron comes to so far, for htmx."""
    return _draft(visit, None)


async def draft(visit: Visit) -> web.StreamResponse:
    """What the form of a GraphCron comes to so far, for htmx."""
    return _draft(visit, await _known(visit))


def _place(message: str) -> str:
    """The field that a refusal is about, empty when it names none of the form."""
    found = re.match(r"spec\.(\w+)", message)
    return found[1] if found and found[1] in {field.name for field in form.FIELDS} else ""


async def _known(visit: Visit) -> Manifest:
    return glance.opened(await visit.graphcron())


async def _places(visit: Visit) -> dict[str, str]:
    """What a form for a new GraphCron begins with."""
    asked = visit.request.query.get(form.NAMESPACE)
    offered = await visit.source.namespaces()
    return {form.NAMESPACE: asked if asked in offered else next(iter(offered), "")}


def _draft(visit: Visit, known: Manifest | None) -> web.StreamResponse:
    read = form.filled(visit.fields, known)
    # Who has not come to a field yet has made no mistake there.
    errors = {name: text for name, text in read.errors.items() if not name or visit.fields.get(name, "").strip()}
    return visit.render("form_draft.html", **_context(visit, known, visit.fields, errors, read.manifest))


def _shown(
    visit: Visit,
    known: Manifest | None,
    values: Mapping[str, str],
    namespaces: list[str] | None = None,
    errors: Mapping[str, str] | None = None,
) -> web.Response:
    manifest = form.filled(values, known).manifest
    context = _context(visit, known, values, errors or {}, manifest)
    return visit.render("form.html", code=422 if errors else 200, namespaces=namespaces or [], **context)


def _context(
    visit: Visit, known: Manifest | None, values: Mapping[str, str], errors: Mapping[str, str], manifest: Manifest
) -> dict[str, Any]:
    seed, status = (known["metadata"]["uid"], known["status"]) if known else ("", {})
    return {
        "known": known,
        "generation": known["metadata"].get("generation") if known else None,
        "values": values,
        "errors": defaultdict(str, errors),
        "groups": form.GROUPS,
        "spec_fields": form.FIELDS,
        "filled": {name for name, text in values.items() if text.strip()},
        "zones": form.zones(),
        "preview": preview(values.get("schedule", ""), values.get("timezone", ""), visit.now, seed, status),
        "yaml": as_yaml(for_git(manifest)),
    }
