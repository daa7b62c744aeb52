"""Session cookies; what the facade makes of them is in tests/facade/test_console.py."""

import pytest
from cryptography.fernet import Fernet, InvalidToken

from graphcron.console.sessions import CREDENTIAL_LIMIT, KeyRing


def test_the_first_key_encrypts_and_each_decrypts() -> None:
    old, new, keys = Fernet.generate_key(), Fernet.generate_key(), []
    keys.append(old)
    ring = KeyRing(lambda: keys)
    before = ring.encrypt(b"text")
    keys.insert(0, new)
    after = ring.encrypt(b"text")
    assert ring.decrypt(before) == ring.decrypt(after) == b"text"
    keys.pop()
    assert ring.decrypt(after) == b"text"
    with pytest.raises(InvalidToken):
        ring.decrypt(before)


def test_what_is_old_is_not_decrypted() -> None:
    key = Fernet.generate_key()
    old = Fernet(key).encrypt_at_time(b"text", 1)
    with pytest.raises(InvalidToken):
        KeyRing(lambda: [key]).decrypt(old, 60)


def test_the_longest_credential_fits_into_a_cookie() -> None:
    ring = KeyRing(lambda: [b"k" * 43 + b"="])
    session = b'{"created": 1764244800, "session": {"credential": "%b", "csrf": "%b"}}' % (
        b"x" * CREDENTIAL_LIMIT,
        b"c" * 22,
    )
    assert len(ring.encrypt(session)) < 4096 - 200
