"""The cases: what a client may ask of the cron endpoints, and where the two sides are meant to differ.

Schedules are such that no firing comes while the cases are told.
"""

from typing import Any

from tests.contract.script import Case, Request

YEARLY = "27 15 1 1 *"
NOBODY = "00000000-0000-4000-8000-000000000000"
AGENT = "fe096781-5601-53d2-b2f6-0d3403f7e9ca"
"""The assistant that LangGraph makes for the graph `agent`."""
MINIMAL: dict[str, Any] = {"assistant_id": "agent", "schedule": YEARLY}

CASES: list[Case] = []


def case(name: str, *requests: Request, differs: dict[str, list[str]] | None = None) -> None:
    """Another case; `differs` as in `Case`."""
    CASES.append(Case(name, requests, differs or {}))


def post(path: str, body: Any = None, save: str | None = None) -> Request:
    return Request("POST", path, body, save)


def create(save: str = "cron", **fields: Any) -> Request:
    """A stateless cron once a year, but for these fields."""
    return post("/runs/crons", MINIMAL | fields, save)


def on_thread(save: str = "cron", thread: str = "{thread}", **fields: Any) -> Request:
    return post(f"/threads/{thread}/runs/crons", MINIMAL | fields, save)


def new_thread(save: str = "thread") -> Request:
    return post("/threads", {}, save)


def get(cron: str = "{cron}") -> Request:
    return Request("GET", f"/runs/crons/{cron}")


def patch(body: Any, cron: str = "{cron}") -> Request:
    return Request("PATCH", f"/runs/crons/{cron}", body)


def delete(cron: str = "{cron}") -> Request:
    return Request("DELETE", f"/runs/crons/{cron}")


def search(**query: Any) -> Request:
    return post("/runs/crons/search", query)


def count(**query: Any) -> Request:
    return post("/runs/crons/count", query)


def raw(text: str, path: str = "/runs/crons", method: str = "POST", save: str | None = None) -> Request:
    return Request(method, path, text.encode(), save)


def member(text: str) -> Request:
    """A create with one more member, written as JSON by hand."""
    return raw(f'{{"assistant_id": "agent", "schedule": "{YEARLY}", {text}}}', save="cron")


def nested(levels: int) -> Any:
    value: Any = "deep"
    for _ in range(levels):
        value = {"in": value}
    return value


# Rows of the table in docs/rest.md that several cases show.
UNKNOWN = "unknown body field"
WORDS = "text of 422 for a wrong field"
NEXT = "`next_run_date` of a disabled cron, or past its `end_time`"
END_TIME = "`end_time`"
FIXED = "`assistant_id`, `thread_id`, `cron_id` in PATCH"
NUMBERS = "integers beyond 64 bits"
WHOLE = "`1.0` and `-0.0` in free-form JSON"
SCHEDULE = "schedules with seconds or `R`, or that never fire"
REASON = "reason of a refused schedule"
METADATA = "`payload.metadata` after PATCH"
CLEARED = "`payload.end_time` after clearing"

# Each field of a create, by itself, and read again.

GOOD: dict[str, list[Any]] = {
    "input": [
        {"messages": [{"role": "user", "content": "hi"}]}, {}, [], [{"a": 1}, {"b": 2}], {"a": None},
        {"text": 'Größe 😀 \u2028 "quoted" \\ $(HOME) \n\t'}, {"": "empty key"}, {"n": 2**53 + 1},
        {"n": -(2**53) - 1}, {"n": 2**63 - 1}, {"n": -(2**63)}, {"n": 1e300}, {"n": 0.1}, nested(100),
    ],
    "metadata": [{"team": "blue"}, {}, {"a": {"b": [1, {"c": None}]}}, {"long": "x" * 50_000}, {"ü": "😀"}],
    "config": [
        {}, {"tags": ["a"]}, {"recursion_limit": 5}, {"configurable": {"model": "m"}}, {"configurable": {}},
        {"tags": ["a"], "configurable": {"x": 1}, "recursion_limit": 7},
        {"configurable": {"langgraph_auth_user": "me", "keep": 1}}, {"configurable": {"cron_id": "mine"}},
    ],
    "context": [{}, {"user": "ada"}, {"deep": {"er": [1]}}],
    "webhook": ["https://93.184.215.14/hook", "http://93.184.215.14/a?b=c", "https://93.184.215.14:8443/x"],
    "interrupt_before": ["*", ["answer"], []],
    "interrupt_after": ["*", ["answer"], ["a", "b"]],
    "on_run_completed": ["delete", "keep"],
    "enabled": [True],
    "timezone": ["Europe/Berlin", "UTC", "Etc/UTC", "America/New_York", "Asia/Kolkata"],
    "end_time": ["2100-01-01T00:00:00+00:00"],
    "stream_mode": ["values", ["values"], ["values", "updates", "messages-tuple"], ["custom"]],
    "stream_subgraphs": [True, False],
    "stream_resumable": [True, False],
    "durability": ["sync", "async", "exit"],
    "checkpoint_during": [True, False],
    "multitask_strategy": ["reject", "rollback", "interrupt", "enqueue"],
    "assistant_id": [AGENT],
}  # fmt: skip

for name, values in GOOD.items():
    for number, value in enumerate(values, 1):
        case(f"create: {name} {number}", create(**{name: value}), get())

case("create: the least", create(), get())
case("create: disabled", create(enabled=False), get(), differs={NEXT: ["*.body.next_run_date"]})
case(
    "create: an end_time in the past",
    create(end_time="2020-01-01T00:00:00+00:00"),
    differs={NEXT: ["1.body.next_run_date"]},
)
case("create: metadata with reserved keys", create(metadata={"thread_id": "a", "cron_id": "b", "run_id": "c", "k": 1}))
case("create: config and context", create(config={"configurable": {"a": 1}}, context={"b": 2}), get())
case(
    "create: every field",
    create(
        input={"a": 1},
        metadata={"b": 2},
        config={"tags": ["t"]},
        interrupt_before=["n"],
        interrupt_after="*",
        on_run_completed="keep",
        enabled=True,
        timezone="Europe/Berlin",
        stream_mode=["values"],
        stream_subgraphs=True,
        stream_resumable=True,
        durability="exit",
        multitask_strategy="enqueue",
    ),
    get(),
)
case("create: another Content-Type", Request("POST", "/runs/crons", MINIMAL, "cron", {"Content-Type": "text/plain"}))
case("create: whole floats", create(input={"n": 1.0}), get(), differs={WHOLE: ["*.body.payload.input.n"]})
case("create: a negative zero", create(input={"n": -0.0}), get(), differs={WHOLE: ["*.body.payload.input.n"]})
case("create: an unknown field", create(time_zone="UTC"), differs={UNKNOWN: ["1.status"]})
case("create: if_not_exists", create(if_not_exists="create"), differs={"`if_not_exists`": ["1.body.payload.*"]})
case("create: an unknown strategy", create(multitask_strategy="banana"), differs={"`multitask_strategy`": ["1.status"]})

# Numbers and texts at JSON's edges.

case("JSON: 2^53+1 in metadata", create(metadata={"n": 2**53 + 1}), get())
case("JSON: 1e400", member('"input": {"n": 1e400}'))
case("JSON: NaN", member('"input": {"n": NaN}'))
case("JSON: Infinity", member('"input": {"n": -Infinity}'))
case("JSON: 2^64", member(f'"input": {{"n": {2**64}}}'), differs={"integers beyond 64 bits": ["1.status"]})
case("JSON: 2^63", member(f'"input": {{"n": {2**63}}}'), get(), differs={"integers beyond 64 bits": ["*.status"]})
case("JSON: half a surrogate pair", member('"input": {"t": "\\ud800"}'))
case("JSON: a surrogate pair", member('"input": {"t": "\\ud83d\\ude00"}'), get())
case("JSON: NUL", member('"input": {"t": "a\\u0000b"}'), differs={"NUL characters": ["1.status"]})
case("JSON: the same key twice", member('"input": {"a": 1, "a": 2}'), get())
case("JSON: 240 levels", create(input=nested(240)), get())
case("JSON: 252 levels", create(input=nested(252)), differs={"nested deeper than 250 levels": ["1.status"]})
case("JSON: 300 levels", create(input=nested(300)), differs={"nested deeper than 250 levels": ["1.status"]})
case("JSON: none", post("/runs/crons"))
case("JSON: half", raw('{"assistant_id": "agent"'))
for text in ("[]", "null", '"agent"'):
    case(f"JSON: {text}", raw(text), differs={WORDS: ["1.body.detail"]})
case("JSON: not UTF-8", Request("POST", "/runs/crons", b'{"assistant_id": "\xff"}'))
case("JSON: a byte order mark", raw("\ufeff{}"))
case("JSON: trailing text", raw("{} {}"))

# What is no value of a field.

BAD: dict[str, list[Any]] = {
    "assistant_id": [None, 5, []],
    "schedule": [None, 5, []],
    "timezone": [None, 5],
    "end_time": [5],
    "input": ["text", 5, True, [1, "two"]],
    "metadata": [None, [], "text"],
    "config": [None, [], "text"],
    "context": [None, "text"],
    "webhook": [None, 5, ""],
    "interrupt_before": [None, 5, "answer"],
    "interrupt_after": [None, 5],
    "on_run_completed": [None, "banana", 5],
    "enabled": [None, "yes", 1],
    "stream_mode": [None, "banana", ["banana"], 5],
    "stream_subgraphs": [None, "yes"],
    "stream_resumable": [None, "yes"],
    "durability": [None, "banana"],
    "checkpoint_during": [None, "yes"],
    "multitask_strategy": [None, 5],
}
UNCHECKED = {"checkpoint_during": "`checkpoint_during`", "multitask_strategy": "`multitask_strategy`"}
for name, values in BAD.items():
    for value in values:
        row = {UNCHECKED[name]: ["1.status"]} if name in UNCHECKED else {WORDS: ["1.body.detail"]}
        case(f"create: {name} is {value!r}", create(**{name: value}), differs=row)
case("create: assistant_id is empty", create(assistant_id=""))
for body in ({"schedule": YEARLY}, {"assistant_id": "agent"}, {}):
    name = f"create: only {' '.join(body) or 'nothing'}"
    case(name, post("/runs/crons", body), differs={WORDS: ["1.body.detail"]})
case("create: an unknown assistant", create(assistant_id="nobody"))
case("create: an unknown assistant's id", create(assistant_id=NOBODY))
case("create: an unknown assistant and a bad schedule", create(assistant_id="nobody", schedule="banana"))
case("create: a bad zone and a bad schedule", create(timezone="Mars/Phobos", schedule="banana"))
case("create: end_time is null", create(end_time=None), differs={WORDS: ["1.body.detail"]})
for text in ("garbage", "2100-01-01T00:00:00", ""):
    case(f"create: end_time is {text!r}", create(end_time=text), differs={END_TIME: ["1.status"]})
case(
    "create: end_time in another zone",
    create(end_time="2100-01-01T02:00:00+02:00"),
    differs={"`end_time` in answers": ["1.body.end_time", "1.body.payload.end_time"]},
)

# Schedules and zones.

for number, text in enumerate((
    "0 0 1 1 *", "30 8 1 1 mon-fri", "0 9 1 JAN *", "0 0 * 1 0", "0 0 * 1 7", "0 0 1 1 1", "15,45 3 2-4 1 *",
    "0 */6 1 1 *", "@yearly", "@annually", "0 0 L 2 *", "0 0 * 1 5#2", "0 0 * 1 L5", "0 0 15W 1 *", "0 22-2 1 1 *",
    "0 0 1 1 fri-mon", "  0  0 1 1 * ", "0 0 ? 1 ?", "0 0 29 2 *",
), 1):  # fmt: skip
    case(f"schedule: good {number} ({text.strip()})", create(schedule=text), get())
ALIKE = ("banana", "", "* * * *", "? ? ? ? ?")
for text in (
    "banana", "", "* * * *", "61 0 1 1 *", "0 24 1 1 *", "0 0 0 1 *", "0 0 32 1 *", "0 0 1 13 *", "0 0 1 1 8",
    "0 0 1 1 friday", "@every 5m", "@reboot", "0 0 1 1 5L", "0 0 LW 1 *", "? ? ? ? ?", "H 0 1 1 *", "*/0 0 1 1 *",
    "a b c d e",
):  # fmt: skip
    alike = {} if text in ALIKE else {REASON: ["1.body.detail"]}
    case(f"schedule: bad ({text})", create(schedule=text), differs=alike)
for text in ("0 0 1 1 * 30", "R 0 1 1 *", "0 0 31 2 *"):
    case(f"schedule: theirs alone ({text})", create(schedule=text), differs={SCHEDULE: ["1.status"]})
for text in ("Mars/Phobos", "europe/berlin", "+02:00", "Local"):
    case(f"timezone: bad ({text})", create(timezone=text))
case("timezone: empty", create(timezone=""), differs={"empty or odd time zones": ["1.status"]})

# Crons on threads.

case("thread: create", new_thread(), on_thread(), get())
case("thread: every field", new_thread(), on_thread(input={"a": 1}, multitask_strategy="reject", metadata={"k": "v"}))
case("thread: none such", on_thread(thread=NOBODY))
case("thread: no UUID", on_thread(thread="nope"))
case("thread: bad body for no UUID", raw("{", path="/threads/nope/runs/crons"))
case("thread: bad schedule", new_thread(), on_thread(schedule="banana"))
case(
    "thread: on_run_completed",
    new_thread(),
    on_thread(on_run_completed="keep"),
    differs={"`on_run_completed` when creating on a thread": ["2.status"]},
)
case("thread: on_run_completed by PATCH", new_thread(), on_thread(), patch({"on_run_completed": "keep"}), get())
case(
    "thread: deleted with its crons", new_thread(), on_thread(), Request("DELETE", "/threads/{thread}"), get(), count()
)
case(
    "thread: deleted leaves others alone",
    new_thread(),
    new_thread("thread2"),
    on_thread(),
    on_thread("cron2", "{thread2}"),
    Request("DELETE", "/threads/{thread2}"),
    get(),
    get("{cron2}"),
)
case(
    "assistant: deleted with its crons",
    post("/assistants", {"graph_id": "agent"}, "assistant"),
    create(assistant_id="{assistant}"),
    get(),
    Request("DELETE", "/assistants/{assistant}"),
    get(),
)
case(
    "thread: crons by GET",
    new_thread(),
    Request("GET", "/threads/{thread}/runs/crons"),
    differs={"`GET /threads/{id}/runs/crons`": ["2.status"]},
)

# One cron.

case("get: none such", get(NOBODY))
case("get: no UUID", get("nope"))
case("get: in capitals", create(), get("{CRON}"))
case("get: without hyphens", get(NOBODY.replace("-", "")))
case("delete: twice", create(), delete(), delete(), get())
case("delete: none such", delete(NOBODY))
case("delete: no UUID", delete("nope"))
case("patch: none such", patch({"enabled": False}, NOBODY))
case("patch: no UUID", patch({"enabled": False}, "nope"))

# Updates.

PATCHES: dict[str, Any] = {
    "schedule": "0 0 1 2 *", "timezone": "Asia/Tokyo", "input": {"b": 2}, "config": {"tags": ["new"]},
    "context": {"c": 3}, "webhook": "https://93.184.215.14/new", "interrupt_before": ["x"], "interrupt_after": "*",
    "on_run_completed": "keep", "end_time": "2100-01-01T00:00:00+00:00", "stream_mode": ["updates"],
    "stream_subgraphs": True, "stream_resumable": True, "durability": "sync",
}  # fmt: skip
FULL: dict[str, Any] = {
    "input": {"a": 1},
    "metadata": {"k": "v"},
    "config": {"tags": ["old"], "configurable": {"m": 1}},
}
for name, value in PATCHES.items():
    case(f"patch: {name}", create(**FULL), patch({name: value}), get())
case(
    "patch: metadata merges",
    create(metadata={"a": 1, "b": {"c": 2}}),
    patch({"metadata": {"b": {"d": 3}, "e": 4}}),
    get(),
    differs={METADATA: ["*.body.payload.metadata.a"]},
)
case(
    "patch: metadata is empty",
    create(metadata={"a": 1}),
    patch({"metadata": {}}),
    get(),
    differs={METADATA: ["*.body.payload.metadata.a"]},
)
case(
    "patch: enabled",
    create(),
    patch({"enabled": False}),
    get(),
    patch({"enabled": True}),
    get(),
    differs={NEXT: ["2.body.next_run_date", "3.body.next_run_date"]},
)
case(
    "patch: created disabled, then enabled",
    create(enabled=False),
    patch({"enabled": True}),
    get(),
    differs={NEXT: ["1.body.next_run_date"]},
)
case(
    "patch: end_time cleared",
    create(end_time="2100-01-01T00:00:00+00:00"),
    patch({"end_time": None}),
    get(),
    differs={CLEARED: ["*.body.payload.end_time"]},
)
case(
    "patch: end_time cleared that was none",
    create(),
    patch({"end_time": None}),
    get(),
    differs={CLEARED: ["*.body.payload.end_time"]},
)
case(
    "patch: end_time in the past",
    create(),
    patch({"end_time": "2020-01-01T00:00:00+00:00"}),
    get(),
    differs={NEXT: ["*.body.next_run_date"]},
)
case("patch: two fields", create(), patch({"schedule": "0 0 1 3 *", "timezone": "Asia/Tokyo"}), get())
case("patch: one after the other", create(), patch({"input": {"a": 1}}), patch({"metadata": {"b": 2}}), get())
case("patch: config with configurable", create(**FULL), patch({"config": {"configurable": {"n": 2}}}), get())
case("patch: {}", create(), patch({}))
case("patch: nothing", create(), Request("PATCH", "/runs/crons/{cron}"))
case("patch: half a JSON", create(), raw("{", "/runs/crons/{cron}", "PATCH"))
case("patch: a list", create(), patch([]), differs={WORDS: ["2.body.detail"]})
case("patch: an unknown field alone", create(), patch({"nope": 1}), differs={UNKNOWN: ["2.status"]})
case(
    "patch: an unknown field and a known one",
    create(),
    patch({"nope": 1, "input": {}}),
    differs={UNKNOWN: ["2.status"]},
)
for name, value in (("assistant_id", "agent"), ("thread_id", NOBODY), ("cron_id", NOBODY)):
    case(f"patch: {name}", create(), patch({name: value}), differs={FIXED: ["2.status"]})
case("patch: multitask_strategy", create(), patch({"multitask_strategy": "reject"}))
case("patch: a bad schedule", create(), patch({"schedule": "banana"}), get())
case("patch: a bad zone", create(), patch({"timezone": "Mars/Phobos"}), get())
case(
    "patch: a good zone and a bad schedule",
    create(),
    patch({"timezone": "Asia/Tokyo", "schedule": "banana"}),
    get(),
    differs={"refused PATCH": ["3.body.timezone"]},
)
case("patch: end_time is no time", create(), patch({"end_time": "garbage"}), differs={END_TIME: ["2.status"]})
for name in ("schedule", "timezone", "metadata", "enabled", "config", "context", "webhook", "interrupt_before",
             "on_run_completed", "stream_mode", "durability", "input"):  # fmt: skip
    case(f"patch: {name} is null", create(), patch({name: None}), get(), differs={WORDS: ["2.body.detail"]})

# Search and count.

THREE = (
    create("cron", metadata={"n": 1, "team": {"name": "blue", "size": 3}}, schedule="0 0 3 1 *"),
    create("cron2", metadata={"n": 2, "tags": ["a", "b"]}, schedule="0 0 1 1 *"),
    create("cron3", metadata={"n": 3, "team": {"name": "red"}}, schedule="0 0 2 1 *"),
)
case("search: nothing there", search(), count())
case("search: all", *THREE, search(), count())
FILTERS: dict[str, dict[str, Any]] = {
    "metadata": {"metadata": {"n": 2}}, "metadata, a float": {"metadata": {"n": 2.0}},
    "metadata, no match": {"metadata": {"n": 9}},
    "metadata, part of an object": {"metadata": {"team": {"name": "blue"}}},
    "metadata, an empty object": {"metadata": {"team": {}}}, "metadata, a list": {"metadata": {"tags": ["a", "b"]}},
    "metadata, part of a list": {"metadata": {"tags": ["a"]}}, "metadata, another type": {"metadata": {"n": "2"}},
    "metadata, two keys": {"metadata": {"n": 1, "team": {"size": 3}}}, "metadata, empty": {"metadata": {}},
    "metadata, null": {"metadata": {"nope": None}}, "assistant by name": {"assistant_id": "agent"},
    "assistant by id": {"assistant_id": AGENT}, "another assistant": {"assistant_id": NOBODY},
    "a thread": {"thread_id": NOBODY}, "enabled": {"enabled": True},
}  # fmt: skip
for name, query in FILTERS.items():
    case(f"search: {name}", *THREE, search(**query), count(**query))
case(
    "search: disabled",
    *THREE,
    patch({"enabled": False}),
    search(enabled=False),
    search(enabled=True),
    differs={NEXT: ["4.body.next_run_date", "5.body.0.next_run_date"]},
)
case(
    "count: disabled",
    *THREE,
    patch({"enabled": False}),
    count(enabled=False),
    differs={NEXT: ["4.body.next_run_date"], "`enabled` in count": ["5.body"]},
)
case(
    "search: by thread",
    new_thread(),
    on_thread("cron"),
    create("cron2"),
    search(thread_id="{thread}"),
    count(thread_id="{thread}"),
)
for limit, offset in ((1, 0), (1, 1), (2, 0), (2, 2), (3, 0), (10, 3), (1000, 0), (1, 100)):
    case(f"search: limit {limit}, offset {offset}", *THREE, search(limit=limit, offset=offset))
MISTAKES: dict[str, dict[str, Any]] = {
    "limit 0": {"limit": 0}, "limit 1001": {"limit": 1001}, "limit -1": {"limit": -1}, "limit a text": {"limit": "5"},
    "limit null": {"limit": None}, "offset -1": {"offset": -1}, "offset null": {"offset": None},
    "an unknown sort key": {"sort_by": "banana"}, "an unknown order": {"sort_by": "cron_id", "sort_order": "up"},
    "an unknown order alone": {"sort_order": "up"}, "metadata a list": {"metadata": []},
    "metadata null": {"metadata": None}, "enabled a text": {"enabled": "yes"},
    "select an unknown field": {"select": ["banana"]}, "select a text": {"select": "cron_id"},
    "sort_by null": {"sort_by": None},
}  # fmt: skip
for name, query in MISTAKES.items():
    case(f"search: {name}", search(**query), differs={WORDS: ["1.body.detail"]})
ODDITIES: dict[str, dict[str, Any]] = {
    "sort_order alone": {"sort_order": "asc"}, "select nothing": {"select": []},
    "assistant no UUID": {"assistant_id": "nope"}, "thread no UUID": {"thread_id": "nope"},
}  # fmt: skip
for name, query in ODDITIES.items():
    case(f"search: {name}", *THREE, search(**query))
case("search: an unknown filter", search(schedule=YEARLY), differs={UNKNOWN: ["1.status"]})
for key in ("cron_id", "assistant_id", "thread_id", "next_run_date", "end_time", "created_at", "updated_at"):
    for order in ("asc", "desc"):
        case(f"search: by {key} {order}", *THREE, search(sort_by=key, sort_order=order))
case("search: by next_run_date", *THREE, search(sort_by="next_run_date"))
case(
    "search: by thread_id with nulls",
    create("cron"),
    new_thread(),
    on_thread("cron2"),
    search(sort_by="thread_id", sort_order="asc"),
    search(sort_by="thread_id", sort_order="desc"),
)
case(
    "search: by end_time with nulls",
    create("cron"),
    create("cron2", end_time="2100-01-01T00:00:00+00:00"),
    search(sort_by="end_time", sort_order="asc"),
    differs={"sorting with nulls by `end_time`": ["3.status"]},
)
case("search: by updated_at after a change", *THREE, patch({"enabled": True}), search(sort_by="updated_at"))
for key in ("cron_id", "assistant_id", "thread_id", "end_time", "schedule", "timezone", "created_at", "updated_at",
            "user_id", "payload", "next_run_date", "metadata", "enabled", "on_run_completed"):  # fmt: skip
    case(f"search: select {key}", create(**FULL), search(select=[key]))
case("search: select two", *THREE, search(select=["cron_id", "schedule"], sort_by="created_at", sort_order="asc"))
case("search: half a JSON", raw("{", "/runs/crons/search"))
case("search: no body", post("/runs/crons/search"))
case("search: a list", raw("[]", "/runs/crons/search"), differs={WORDS: ["1.body.detail"]})
case("count: half a JSON", raw("{", "/runs/crons/count"))
case("count: no body", post("/runs/crons/count"))
case("count: a bad filter", count(metadata=[]), differs={WORDS: ["1.body.detail"]})
case("count: an unknown filter", count(limit=1), differs={UNKNOWN: ["1.status"]})

# What is ours to decide.

case(
    "webhook: a private host",
    create(webhook="http://127.0.0.1/hook"),
    differs={"webhooks to private hosts": ["1.status"]},
)
case(
    "webhook: credentials",
    create(webhook="https://u:p@93.184.215.14/?token=t&a=b"),
    get(),
    differs={"credentials in `payload.webhook`": ["*.body.payload.webhook"]},
)
case("size: 200 KiB", create(input={"text": "x" * 200 * 1024}), get())
case("size: 300 KiB", create(input={"text": "x" * 300 * 1024}), differs={"size of a run request": ["1.status"]})
case("size: 1.5 MB", create(input={"text": "x" * 1_500_000}), differs={"size of a body": ["1.status"]})
case(
    "clock change: an hour that is skipped",
    create(schedule="30 2 28 3 *", timezone="Europe/Berlin"),
    differs={"`next_run_date` otherwise": ["1.body.next_run_date"]},
)
case("clock change: an hour that is there twice", create(schedule="30 2 31 10 *", timezone="Europe/Berlin"))

case(
    "browser: an origin",
    Request("POST", "/runs/crons/count", {}, headers={"Origin": "https://app.example"}),
    differs={"headers for browsers (CORS) on cron endpoints": ["1.headers.Access-Control-*"]},
)

# Ways and methods.

for way in ("GET /runs/crons", "PUT /runs/crons", "DELETE /runs/crons", "PATCH /runs/crons", "GET /runs/crons/search",
            "GET /runs/crons/count"):  # fmt: skip
    method, path = way.split()
    case(f"way: {way}", Request(method, path))
for method in ("PUT", "POST"):
    case(
        f"way: {method} of a cron",
        Request(method, f"/runs/crons/{NOBODY}"),
        differs={"`Allow` of a 405 for an id": ["1.headers.Allow"]},
    )
case("way: a slash at the end", post("/runs/crons/", MINIMAL, "cron"), differs={"`/runs/crons/`": ["1.status"]})
case(
    "way: an encoded slash",
    post("/runs%2Fcrons", MINIMAL, "cron"),
    differs={"`/runs%2Fcrons`, `/runs/crons%0A` and other odd spellings": ["1.status"]},
)
case("way: two slashes", post("//runs/crons", MINIMAL, "cron"))
case("way: HEAD of a cron", create(), Request("HEAD", "/runs/crons/{cron}"))

NOT_COMPARED = {
    "`created_at`": "both sides write it with six digits, and only the last three tell",
    "order of keys within `payload` and in free-form objects": "JSON objects have no order, so cases compare without",
}
"""Rows of the table that no case can show, and why."""
