"""`graphcron next`: when a schedule fires, for people, and for programs as JSON lines.

The same answer as status.nextRunTimes and next_run_date give; no cluster is asked.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from typing import Any, BinaryIO, TextIO

from graphcron.firing.formats import format_time, parse_time
from graphcron.schedule.counting import per_month, per_month_in_words
from graphcron.schedule.description import in_words
from graphcron.schedule.expression import is_hashed, read
from graphcron.schedule.field_syntax import InvalidSchedule, oversized_steps
from graphcron.schedule.fields import Schedule
from graphcron.schedule.next_runs import DAYS_HORIZON_YEARS, next_times
from graphcron.schedule.time_zone import InvalidTimezone, read_timezone

COUNT = 5
"""Number of times without `--count`: as many as the status of a GraphCron has."""
COUNT_LIMIT = 10_000
"""A year of hourly firings, with room; more would hold up the other lines of a stream."""

EXIT_OK = 0
EXIT_INVALID = 1
"""The schedule cannot be fired as written, or its zone is none. Wrong usage is 2, as argparse has it."""
EXIT_READER_GONE = 141
"""What a shell shows for a command that died of SIGPIPE."""

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Question:
    """When a schedule fires after a moment. `timezone` None means Etc/UTC."""

    schedule: str
    timezone: str | None
    after: datetime
    count: int
    seed: str = ""
    """The uid of the GraphCron, for `H`."""


KEYS = ("schedule", "timezone", "after", "count", "seed")
"""What a line may hold."""


class Unanswerable(ValueError):
    """A question that has no answer, with a sentence that says why."""


def main(arguments: Sequence[str], clock: Clock = lambda: datetime.now(UTC)) -> int:
    """Answers the command line; returns the exit code. Raises SystemExit for wrong usage, as argparse does."""
    given = _parser().parse_args(arguments)
    try:
        if given.schedule == "-":
            return _serve(given, sys.stdin.buffer, sys.stdout, clock)
        question = Question(given.schedule, given.timezone, given.after or clock(), given.count, given.seed)
        print("\n".join(for_people(question)))
        sys.stdout.flush()
    except Unanswerable as error:
        print(f"graphcron next: {error}", file=sys.stderr)
        return EXIT_INVALID
    except BrokenPipeError:
        # Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_READER_GONE
    except KeyboardInterrupt:
        return 130
    return EXIT_OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="graphcron next",
        description="Show when a schedule fires. The options are the defaults of lines that lack the value.",
        epilog='With "-": each line of standard input is {"schedule", "timezone", "after", "count", "seed"}, all but '
        'the first optional; each is answered by one line, {"next": [...]} or {"error": "..."}.',
    )
    parser.add_argument("schedule", metavar="SPEC", help='five cron fields in quotes, or "-" for JSON lines')
    parser.add_argument("--timezone", metavar="ZONE", help="IANA time zone (default: Etc/UTC)")
    parser.add_argument("--after", metavar="TIME", type=_time, help="RFC 3339 time with UTC offset (default: now)")
    parser.add_argument("--count", metavar="N", type=_count, default=COUNT, help=f"how many (default: {COUNT})")
    parser.add_argument("--seed", metavar="UID", default="", help="uid of the GraphCron, which decides what H is")
    return parser


def _time(text: str) -> datetime:
    try:
        return _read_time(text)
    except Unanswerable as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _count(text: str) -> int:
    try:
        return _read_count(int(text))
    except (Unanswerable, ValueError):
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 to {COUNT_LIMIT}") from None


def _serve(given: argparse.Namespace, source: BinaryIO, sink: TextIO, clock: Clock) -> int:
    defaults = {"timezone": given.timezone, "after": given.after, "count": given.count, "seed": given.seed}
    for line in answers(source, defaults, clock):
        sink.write(line + "\n")
        sink.flush()  # a program that writes line by line waits for it
    return EXIT_OK


def answers(lines: Iterable[bytes], defaults: dict[str, Any], clock: Clock) -> Iterable[str]:
    """One line of JSON for each line, whatever it holds: a bad one is answered with its error and ends nothing."""
    for line in lines:
        try:
            question = _read_question(line, defaults, clock)
            _, times = _ask(question)
            yield json.dumps({"next": [format_time(time) for time in times]})
        except Unanswerable as error:
            yield json.dumps({"error": str(error)}, ensure_ascii=True)


def _read_question(line: bytes, defaults: dict[str, Any], clock: Clock) -> Question:
    try:
        asked = json.loads(line.decode())
    except (ValueError, RecursionError):
        raise Unanswerable("this line is no JSON; write one object a line") from None
    if not isinstance(asked, dict):
        raise Unanswerable('this line is no JSON object; write {"schedule": "0 9 * * *"}')
    if unknown := sorted(asked.keys() - set(KEYS)):
        raise Unanswerable(f"unknown key {json.dumps(unknown[0])}; known are {', '.join(KEYS)}")
    schedule, zone = asked.get("schedule"), asked.get("timezone", defaults["timezone"])
    if not isinstance(schedule, str):
        raise Unanswerable("schedule is missing" if schedule is None else "schedule must be a string")
    if not isinstance(zone, str | None):
        raise Unanswerable("timezone must be a string, an IANA name such as Europe/Berlin")
    after = _read_time(asked["after"]) if asked.get("after") is not None else defaults["after"] or clock()
    count, seed = asked.get("count"), asked.get("seed", defaults.get("seed", ""))
    if not isinstance(seed, str):
        raise Unanswerable("seed must be a string, the uid of the GraphCron")
    return Question(schedule, zone, after, defaults["count"] if count is None else _read_count(count), seed)


def _read_time(text: object) -> datetime:
    try:
        if isinstance(text, str):
            return parse_time(text)
    except ValueError:
        pass
    raise Unanswerable("after must be an RFC 3339 time with UTC offset, such as 2026-12-24T18:00:00Z")


def _read_count(count: object) -> int:
    if isinstance(count, int) and not isinstance(count, bool) and 1 <= count <= COUNT_LIMIT:
        return count
    raise Unanswerable(f"count must be a whole number from 1 to {COUNT_LIMIT}")


def _ask(question: Question) -> tuple[Schedule, list[datetime]]:
    try:
        schedule, zone = read(question.schedule, question.seed), read_timezone(question.timezone)
    except (InvalidSchedule, InvalidTimezone) as error:
        raise Unanswerable(str(error)) from None
    times = next_times(schedule, zone, question.after, question.count)
    if len(times) < question.count and not MINYEAR < question.after.year < MAXYEAR - DAYS_HORIZON_YEARS:
        raise Unanswerable("after is too near to the end of the calendar, the years 1 and 9999")
    return schedule, times


def for_people(question: Question) -> Iterable[str]:
    """The schedule in words, how often it fires, and a line a firing: in UTC, and as the clocks of the zone show it."""
    schedule, times = _ask(question)
    zone = read_timezone(question.timezone)
    yield f"{in_words(schedule)} ({zone.key})"
    if schedule.kubernetes != question.schedule:
        yield f"CronJob: {schedule.kubernetes}{'; the other days are passed over' if schedule.days else ''}"
    if is_hashed(question.schedule) and not question.seed:
        yield (
            "H is another value for each GraphCron, and this is an example; for that of one: --seed UID, which "
            "kubectl get graphcron NAME -o jsonpath='{.metadata.uid}' shows"
        )
    yield from oversized_steps(question.schedule)
    yield f"{per_month_in_words(per_month(schedule))}."
    for time in times:
        local = time.astimezone(zone)
        yield f"{format_time(time)}  {local:%a %Y-%m-%d %H:%M} {local.isoformat()[19:]}"
    if len(times) < question.count:
        yield "No further firing within five years."
