"""GraphCronChannel: where notifications go. Spec and status as pydantic models."""

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, ValidationError, model_validator

from graphcron.resource.fields import INVALID_SPEC, InvalidGraphCron, KeySelector, Model, Time
from graphcron.resource.notify import After, Events
from graphcron.resource.spec_reader import check_extent, explain
from graphcron.resource.status import TOKEN_LIMIT, Condition, Message

KIND = "GraphCronChannel"
PLURAL = "graphcronchannels"
CHANNEL_NAME_LIMIT = 253
NAME_MESSAGE = "metadata.name must be no more than 253 characters"

DEFAULT_MESSAGES_PER_MINUTE = 10
MESSAGES_PER_MINUTE_LIMIT = 60

EMAIL_ONLY = "kind Email needs email with to and from, and no other kind takes it"
SIGNED_WEBHOOKS_ONLY = "signingSecretRef is for kind Webhook alone: remove it"

Address = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9.!#$%&'*+/=^_`{|}~-]+@[A-Za-z0-9-]+([.][A-Za-z0-9-]+)*$", max_length=254)
]
"""As HTML's, without `?`: in a header, =?…?= is another text. What is not ASCII few mail servers take."""


class Email(Model):
    """Sender and recipients of a channel of kind Email."""

    to: Annotated[list[Address], Field(min_length=1, max_length=20)] = Field(description="Addresses of the recipients.")
    from_: Address = Field(alias="from", description="Address of the sender.")


class Default(Model):
    """What a channel tells of GraphCrons that have no notify of their own."""

    events: Events = Field(description="What is told, as in spec.notify of a GraphCron.")
    after: After | None = Field(None, description="Failed is told after this many failed firings in a row. Default: 1.")
    all_namespaces: bool | None = Field(
        None,
        description="Whether it is for the GraphCrons of all namespaces. Only a channel in the namespace of the "
        "installation may say so. Default: false.",
    )


class Digest(Model):
    """A regular summary: what ran, what failed, what it cost, what is of no use."""

    every: Literal["Day", "Week"] = Field(description="How often. A week begins on Monday.")
    at: Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", max_length=5)] = Field(
        description="Time of day, such as 08:00."
    )
    timezone: Annotated[str, Field(min_length=1, max_length=64)] | None = Field(
        None, description="IANA time zone, such as Europe/Berlin. Default: Etc/UTC."
    )


_EMAIL_FITS = "(self.kind == 'Email') == has(self.email)"
_SIGNED_FITS = "!has(self.signingSecretRef) || self.kind == 'Webhook'"


class ChannelSpec(Model):
    """Where messages go, and how many."""

    kind: Literal["Webhook", "Slack", "Teams", "Email"] = Field(
        description="Webhook gets CloudEvents as JSON. Slack and Teams get what their incoming webhooks take. Email "
        "goes by SMTP."
    )
    url_secret_ref: KeySelector = Field(
        description="Key of a Secret in the same namespace that contains the URL: https://… for Webhook, Slack and "
        "Teams, smtps://USER:PASSWORD@HOST:465 or smtp://USER:PASSWORD@HOST:587 for Email."
    )
    signing_secret_ref: KeySelector | None = Field(
        None, description="Key of a Secret in the same namespace with the key that signs what a Webhook gets."
    )
    email: Email | None = Field(None, description="Sender and recipients. Only for kind Email.")
    default: Default | None = Field(
        None, description="What it tells of the GraphCrons in its namespace that have no notify. Default: nothing."
    )
    digest: Digest | None = Field(None, description="Regular summary. Default: none.")
    messages_per_minute: Annotated[int, Field(ge=1, le=MESSAGES_PER_MINUTE_LIMIT)] | None = Field(
        None, description="Most messages in a minute; the last of them sums up all others. Default: 10."
    )

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                {"rule": _EMAIL_FITS, "message": EMAIL_ONLY},
                {"rule": _SIGNED_FITS, "message": SIGNED_WEBHOOKS_ONLY},
            ]
        }
    )

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        if (self.kind == "Email") != (self.email is not None):
            raise ValueError(EMAIL_ONLY)
        if self.signing_secret_ref and self.kind != "Webhook":
            raise ValueError(SIGNED_WEBHOOKS_ONLY)
        return self


class Delivery(Model):
    """What became of a message."""

    state: Literal["Delivered", "Failed"] = Field(description="Whether it was delivered.")
    at: Time = Field(description="When.")
    message: Message | None = Field(None, description="Why it failed.")


class TestDelivery(Delivery):
    """What became of a message that was asked for."""

    __test__ = False  # no test of pytest's

    token: Annotated[str, Field(max_length=TOKEN_LIMIT)] = Field(description="Value of the annotation.")


class ChannelStatus(Model):
    """What the notifier knows of a channel."""

    observed_generation: int | None = Field(None, description="Generation of the spec that this status refers to.")
    conditions: Annotated[list[Condition], Field(max_length=16)] | None = Field(
        None,
        description="Current conditions: Ready is True when spec and Secrets are as they must be. Delivering is True "
        "when the last message was delivered, and False while messages fail.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    )
    last_delivery: Delivery | None = Field(None, description="What became of the last message.")
    last_digest: Time | None = Field(None, description="Until when the last digest sums up.")
    last_test: TestDelivery | None = Field(
        None, description="What became of the last test (annotation graphcron.dev/test-requested)."
    )


def read_channel(spec: object) -> ChannelSpec:
    """The spec of a GraphCronChannel as the apiserver has it. Raises InvalidGraphCron with one sentence."""
    check_extent(spec)
    try:
        return ChannelSpec.model_validate(spec)
    except ValidationError as error:
        raise InvalidGraphCron(INVALID_SPEC, explain(error)) from None


def read_channel_status(found: Any) -> ChannelStatus:
    """The status of a GraphCronChannel without the fields that cannot be read."""
    if not isinstance(found, dict):
        return ChannelStatus()
    try:
        return ChannelStatus.model_validate(found)
    except ValidationError:
        return ChannelStatus.model_validate({name: found[name] for name in found if _is_readable(name, found[name])})


def _is_readable(name: str, value: object) -> bool:
    try:
        ChannelStatus.model_validate({name: value})
    except ValidationError:
        return False
    return True
