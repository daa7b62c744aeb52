"""A message in the form of each receiver; tests/notifier/test_sending.py sends them."""

from graphcron.notifier import payloads
from graphcron.notifier.message import Text
from graphcron.notifier.secret import signing_bytes
from tests.support.told_cron import START

TEXT = Text("an-id", "Failed", "hello\nfailed", ["x" * 5000, "more"], {"count": 1}, "/source", "hello")


def test_a_cloud_event_has_all_that_the_specification_asks_for() -> None:
    event = payloads.cloud_event(TEXT, START)
    assert {key: event[key] for key in ("specversion", "id", "source", "type", "subject", "time")} == {
        "specversion": "1.0",
        "id": "an-id",
        "source": "/source",
        "type": "dev.graphcron.failed",
        "subject": "hello",
        "time": "2026-12-01T12:00:00Z",
    }
    assert event["data"]["count"] == 1


def test_the_signature_is_the_one_of_the_standard_webhooks_specification() -> None:
    """Its own example."""
    key = signing_bytes("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    moment = START.fromtimestamp(1614265330, START.tzinfo)
    headers = payloads.signed(body, "msg_p5jXN8AQM9LWM0D4loKWxJek", moment, key)
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert "webhook-signature" not in payloads.signed(body, "id", moment, None)


def test_texts_are_bounded() -> None:
    assert len(payloads.slack(TEXT)["text"]) < 3100
    card = payloads.teams(TEXT)["attachments"][0]["content"]
    assert sum(len(block["inlines"][0]["text"]) for block in card["body"]) < 3300


def test_what_others_wrote_is_no_markup() -> None:
    said = "<!channel> <https://evil.example|Console> [Console](https://evil.example)"
    text = Text("an-id", "Failed", said, [said], {"consoleUrl": "https://console.example"})
    assert "<" not in payloads.slack(text)["text"]
    card = payloads.teams(text)["attachments"][0]["content"]
    assert {block["type"] for block in card["body"]} == {"RichTextBlock"}, "a TextBlock reads Markdown"
    assert [block["inlines"] for block in card["body"]] == [
        [{"type": "TextRun", "text": said, "weight": "Bolder"}],
        [{"type": "TextRun", "text": said}],
    ]
    assert card["actions"] == [{"type": "Action.OpenUrl", "title": "Console", "url": "https://console.example"}]


def test_a_subject_is_one_line() -> None:
    mail = payloads.email(TEXT, "cron@example.com", ["a@example.com"], START)
    assert mail["Subject"] == "hello failed"
    assert mail["X-GraphCron-Id"] == "an-id"
