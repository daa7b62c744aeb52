"""Scheduled times as a short text: ten thousand of a usual schedule take some hundred characters. Pure.

They are whole minutes, in order, as the differences between them; the same difference again and again packs well.
"""

import base64
import binascii
import zlib
from collections.abc import Iterable
from datetime import UTC, datetime

MINUTE = 60


def write_slots(times: Iterable[datetime]) -> str:
    """Empty for none. The order is not kept."""
    minutes = sorted(int(time.timestamp()) // MINUTE for time in times)
    if not minutes:
        return ""
    differences = (after - before for before, after in zip([0, *minutes], minutes, strict=False))
    text = b"".join(_number(difference) for difference in differences)
    return base64.b64encode(zlib.compress(text, 9)).decode()


def read_slots(text: str, limit: int) -> list[datetime]:
    """The oldest first. Raises ValueError for what is no such text, or has more than `limit` times."""
    if not text:
        return []
    unpack = zlib.decompressobj()
    try:
        data = unpack.decompress(base64.b64decode(text, validate=True), 5 * limit)
    except (binascii.Error, zlib.error):
        raise ValueError("the scheduled times cannot be read") from None
    found: list[datetime] = []
    minute = number = shift = 0
    for byte in data:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte & 0x80:
            continue
        minute += number
        found.append(_time(minute))
        number = shift = 0
    if shift or not unpack.eof or len(found) > limit:
        raise ValueError("the scheduled times cannot be read")
    return found


def _time(minute: int) -> datetime:
    try:
        return datetime.fromtimestamp(minute * MINUTE, UTC)
    except (ValueError, OverflowError, OSError):
        raise ValueError("the scheduled times cannot be read") from None


def _number(value: int) -> bytes:
    """Seven bits a byte, the lowest first; the highest bit says that more follow (LEB128)."""
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)
