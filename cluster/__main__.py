"""The command line: ``python -m cluster up | down | load | status | build``."""

import sys

from cluster.cli import main

sys.exit(main())
