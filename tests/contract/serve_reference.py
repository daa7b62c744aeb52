"""Starts LangGraph's own in-memory server on the loopback interface, as `langgraph dev` would.

`serve_reference.py PORT GRAPH`; it runs in an environment of its own, see `make contract`.
"""

import sys

from langgraph_api.cli import run_server  # type: ignore[import-not-found]

if __name__ == "__main__":
    run_server(host="127.0.0.1", port=int(sys.argv[1]), graphs={"agent": sys.argv[2]}, disable_persistence=True)
