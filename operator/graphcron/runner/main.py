"""`graphcron run`: one firing, from the process's environment to its exit code."""

import signal
import sys
from collections.abc import Callable, Mapping

from graphcron.firing.outcome import EXIT_REFUSED, EXIT_RUN_FAILED, EXIT_TRY_AGAIN
from graphcron.runner.agent_server_engine import AgentServerEngine
from graphcron.runner.attempt import Attempt, Engine, OutOfTime, Stopped, ThreadBusy
from graphcron.runner.environment import TERMINATION_LOG, PodError, PodSettings
from graphcron.runner.errors import RequestRefused, TryAgain

EXIT_INTERNAL = 1
"""A defect of ours; Kubernetes may retry it like any other failure."""


def main(
    environ: Mapping[str, str],
    open_engine: Callable[[Attempt], Engine] = AgentServerEngine,
    *,
    needs_server: bool = True,
) -> int:
    """Run one firing; returns the process's exit code, and records an outcome whatever happens.

    `needs_server` says whether the environment must name an Agent Server.
    """
    attempt = Attempt(environ.get("GRAPHCRON_TERMINATION_LOG") or TERMINATION_LOG, open_engine)
    before = signal.signal(signal.SIGTERM, _stop), signal.signal(signal.SIGALRM, _out_of_time)
    try:
        try:
            return attempt.perform(PodSettings.from_environ(environ, server=needs_server))
        except OutOfTime:
            return attempt.exceed()
        except Stopped:
            if attempt.may_be_out_of_time():
                return attempt.exceed()
            raise
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except Stopped:
        return attempt.report(EXIT_TRY_AGAIN, "Failed", "PodStopped", attempt.stopped())
    except TryAgain as error:
        return attempt.report(EXIT_TRY_AGAIN, "Failed", error.reason, str(error))
    except ThreadBusy as error:
        return attempt.report(EXIT_RUN_FAILED, "Failed", "ThreadBusy", str(error))
    except (RequestRefused, PodError) as error:
        return attempt.report(EXIT_REFUSED, "Failed", error.reason, str(error))
    except Exception as error:
        import traceback  # costs start-up time, and only a defect needs it

        traceback.print_exc(file=sys.stdout)
        return attempt.report(EXIT_INTERNAL, "Failed", "InternalError", f"{type(error).__name__}; see the log")
    finally:
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGALRM, before[1])


def _stop(signal_number: int, frame: object) -> None:
    raise Stopped


def _out_of_time(signal_number: int, frame: object) -> None:
    raise OutOfTime
