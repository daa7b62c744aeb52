"""Starts the in-memory Agent Server as `langgraph dev` would, without its reloader and its browser."""

import json
import os
from pathlib import Path

from langgraph_api.cli import run_server


def main() -> None:
    """Serve the graphs of langgraph.json on every interface until stopped."""
    config = json.loads(Path("langgraph.json").read_text())
    run_server(
        host="0.0.0.0",  # noqa: S104  a container's Service must reach it
        port=int(os.environ.get("PORT", "2024")),
        graphs=config["graphs"],
        auth=config.get("auth") if os.environ.get("AGENT_API_KEY") else None,
        n_jobs_per_worker=int(os.environ.get("N_JOBS_PER_WORKER", "10")),
        # Nothing is written: the root file system is read-only, and a restart begins empty.
        disable_persistence=True,
    )


if __name__ == "__main__":
    main()
