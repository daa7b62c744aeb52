"""The way to an apiserver: kubeconfigs for processes, and the official client for tests."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import yaml
from kubernetes.aio.client import ApiClient, Configuration


def kubeconfig(path: Path, cluster: dict[str, Any], user: dict[str, Any]) -> Path:
    """Written there, with one context."""
    named = {"name": "tested"}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [named | {"cluster": cluster}],
        "users": [named | {"user": user}],
        "contexts": [named | {"context": {"cluster": "tested", "user": "tested"}}],
        "current-context": "tested",
    }
    path.write_text(json.dumps(config))
    return path


def cluster_and_user(config: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of a kubeconfig that has one of each."""
    read = yaml.safe_load(config)
    return read["clusters"][0]["cluster"], read["users"][0]["user"]


@asynccontextmanager
async def api_client(url: str, token: str = "", **settings: str) -> AsyncIterator[Any]:
    """As that token's user; `settings` are further ones of the client's configuration."""
    configuration = Configuration()
    configuration.host = url
    if token:
        configuration.api_key = {"BearerToken": f"Bearer {token}"}
    for name, value in settings.items():
        setattr(configuration, name, value)
    async with ApiClient(configuration) as client:
        yield client
