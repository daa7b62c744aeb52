"""The settings of a process, read from its environment; each error names the variable and says what it must hold.

The Helm chart sets these variables; their names and meanings are the interface between the two.
"""

import errno
import json
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from graphcron.logs import FORMATS, LEVELS


class CannotStart(Exception):
    """A process cannot start; the message says why, and what to do."""


class InvalidSettings(CannotStart, ValueError):
    """A variable that is missing or wrong; the message names it and says what it must hold."""


def cannot_listen(error: OSError, port: int, variable: str, host: str | None = None) -> CannotStart:
    """Why nothing listens there. `variable` has the port, GRAPHCRON_HOST the host."""
    if error.errno == errno.EADDRINUSE:
        return CannotStart(f"port {port} is in use by another process: choose another with {variable}")
    where, says = (f"{host}, port {port}", f"GRAPHCRON_HOST and {variable} say") if host else (f"port {port}", variable)
    return CannotStart(f"cannot listen on {where} ({error.strerror or error}): {says} where")


def _log_format(text: str) -> str:
    if text not in FORMATS:
        raise ValueError(f"it must be one of {', '.join(FORMATS)}")
    return text


def _log_level(text: str) -> str:
    if text.upper() not in LEVELS:
        raise ValueError(f"it must be {', '.join(LEVELS[:-1])} or {LEVELS[-1]}")
    return text


def _whole(least: int, most: float, says: str) -> Callable[[str], int]:
    def parse(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise ValueError(says) from None
        if not least <= number <= most:
            raise ValueError(says)
        return number

    return parse


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError("it must be a number of seconds") from None


def _server_url(text: str) -> str:
    if not re.fullmatch(r"https?://([^\s/?#@\[\]]+|\[[0-9A-Fa-f:.]+\](:\d+)?)(/[^\s?#]*)?", text):
        raise ValueError("it must be like http://agent-server:8000, without credentials")
    return text


def _yes_or_no(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("it must be true or false")
    return text == "true"


def json_of(kind: type[Any]) -> Callable[[str], Any]:
    """A reader of JSON of that kind."""

    def parse(text: str) -> Any:
        says = f"it must be a JSON {'object' if kind is dict else 'array'}"
        try:
            value = json.loads(text)
        except ValueError:
            raise ValueError(says) from None
        if not isinstance(value, kind):
            raise ValueError(says)
        return value

    return parse


Count = Annotated[int, BeforeValidator(_whole(1, float("inf"), "it must be a whole number, 1 or more"))]
Port = Annotated[int, BeforeValidator(_whole(0, 65535, "it must be a port: a whole number from 0 to 65535"))]
"""0 for any that is free."""
Seconds = Annotated[float, BeforeValidator(_seconds)]
Limit = Annotated[int, BeforeValidator(_whole(0, float("inf"), "it must be 0, for no limit, or a larger whole number"))]
"""A whole number; 0 means no limit."""
Flag = Annotated[bool, BeforeValidator(_yes_or_no)]
"""`true` or `false`, as the chart writes it."""
JsonMapping = Annotated[dict[str, Any], BeforeValidator(json_of(dict))]
JsonObjects = Annotated[tuple[dict[str, Any], ...], BeforeValidator(json_of(list))]
JsonStrings = Annotated[tuple[str, ...], BeforeValidator(json_of(list))]


class _Environment(EnvSettingsSource):
    """The variables of a given mapping, and not of `os.environ`."""

    def __init__(self, settings: "type[Settings]", environ: Mapping[str, str]) -> None:
        super().__init__(settings)
        self.env_vars = {name: value for name, value in environ.items() if value or name in settings.MAY_BE_EMPTY}


class Settings(BaseSettings):
    """What operator and facade both read. `validation_alias` of a field is its variable; of a field without a default
    the description says what it names."""

    MAY_BE_EMPTY: ClassVar[frozenset[str]] = frozenset()
    """Variables whose empty text is a value; any other that is empty counts as not set."""

    model_config = SettingsConfigDict(frozen=True, case_sensitive=True, enable_decoding=False, validate_default=False)

    agent_server_url: Annotated[str, BeforeValidator(_server_url)] | None = Field(
        None, validation_alias="AGENT_SERVER_URL"
    )
    log_level: Annotated[str, BeforeValidator(_log_level)] = Field("INFO", validation_alias="GRAPHCRON_LOG_LEVEL")
    log_format: Annotated[str, BeforeValidator(_log_format)] = Field("text", validation_alias="GRAPHCRON_LOG_FORMAT")
    metrics_port: Port = Field(9090, validation_alias="GRAPHCRON_METRICS_PORT")
    minimum_interval: Limit = Field(0, validation_alias="GRAPHCRON_MINIMUM_INTERVAL_SECONDS")
    """The least number of seconds between two firings: the facade refuses what the operator would suspend."""
    require_end_time: Flag = Field(False, validation_alias="GRAPHCRON_REQUIRE_END_TIME")
    max_lifetime_days: Limit = Field(0, validation_alias="GRAPHCRON_MAX_LIFETIME_DAYS")
    """The same of the two guard rails of `resource.lifetime`."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what `read` was given: no process reads another environment, a file or the command line."""
        return (init_settings,)

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        """The settings in these variables. Raises InvalidSettings for the first that is missing or wrong."""
        try:
            return cls(**_Environment(cls, environ)())
        except ValidationError as invalid:
            raise InvalidSettings(cls._explain(invalid)) from None

    @classmethod
    def _explain(cls, invalid: ValidationError) -> str:
        found = invalid.errors(include_url=False, include_input=False)[0]
        reason = str(found.get("ctx", {}).get("error", found["msg"]))
        if not found["loc"]:  # of several variables together, which the reason names
            return reason
        name = str(found["loc"][0])
        if found["type"] == "missing":
            meaning = next(field.description for field in cls.model_fields.values() if field.validation_alias == name)
            return not_set(name, str(meaning))
        return f"{name} is not readable: {reason}"


def not_set(name: str, meaning: str) -> str:
    """The sentence for a variable that has no default; `meaning` is what it names."""
    return f"{name} is not set: it names {meaning}. The Helm chart sets it."
