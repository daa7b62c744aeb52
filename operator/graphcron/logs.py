"""Log lines as every process of ours writes them: UTC time, level, what it is about, one sentence."""

import logging
import sys
import time


def configure(level: str) -> None:
    """Write to standard output, from that level on (DEBUG, INFO, WARNING, ERROR). Raises ValueError for others."""
    handler = logging.StreamHandler(sys.stdout)
    formatter = logging.Formatter("%(asctime)s.%(msecs)03dZ %(levelname)-7s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # At INFO, kopf tells of its own steps and of each event; ours say what was done about it.
    if logging.getLogger().level > logging.DEBUG:
        logging.getLogger("kopf").setLevel(logging.WARNING)
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
