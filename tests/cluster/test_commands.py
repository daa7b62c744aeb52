"""What commands see and how their failures read."""

import os
from pathlib import Path

import pytest

from cluster import commands
from cluster.errors import ClusterError


def test_the_users_own_kubeconfig_is_never_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/home/me/.kube/config")
    monkeypatch.setenv("HELM_KUBECONTEXT", "production")
    environment = commands.environment(Path("/ours"))
    assert environment["KUBECONFIG"] == "/ours"
    assert "HELM_KUBECONTEXT" not in environment
    assert commands.environment(None)["KUBECONFIG"] == os.devnull


def test_a_failure_says_what_the_command_said() -> None:
    with pytest.raises(ClusterError, match=r"exit code 3.*broken"):
        commands.run(["sh", "-c", "echo broken >&2; exit 3"])


def test_a_missing_program_is_named() -> None:
    with pytest.raises(ClusterError, match="no program not-a-program"):
        commands.run(["not-a-program"])


def test_a_command_that_hangs_is_ended() -> None:
    with pytest.raises(ClusterError, match="did not finish"):
        commands.run(["sleep", "60"], timeout=0.1)
