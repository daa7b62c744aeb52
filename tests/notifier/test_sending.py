"""Messages over real sockets: what arrives, what is refused, and that no error tells a secret."""

import base64
import contextlib
import hashlib
import hmac
import json
import socket
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from yarl import URL

from graphcron.notifier.message import Text
from graphcron.notifier.secret import Receiver
from graphcron.notifier.sending import CheckedResolver, DeliveryFailed, Sender
from graphcron.resource.channel import ChannelSpec
from tests.support.certificates import self_signed, serving_with
from tests.support.mail_server import mail_server
from tests.support.receiver import WebhookReceiver, webhook_receiver
from tests.support.told_cron import START
from tests.support.until import until

TEXT = Text("11111111-1111-5111-8111-111111111111", "Failed", "hello (team) failed", ["Why: <RunError> & more"])
EMAIL = {"to": ["a@example.com", "b@example.com"], "from": "cron@example.com"}


def spec(kind: str, **more: Any) -> ChannelSpec:
    return ChannelSpec.model_validate({"kind": kind, "urlSecretRef": {"name": "x", "key": "url"}} | more)


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    async with Sender(timeout=1.0) as sender:
        yield sender


@pytest.fixture
async def receiver() -> AsyncIterator[WebhookReceiver]:
    async with webhook_receiver() as receiver:
        yield receiver


async def failure(sender: Sender, kind: ChannelSpec, to: Receiver) -> DeliveryFailed:
    with pytest.raises(DeliveryFailed) as failed:
        await sender.send(kind, to, TEXT, START)
    assert "s3cret" not in failed.value.message
    return failed.value


async def test_a_webhook_gets_a_signed_cloud_event(sender: Sender, receiver: WebhookReceiver) -> None:
    to = Receiver(URL(f"{receiver.url}/hook?token=s3cret"), b"key of theirs")
    await sender.send(spec("Webhook"), to, TEXT, START)
    (got,) = receiver.got
    assert got.headers["Content-Type"] == "application/cloudevents+json"
    assert got.event["specversion"] == "1.0"
    assert (got.event["id"], got.event["type"]) == (TEXT.id, "dev.graphcron.failed")
    stamp = got.headers["webhook-timestamp"]
    signed = f"{TEXT.id}.{stamp}.".encode() + got.body
    digest = base64.b64encode(hmac.digest(b"key of theirs", signed, hashlib.sha256)).decode()
    assert (got.headers["webhook-id"], got.headers["webhook-signature"]) == (TEXT.id, f"v1,{digest}")
    assert stamp == str(int(START.timestamp()))


async def test_slack_and_teams_get_what_they_take(sender: Sender, receiver: WebhookReceiver) -> None:
    to = Receiver(URL(f"{receiver.url}/services/T/B/s3cret"))
    await sender.send(spec("Slack"), to, TEXT, START)
    await sender.send(spec("Teams"), to, TEXT, START)
    slack, teams = (json.loads(got.body) for got in receiver.got)
    assert slack["text"] == "*hello (team) failed*\nWhy: &lt;RunError&gt; &amp; more"
    card = teams["attachments"][0]["content"]
    runs = [block["inlines"][0]["text"] for block in card["body"]]
    assert runs == ["hello (team) failed", "Why: <RunError> & more"]


@pytest.mark.parametrize(
    ("mode", "says"),
    [
        ("fail", "127.0.0.1 answered HTTP 503"),
        ("redirect", "127.0.0.1 answered HTTP 302"),
        ("hang", "127.0.0.1 did not answer within 1 seconds"),
        ("lose", "127.0.0.1 cannot be reached: ServerDisconnectedError"),
    ],
)
async def test_an_error_names_host_and_status_alone(
    sender: Sender, receiver: WebhookReceiver, mode: str, says: str
) -> None:
    receiver.mode = mode
    failed = await failure(sender, spec("Webhook"), Receiver(URL(f"{receiver.url}/s3cret")))
    assert (failed.message, failed.lasting) == (says, mode == "redirect")
    assert {got.path for got in receiver.got} == {"/s3cret"}, "no redirect is followed"


async def test_nobody_listens(sender: Sender, receiver: WebhookReceiver) -> None:
    await receiver.stop()
    failed = await failure(sender, spec("Webhook"), Receiver(URL(f"{receiver.url}/s3cret")))
    assert failed.message.startswith("127.0.0.1 cannot be reached: Connect")


async def test_a_name_of_this_machine_or_of_a_metadata_service_is_refused(
    sender: Sender, receiver: WebhookReceiver
) -> None:
    """Also where the administrator allows that name: an address is allowed only as such."""
    failed = await failure(sender, spec("Webhook"), Receiver(URL(f"http://localhost:{receiver.port}/s3cret")))
    assert "localhost has the address" in failed.message
    assert "loopback" in failed.message
    failed = await failure(sender, spec("Email", email=EMAIL), Receiver(URL(f"smtp://localhost:{receiver.port}")))
    assert "loopback" in failed.message
    assert receiver.got == []


async def test_what_resolves_is_checked() -> None:
    resolver = CheckedResolver()
    with pytest.raises(OSError, match="loopback"):
        await resolver.resolve("localhost", 80)
    await resolver.close()


async def test_a_mail_has_the_id_of_its_message(sender: Sender) -> None:
    async with mail_server() as mail:
        to = Receiver(URL(f"smtp://127.0.0.1:{mail.port}"))
        await sender.send(spec("Email", email=EMAIL), to, TEXT, START)
    (got,) = mail.mails
    assert got["Message-ID"] == f"<{TEXT.id}@example.com>"
    assert (got["Subject"], got["To"]) == ("hello (team) failed", "a@example.com, b@example.com")
    assert "Why: <RunError> & more" in got.get_payload()


async def test_a_password_is_never_sent_in_the_clear(sender: Sender) -> None:
    async with mail_server() as mail:
        mail.extensions = ["AUTH PLAIN"]
        to = Receiver(URL(f"smtp://me:s3cret@127.0.0.1:{mail.port}"))
        failed = await failure(sender, spec("Email", email=EMAIL), to)
    assert "STARTTLS" in failed.message
    assert (mail.logins, mail.mails) == ([], [])


async def test_a_login_goes_through_tls(tmp_path: Path) -> None:
    certificate = self_signed(tmp_path)
    async with Sender(str(certificate), 2.0) as sender, mail_server(serving_with(certificate)) as mail:
        mail.extensions = ["AUTH PLAIN"]
        to = Receiver(URL(f"smtps://me:s3cret@127.0.0.1:{mail.port}"))
        await sender.send(spec("Email", email=EMAIL), to, TEXT, START)
    login = base64.b64encode(b"\0me\0s3cret").decode()
    assert mail.logins == [f"AUTH PLAIN {login}"]
    assert len(mail.mails) == 1


@pytest.mark.parametrize(
    ("command", "answer", "says", "lasting"),
    [
        ("RCPT", "550 s3cret", "127.0.0.1 refused the recipients: SMTP 550", True),
        ("MAIL", "451 s3cret", "127.0.0.1 answered SMTP 451", False),
        ("DATA", "554 s3cret", "127.0.0.1 answered SMTP 554", True),
    ],
)
async def test_what_a_mail_server_says_is_not_repeated(
    sender: Sender, command: str, answer: str, says: str, *, lasting: bool
) -> None:
    async with mail_server() as mail:
        mail.refuse = {command: answer}
        failed = await failure(sender, spec("Email", email=EMAIL), Receiver(URL(f"smtp://127.0.0.1:{mail.port}")))
    assert (failed.message, failed.lasting) == (says, lasting)


async def test_a_mail_server_that_hangs_is_given_up(sender: Sender) -> None:
    async with mail_server() as mail:
        mail.hang = True
        failed = await failure(sender, spec("Email", email=EMAIL), Receiver(URL(f"smtp://127.0.0.1:{mail.port}")))
    assert failed.message == "127.0.0.1 did not answer within 1 seconds"


def _greet_without_end(listener: socket.socket, ended: threading.Event) -> None:
    """In a thread of its own, since it must go on while the event loop of the sender waits."""
    with contextlib.suppress(OSError):
        connection, _ = listener.accept()
        with connection:
            for _ in range(400):
                connection.sendall(b"2")
                time.sleep(0.02)
    ended.set()


async def test_a_mail_server_whose_greeting_has_no_end_holds_nothing_up(sender: Sender) -> None:
    """Each of its bytes comes in time."""
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_greet_without_end, args=(listener, ended), daemon=True).start()
        to = Receiver(URL(f"smtp://127.0.0.1:{listener.getsockname()[1]}"))
        began = time.monotonic()
        failed = await failure(sender, spec("Email", email=EMAIL), to)
        assert time.monotonic() - began < 5, "the event loop waited for the mail server"
        assert failed.message == "127.0.0.1 did not answer within 1 seconds"
        await until(ended.is_set)
        assert time.monotonic() - began < 5, "the connection is still there"
