"""The only module that runs short-lived commands, and so the only one that decides what environment they see.

The user's own kubeconfig must never leak in: a `kubectl` that falls back to it
would act on whatever cluster the person works with.
"""

import os
import subprocess
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

from cluster.errors import ClusterError

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where system programs are: a plain user's PATH lacks the sbin folders."""

Command = Sequence[str | Path]
"""A program and its arguments."""

_PRIVATE = ("KUBECONFIG", "KUBERNETES_", "KUBE_", "HELM_", "GRAPHCRON_CLUSTER")


def environment(kubeconfig: Path | None, **extra: str) -> dict[str, str]:
    """The caller's environment without any hint at another cluster; None means a kubeconfig that is empty."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(_PRIVATE)}
    env["KUBECONFIG"] = str(kubeconfig or os.devnull)
    return env | extra


def run(
    argv: Command,
    *,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
    timeout: float = 60,
) -> str:
    """The command's output; a ClusterError with what it complained of when it fails or takes `timeout` seconds."""
    try:
        done = subprocess.run(
            [str(word) for word in argv],
            env=dict(env) if env is not None else environment(None),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError:
        raise ClusterError(f"There is no program {argv[0]} here.") from None
    except subprocess.TimeoutExpired:
        raise ClusterError(f"`{_shown(argv)}` did not finish within {timeout:.0f} s.") from None
    if done.returncode != 0:
        reason = (done.stderr or done.stdout).strip()
        raise ClusterError(f"`{_shown(argv)}` failed (exit code {done.returncode}): {reason}")
    return done.stdout


def answers(argv: Command, *, env: Mapping[str, str] | None = None, timeout: float = 20) -> bool:
    """Whether the command exists and succeeds."""
    try:
        run(argv, env=env, timeout=timeout)
    except ClusterError:
        return False
    return True


def tee(argv: Command, *, env: Mapping[str, str], timeout: float) -> None:
    """Run a command whose own output is the progress report; a ClusterError with its last lines when it fails."""
    tail: deque[str] = deque(maxlen=20)
    with subprocess.Popen(
        [str(word) for word in argv], env=dict(env), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout
        alarm = threading.Timer(timeout, process.kill)
        alarm.start()
        try:
            for line in process.stdout:
                print(line, end="", flush=True)
                tail.append(line)
        finally:
            alarm.cancel()
    if process.returncode != 0:
        raise ClusterError(f"`{_shown(argv)}` failed (exit code {process.returncode}): {''.join(tail).strip()}")


def _shown(argv: Command) -> str:
    line = " ".join(str(word) for word in argv)
    return line if len(line) < 200 else f"{line[:200]}…"
