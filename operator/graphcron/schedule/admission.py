"""The CEL rules by which the apiserver refuses a schedule that `read` refuses, in its words.

Not here: days that never come, plain days of the week beside numbered ones, and all of time zones. CEL would have to
know the calendar.
"""

from graphcron.schedule.field_syntax import (
    AN_INTERVAL,
    DESCRIPTORS,
    FIVE_FIELDS,
    HASH_RANGE,
    KINDS,
    OUT_OF_RANGE,
    SECONDS,
    SPECIAL_DATE,
    SPECIAL_WEEKDAY,
    UNKNOWN_NAME,
    ZONE_INSIDE,
    FieldKind,
)

_BLANK = r"[\s\v]"
_WORD = r"[^\s\v]+"
_STEP = r"(/(0{0,3}[1-9]|0{0,2}[1-9][0-9]|0?[1-9][0-9]{2}|[1-9][0-9]{3}))?"
_ZONE = rf"self.matches(r'(?i)^{_BLANK}*(cron_)?tz=')"
_NAME = rf"self.matches(r'^{_BLANK}*@')"
_EVERY = rf"self.matches(r'(?i)^{_BLANK}*@every')"
_KNOWN_NAME = rf"self.matches(r'(?i)^{_BLANK}*({'|'.join(DESCRIPTORS)}){_BLANK}*$')"
_FIVE, _SIX_OR_SEVEN = (
    rf"self.matches(r'^{_BLANK}*({_WORD}{_BLANK}+){{{times}}}{_WORD}{_BLANK}*$')" for times in ("4", "5,6")
)

Rule = dict[str, str]


def rules() -> list[Rule]:
    """Of a string that is a schedule. One of them fails for a wrong text, or one for each of its five fields."""
    fields = f"{_ZONE} || {_NAME} || {_SIX_OR_SEVEN}"
    return [
        _rule(f"!{_ZONE}", _quoted(ZONE_INSIDE)),
        _rule(f"!{_EVERY}", _quoted(AN_INTERVAL)),
        _rule(f"!{_NAME} || {_EVERY} || {_KNOWN_NAME}", _quoted(UNKNOWN_NAME)),
        _rule(f"{_ZONE} || {_NAME} || !{_SIX_OR_SEVEN}", _seconds()),
        _rule(f"{fields} || {_FIVE}", _quoted(FIVE_FIELDS)),
        *(
            _rule(
                f"{_ZONE} || {_NAME} || !{_FIVE} || {_matches(index, _field(kind))} && {_runs_forwards(index)}",
                _complaint(index, kind),
            )
            for index, kind in enumerate(KINDS)
        ),
    ]


def _rule(rule: str, reason: str) -> Rule:
    """`reason` is CEL. The message is for a schedule with a line break, which no messageExpression may contain."""
    return {
        "rule": rule,
        "messageExpression": f'"Invalid cron schedule: \'" + self + "\'. Reason: " + {reason}',
        "message": FIVE_FIELDS,
    }


def _quoted(text: str) -> str:
    """A string literal of CEL."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _seconds() -> str:
    before, after = SECONDS.split("{}")
    five = rf"self.find(r'{_WORD}({_BLANK}+{_WORD}){{4}}').lowerAscii()"
    return f"{_quoted(before)} + {five} + {_quoted(after)}"


def _before(index: int) -> str:
    return rf"^{_BLANK}*({_WORD}{_BLANK}+){{{index}}}"


def _matches(index: int, pattern: str) -> str:
    """Whether that one of the fields does, as a whole."""
    return rf"self.matches(r'(?i){_before(index)}({pattern})({_BLANK}|$)')"


def _text_of(index: int) -> str:
    return f"self.find(r'{_before(index)}{_WORD}').find(r'{_WORD}$')"


def _complaint(index: int, kind: FieldKind) -> str:
    def about(sentence: str) -> str:
        before, after = sentence.format("{}", kind=kind).split("{}")
        return f"{_quoted(before)} + {_text_of(index)} + {_quoted(after)}"

    special = {"day of month": ("[lw]", SPECIAL_DATE), "day of week": ("[l#]", SPECIAL_WEEKDAY)}
    reason = about(OUT_OF_RANGE)
    if found := special.get(kind.name):
        letters, sentence = found
        reason = f"{_text_of(index)}.matches(r'(?i){letters}') ? {about(sentence)} : {reason}"
    return f"({_matches(index, _field(kind))} ? {about(HASH_RANGE)} : {reason})"


def _runs_forwards(index: int) -> str:
    """Whether the range of an `H`, if there is one, does."""
    begun = rf"(?i){_before(index)}h\([0-9]+"
    first, last = (f"int(self.find(r'{text}').find(r'[0-9]+$'))" for text in (begun, rf"{begun}-[0-9]+"))
    return f"(!self.matches(r'{begun}') || {first} < {last})"


def _numbers(kind: FieldKind, digits: int) -> str:
    """Numbers of the field with at most so many digits."""
    tens, ones = divmod(kind.highest, 10)
    found = [rf"0{{0,{digits - 1}}}[{kind.low}-{min(kind.highest, 9)}]"]
    if tens > 1:
        found.append(rf"0{{0,{digits - 2}}}[1-{tens - 1}][0-9]")
    if tens:
        found.append(rf"0{{0,{digits - 2}}}{tens}[0-{ones}]")
    return f"({'|'.join(found)})"


def _field(kind: FieldKind) -> str:
    value = f"({'|'.join([_numbers(kind, 4), *kind.names])})"
    end = f"{value}|l" if kind.name == "day of month" else value
    pieces = [rf"(\*|{value}(-({end}))?){_STEP}"]
    whole = [rf"h(\({_numbers(kind, 2)}-{_numbers(kind, 2)}\))?{_STEP}"]
    if kind.name == "day of month":
        date = f"0*{_numbers(kind, 2)}"
        pieces, whole = [*pieces, "l"], [*whole, r"\?", f"{date}w", f"w{date}"]
    if kind.name == "day of week":
        name = f"({'|'.join(kind.names)})"
        pieces += ["l0*[0-7]", f"(0*[0-7]|{name}(-{name})?)#0*[1-5]"]
        whole.append(r"\?")
    piece = f"({'|'.join(pieces)})"
    return "|".join([f"{piece}(,{piece})*", *whole])
