"""The `graphcron` command. Each subcommand imports only what it needs: a run pod must start in an instant."""

import gc
import os
import sys

USAGE = """\
usage: graphcron COMMAND

LangGraph's cron jobs for every self-hosted Agent Server, native to Kubernetes.

for people (graphcron COMMAND --help; also as kubectl graphcron COMMAND):
  list       list GraphCrons, with their last firings
  get        show one GraphCron
  history    list the last firings of a GraphCron
  logs       print the log of a firing's run pods
  explain    say why a GraphCron does not fire, and what to do
  costs      show what GraphCrons used, and what the month will come to
  run        run a GraphCron now (with a NAME)
  backfill   run a GraphCron for scheduled times that have passed
  pause      pause a GraphCron
  resume     resume a GraphCron
  channel    list the channels that tell people of GraphCrons, or test one
  console    open the web console in your browser
  lint       check GraphCrons in files, without a cluster
  next       show when a schedule fires
  import     print the crons of a LangGraph server as GraphCrons
  export     print GraphCrons as YAML for Git
  completion print the script that completes commands in a shell

for containers:
  operator   reconcile GraphCrons into CronJobs
  facade     serve LangGraph's cron API, and pass all else to the Agent Server
  notifier   tell people through channels what becomes of GraphCrons
  run        start one run and follow it to its end (what a run pod does)
  copy-runner DIRECTORY
             leave the part that runs a graph in an image of yours (what an init container does)
  crd        print the CustomResourceDefinitions as YAML
  version    print the version
"""

FOR_PEOPLE = (
    "list",
    "get",
    "history",
    "logs",
    "explain",
    "costs",
    "run",
    "backfill",
    "pause",
    "resume",
    "channel",
    "console",
    "lint",
    "import",
    "export",
    "completion",
)
"""The commands of `graphcron.commands`."""
COMMANDS = (*FOR_PEOPLE, "operator", "facade", "notifier", "copy-runner", "crd", "next", "version", "help")

EXIT_CANNOT_START = 1
EXIT_USAGE = 2


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code: 2 for wrong usage, 1 for a process that cannot start, else the subcommand's own."""
    given = sys.argv[1:] if arguments is None else arguments
    match given:
        case ["run"] if _program() == "graphcron" and not sys.stdout.isatty():  # as a run pod is started
            from graphcron.runner.main import main as run

            return run(os.environ)
        case ["copy-runner", directory, *zone] if len(zone) < 2:
            from graphcron.runner.copy_runner import copy_to

            copy_to(directory, *zone)
            return 0
        case ["operator" | "facade" | "notifier" as command]:
            return _serve(command)
        case ["next", *rest]:
            from graphcron.schedule import preview

            return preview.main(rest)
        case ["crd", *plurals]:
            return _print_crds(plurals)
        case ["version" | "--version"]:
            from graphcron import __version__

            print(__version__)
            return 0
        case ["help" | "--help" | "-h"]:
            print(USAGE, end="")
            return 0
        case [command, *_] if command in FOR_PEOPLE:
            return _for_people(given)
        case [] if "_GRAPHCRON_COMPLETE" in os.environ:  # a shell asks what it can complete
            return _for_people(given)
        case [command, *_] if command not in COMMANDS:
            print(_unknown(command), file=sys.stderr)
            return EXIT_USAGE
        case _:
            print(USAGE, end="", file=sys.stderr)
            return EXIT_USAGE


def _unknown(command: str) -> str:
    from difflib import get_close_matches

    close = get_close_matches(command, COMMANDS, 1)
    guess = f" Did you mean {close[0]!r}?" if close else ""
    return f"{_program()}: there is no command {command!r}.{guess} '{_program()} help' lists all."


def _print_crds(plurals: list[str]) -> int:
    from graphcron.resource import crd

    if unknown := [plural for plural in plurals if plural not in crd.RESOURCES]:
        print(f"graphcron crd: no resource {unknown[0]}: there are {', '.join(crd.RESOURCES)}", file=sys.stderr)
        return EXIT_USAGE
    print("---\n".join(crd.to_yaml(crd.RESOURCES[plural]) for plural in plurals or crd.RESOURCES), end="")
    return 0


def _for_people(given: list[str]) -> int:
    from graphcron.commands import app

    return app.main(given, _program())


def _program() -> str:
    """`kubectl graphcron` when kubectl started it as its plugin."""
    name = os.path.basename(sys.argv[0])  # noqa: PTH119  a run pod starts without pathlib
    return "kubectl graphcron" if name == "kubectl-graphcron" else "graphcron"


def _serve(command: str) -> int:
    # What is imported stays. To look through it for cycles takes a tenth of a start, and then some of every look.
    gc.disable()
    from graphcron.environ import CannotStart
    from graphcron.kube.errors import NoCluster

    _ensure_home()
    if command == "operator":
        from graphcron.operator.main import main as serve
    elif command == "notifier":
        from graphcron.notifier.main import main as serve
    else:
        from graphcron.facade.main import main as serve
    gc.freeze()
    gc.enable()
    try:
        serve(os.environ)
    except (CannotStart, NoCluster) as error:
        print(f"graphcron {command}: {' '.join(str(error).split())}", file=sys.stderr)
        return EXIT_CANNOT_START
    except KeyboardInterrupt:
        return 130
    return 0


def _ensure_home() -> None:
    """The Kubernetes client asks for the home folder when it is imported, and Python raises where neither HOME nor a
    user's name says which: with a user id that the image does not know, as OpenShift gives them."""
    if os.path.expanduser("~") == "~":  # noqa: PTH111  pathlib raises
        os.environ["HOME"] = "/"  # what container engines say for such a user
