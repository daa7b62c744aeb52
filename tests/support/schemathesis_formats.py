"""What schemathesis writes where the description names a format that it does not know; it imports this file itself.

Mostly what the facade takes, so that more than refusals is seen, and some that it refuses.
"""

import schemathesis
from hypothesis import strategies

SCHEDULES = ["27 15 * * *", "*/5 8-18 * * mon-fri", "0 0 L * *", "0 9 * * 5#2", "30 2 29 2 *", "0 0 31 2 *", "x"]
ZONES = ["Europe/Berlin", "UTC", "America/New_York", "Asia/Kathmandu", "europe/berlin", "../etc/passwd", ""]

schemathesis.openapi.format("cron", strategies.sampled_from(SCHEDULES))
schemathesis.openapi.format("iana-time-zone", strategies.sampled_from(ZONES))
