"""The settings of a process, read from its environment; each error names the variable and says what it must hold.

The Helm chart sets these variables; their names and meanings are the interface between the two.
"""

import json
from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from graphcron.logs import FORMATS


class InvalidSettings(ValueError):
    """A variable that is missing or wrong; the message names it and says what it must hold."""


def _log_format(text: str) -> str:
    if text not in FORMATS:
        raise ValueError(f"it must be one of {', '.join(FORMATS)}")
    return text


def _limit(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError("it must be 0, for no limit, or more")
    return number


def _yes_or_no(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("it must be true or false")
    return text == "true"


def _json(kind: type[Any]) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        value = json.loads(text)
        if not isinstance(value, kind):
            raise ValueError(f"it must be a JSON {'object' if kind is dict else 'array'}")
        return value

    return parse


Integer = Annotated[int, BeforeValidator(int)]
Seconds = Annotated[float, BeforeValidator(float)]
Limit = Annotated[int, BeforeValidator(_limit)]
"""A whole number; 0 means no limit."""
Flag = Annotated[bool, BeforeValidator(_yes_or_no)]
"""`true` or `false`, as the chart writes it."""
JsonObject = Annotated[dict[str, Any], BeforeValidator(_json(dict))]
JsonObjects = Annotated[tuple[dict[str, Any], ...], BeforeValidator(_json(list))]
JsonStrings = Annotated[tuple[str, ...], BeforeValidator(_json(list))]


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

    agent_server_url: str | None = Field(None, validation_alias="AGENT_SERVER_URL")
    log_level: str = Field("INFO", validation_alias="GRAPHCRON_LOG_LEVEL")
    log_format: Annotated[str, BeforeValidator(_log_format)] = Field("text", validation_alias="GRAPHCRON_LOG_FORMAT")
    metrics_port: Integer = Field(9090, validation_alias="GRAPHCRON_METRICS_PORT")
    minimum_interval: Limit = Field(0, validation_alias="GRAPHCRON_MINIMUM_INTERVAL_SECONDS")
    """The least number of seconds between two firings: the facade refuses what the operator would suspend."""

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
