"""What each reason of a channel means, and what to do about it, for docs/reasons.md."""

from graphcron.resource.firing_guide import Reason

CHANNELS = {
    "ChannelReady": Reason("Spec and Secrets are as they must be.", "Nothing."),
    "InvalidSpec": Reason("A field of the channel has an invalid value.", "Correct the field that the message names."),
    "InvalidTimezone": Reason(
        "`digest.timezone` is not an IANA time zone.", "Use an IANA name in its exact case, such as `Europe/Berlin`."
    ),
    "SecretMissing": Reason(
        "There is no Secret of that name in the channel's namespace.",
        "Create it, or correct the name. The notifier looks again each minute.",
    ),
    "SecretNotAllowed": Reason(
        "The notifier may not read that Secret.",
        "Ask the administrator to list it in `notifier.secrets` of the chart, with this namespace.",
    ),
    "SecretKeyMissing": Reason("The Secret has no such key.", "Add the key to the Secret, or correct its name."),
    "SecretUnreadable": Reason("The key of the Secret is no text in UTF-8.", "Write the URL or the key anew."),
    "InvalidUrl": Reason(
        "The Secret has no URL that fits the channel's kind.",
        "Write `https://…` for Webhook, Slack and Teams, and `smtps://…` or `smtp://…` for Email "
        "([be told about failures](how-to/be-told-about-failures.md)).",
    ),
    "InvalidSigningKey": Reason(
        "The signing key is empty, or begins with `whsec_` and no Base64 follows. Nothing is sent unsigned.",
        "Write the key into the Secret as the receiver has it.",
    ),
    "HostNotAllowed": Reason(
        "The URL names a host that the administrator does not allow.",
        "Correct the URL, or ask the administrator to list the host in `notifier.allowedHosts` of the chart.",
    ),
    "Delivered": Reason("The last message arrived.", "Nothing."),
    "DeliveryFailed": Reason(
        "The last message did not arrive. The message says what the receiver answered. Messages wait, and are sent "
        "again.",
        "See that the receiver works and that the URL is still right. `graphcron channel test NAME` tries at once.",
    ),
}
"""Reasons of Ready and Delivering."""
