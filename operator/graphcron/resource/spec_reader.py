"""The reading of a spec: from what the apiserver has to a valid `GraphCronSpec`, or the sentence that says why not."""

from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import ValidationError

from graphcron.resource.fields import DEPTH_LIMIT, INVALID_SPEC, InvalidGraphCron
from graphcron.resource.spec import GraphCronSpec


def read_spec(spec: object, *, of_any_version: bool = False) -> GraphCronSpec:
    """The spec of a GraphCron as the apiserver has it, checked for all that the CRD's schema cannot express.
    `of_any_version` passes over fields that only a newer version of the CRD has.

    Raises InvalidGraphCron with a reason and one sentence. Schedules and zones are not judged here: see `schedule`.
    """
    check_extent(spec)
    try:
        return GraphCronSpec.model_validate(spec, extra="ignore" if of_any_version else None)
    except ValidationError as error:
        raise InvalidGraphCron(INVALID_SPEC, explain(error)) from None


FREE_FORM = frozenset(("input", "metadata", "config", "context"))
"""Fields whose content is not read here, and bounded by the size of the order alone."""

VALUES_LIMIT = 4096
"""Values in all other fields together. Pydantic reports each that is wrong, so it must not be given a million."""


def check_extent(spec: object) -> None:
    """Raises InvalidGraphCron for what is too deep or too wide to be validated."""
    if not isinstance(spec, dict):
        return
    for name, value in spec.items():
        if isinstance(value, dict | list) and _is_deeper(value, DEPTH_LIMIT - 1):
            raise InvalidGraphCron(INVALID_SPEC, f"{_place(['spec', name])}: nested deeper than {DEPTH_LIMIT} levels")
    level: list[Any] = [{name: value for name, value in spec.items() if name not in FREE_FORM}]
    values = 0
    while level and values <= VALUES_LIMIT:
        values += sum(map(len, level))
        children = (child for item in level for child in (item.values() if isinstance(item, dict) else item))
        level = [child for child in children if isinstance(child, dict | list)]
    if values > VALUES_LIMIT:
        free = ", ".join(sorted(FREE_FORM))
        raise InvalidGraphCron(INVALID_SPEC, f"spec: more than {VALUES_LIMIT} values, without those in {free}")


def _is_deeper(value: object, levels: int) -> bool:
    """Whether anything lies more than so many levels below it."""
    level = [value]
    for _ in range(levels + 1):
        if not level:
            return False
        containers = [item for item in level if isinstance(item, dict | list)]
        level = [child for item in containers for child in (item.values() if isinstance(item, dict) else item)]
    return bool(level)


SHOWN_FINDINGS = 10
"""How many mistakes a message names."""
SHOWN_CHARACTERS = 100
"""Of an unknown name in a message."""


def explain(error: ValidationError, root: str = "spec") -> str:
    """Pydantic's findings in one sentence, each with its path; no input is quoted, since it may hold a secret."""
    findings = [f"{_place([*([root] if root else []), *path])}: {sentence}" for path, sentence in _found(error)]
    if (more := error.error_count() - SHOWN_FINDINGS) > 0:
        findings.append(f"and {more} more")
    return "; ".join(dict.fromkeys(findings))


def findings(spec: object) -> dict[str, str]:
    """What is wrong with the fields of a spec, by their names; what concerns several of them has an empty name."""
    try:
        check_extent(spec)
        GraphCronSpec.model_validate(spec)
    except InvalidGraphCron as invalid:
        return {"": invalid.message}
    except ValidationError as error:
        named: dict[str, list[str]] = {}
        for path, sentence in _found(error):
            name, *rest = path or ("",)
            named.setdefault(str(name), []).append(f"{place}: {sentence}" if (place := _place(rest)) else sentence)
        return {name: "; ".join(dict.fromkeys(sentences)) for name, sentences in named.items()}
    return {}


def _found(error: ValidationError) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Path and sentence of each finding, as many as are shown."""
    for found in error.errors(include_url=False, include_input=False, include_context=False)[:SHOWN_FINDINGS]:
        match found["type"]:
            case "extra_forbidden":
                yield found["loc"], "unknown field"
            case "missing":
                yield found["loc"], "required"
            case _:
                yield found["loc"], f"{found['msg'][:1].lower()}{found['msg'][1:]}".removeprefix("value error, ")


def _place(path: Iterable[str | int]) -> str:
    """Without the shapes of a union, such as `list[str]`, which pydantic names where it tried them."""
    return ".".join(str(part)[:SHOWN_CHARACTERS] for part in path if not str(part).endswith("]"))
