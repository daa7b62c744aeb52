"""A message in the form that each kind of receiver takes. Pure."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage
from typing import Any

from graphcron.firing.formats import format_time
from graphcron.kube import jsontext
from graphcron.notifier.message import Text

TEXT_LIMIT = 3000
"""Characters. Slack takes 4,000 at most without cutting, Teams 28 KB."""


def cloud_event(text: Text, at: datetime) -> dict[str, Any]:
    """CloudEvents 1.0, structured JSON."""
    event = {
        "specversion": "1.0",
        "id": text.id,
        "source": text.source,
        "type": f"dev.graphcron.{text.kind.lower()}",
        "time": format_time(at),
        "datacontenttype": "application/json",
        "data": text.data | {"title": text.title, "text": "\n".join(text.lines)},
    }
    return event | ({"subject": text.subject} if text.subject else {})


def signed(body: bytes, identity: str, at: datetime, key: bytes | None) -> dict[str, str]:
    """Headers by Standard Webhooks: id, time, and HMAC-SHA256 of both and the body."""
    stamp = str(int(at.timestamp()))
    headers = {"webhook-id": identity, "webhook-timestamp": stamp}
    if key:
        digest = hmac.digest(key, f"{identity}.{stamp}.".encode() + body, hashlib.sha256)
        headers["webhook-signature"] = f"v1,{base64.b64encode(digest).decode()}"
    return headers


def slack(text: Text) -> dict[str, Any]:
    """An incoming webhook of Slack; what others wrote is no markup."""
    body = "\n".join(text.lines)[:TEXT_LIMIT]
    return {"text": f"*{_plain(text.title)}*\n{_plain(body)}", "unfurl_links": False}


def _plain(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def teams(text: Text) -> dict[str, Any]:
    """A workflow's webhook of Teams: an adaptive card. A TextRun is shown as it is; a TextBlock would be Markdown, in
    which what others wrote could hide where a link leads."""
    blocks = [_run(text.title[:200], weight="Bolder")]
    room = TEXT_LIMIT
    for line in text.lines:
        if line and room > 0:
            blocks.append(_run(line[:room]))
            room -= len(line)
    links = ((title, text.data.get(key)) for title, key in (("Console", "consoleUrl"), ("Trace", "traceUrl")))
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": blocks,
        "actions": [{"type": "Action.OpenUrl", "title": title, "url": url} for title, url in links if url],
    }
    content = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
    return {"type": "message", "attachments": [content]}


def _run(text: str, **style: str) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **style}]}


def email(text: Text, sender: str, to: Sequence[str], at: datetime) -> EmailMessage:
    """A mail whose Message-ID is that of the message, so that servers and readers can drop repeats."""
    mail = EmailMessage()
    mail["Subject"] = " ".join(text.title.split())[:200]
    mail["From"], mail["To"] = sender, ", ".join(to)
    mail["Date"] = at
    mail["Message-ID"] = f"<{text.id}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-GraphCron-Id"] = text.id
    mail.set_content(text.plain)
    return mail


def body_of(value: dict[str, Any]) -> bytes:
    """As it is sent."""
    return jsontext.dumps(value)
