"""The commands as people start them: the process, an apiserver, and the operator with the chart's rights."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from cluster.control_plane import ControlPlane
from cluster.paths import HERE
from examples.demo import crons
from examples.demo.screen import Screen
from examples.demo.session import Session, wait_for
from graphcron.cli import FOR_PEOPLE
from graphcron.commands.app import commands
from tests.support.charts_operator import NAMESPACE, charts_operator
from tests.support.graphcron_apiserver import graphcron_apiserver
from tests.support.manifests import graphcron, ready

GRAPHCRON = Path(sys.executable).with_name("graphcron")
Graphcron = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with graphcron_apiserver(tmp_path_factory.mktemp("plane"), NAMESPACE) as plane:
        yield plane


@pytest.fixture(scope="module")
def session(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """A namespace with one GraphCron that is right, one that is paused and one that is stalled."""
    with charts_operator(plane, tmp_path_factory.mktemp("operator")):
        session = Session(NAMESPACE, plane.place)
        session.apply(
            graphcron("right", schedule="30 9 * * mon-fri", timezone="Europe/Berlin"),
            graphcron("paused", enabled=False, pauseReason="a fair"),
            graphcron("stalled", schedule="0 0 30 2 *"),
        )
        ready(session, "right", "paused")
        session.kubectl("wait", "--for=condition=Stalled", "--timeout=60s", "graphcron/stalled")
        yield session


@pytest.fixture(scope="module")
def run(plane: ControlPlane, session: Session) -> Graphcron:
    return lambda *words, **more: started(plane.place.kubeconfig, "-n", NAMESPACE, *words, **more)


def started(kubeconfig: Path, *words: str, command: Path = GRAPHCRON) -> "subprocess.CompletedProcess[str]":
    """The command goes before its options."""
    options, rest = (words[:2], words[2:]) if words[0] == "-n" else ((), words)
    environ = {**os.environ, "KUBECONFIG": str(kubeconfig), "NO_COLOR": "1"}
    arguments = [str(command), rest[0], *options, *rest[1:]]
    return subprocess.run(arguments, capture_output=True, text=True, env=environ, timeout=60)


def test_list_shows_what_is_next_and_what_is_wrong(run: Graphcron) -> None:
    header, *rows = run("list").stdout.splitlines()
    assert header.split() == ["NAME", "SCHEDULE", "PHASE", "NEXT", "LAST", "RESULTS"]
    assert [row.split()[0] for row in rows] == ["paused", "right", "stalled"]
    assert "Paused" in rows[0]
    assert "30 9 * * mon-fri" in rows[1]
    assert "InvalidSchedule" in rows[2]


def test_list_can_be_wide_and_of_a_phase_and_in_the_order_of_what_comes_next(run: Graphcron) -> None:
    header, row = run("list", "-o", "wide", "--phase", "scheduled").stdout.splitlines()
    assert header.split()[-3:] == ["TIMEZONE", "ASSISTANT", "MESSAGE"]
    assert "Europe/Berlin" in row
    assert run("list", "--sort-by", "next").stdout.splitlines()[1].split()[0] == "right"
    none = run("list", "--phase", "Expired")
    assert (none.returncode, none.stdout) == (0, "")
    assert none.stderr == f"There is no GraphCron of that phase in namespace {NAMESPACE}.\n"


def test_list_takes_labels_as_kubectl_does(run: Graphcron, session: Session) -> None:
    session.kubectl("label", "graphcron", "right", "team=a")
    assert run("list", "-l", "team=a", "-o", "name").stdout == "graphcron.graphcron.dev/right\n"
    assert run("list", "-l", "team!=a", "-o", "name").stdout.count("\n") == 2
    assert "no GraphCron with these labels" in run("list", "-l", "team=b").stderr
    assert run("list", "-l", "==").returncode == 1
    assert len(list(yaml.safe_load_all(run("export", "-l", "team=a").stdout))) == 1
    assert run("export", "right", "-l", "team=a").returncode == 2


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_list_prints_what_kubectl_prints(run: Graphcron, form: str) -> None:
    found = yaml.safe_load(run("list", "-o", form).stdout)
    assert [item["metadata"]["name"] for item in found["items"]] == ["paused", "right", "stalled"]


def test_list_of_all_namespaces_names_them(run: Graphcron) -> None:
    assert run("list", "-A").stdout.split()[0] == "NAMESPACE"


def test_costs_say_what_is_known_and_what_is_not(run: Graphcron) -> None:
    header, *rows = run("costs").stdout.splitlines()
    assert header.split() == ["NAME", "FIRINGS", "TODAY", "WEEK", "MONTH", "FORECAST"]
    assert sorted(row.split()[0] for row in rows) == ["TOTAL", "paused", "right", "stalled"]
    found = json.loads(run("costs", "--by", "namespace", "-o", "json").stdout)
    assert [row["name"] for row in found["rows"]] == [NAMESPACE]
    nothing = run("costs", "--by", "model")
    assert (nothing.returncode, nothing.stdout, nothing.stderr) == (0, "", "Nothing was used this month.\n")
    assert run("costs", "--by", "colour").returncode == 2


def test_get_says_it_in_words(run: Graphcron) -> None:
    shown = run("get", "right").stdout
    assert "30 9 * * mon-fri  (At 09:30, Monday through Friday, Europe/Berlin)" in shown
    assert shown.count("(in ") == shown.count("T09:30:00+0") == 5, "in the zone of the schedule"


def test_explain_ends_at_the_first_thing_that_is_wrong(run: Graphcron) -> None:
    right, paused, stalled = (run("explain", name) for name in ("right", "paused", "stalled"))
    assert (right.returncode, right.stdout.splitlines()[-1]) == (0, "Nothing is wrong.")
    assert paused.returncode == stalled.returncode == 1
    assert "NO  schedule: Paused: a fair" in paused.stdout
    assert "NO  spec: InvalidSchedule" in stalled.stdout


def test_what_is_exported_is_what_was_applied(run: Graphcron, session: Session) -> None:
    """Applied again it changes nothing."""
    before = {item["metadata"]["name"]: item["metadata"]["generation"] for item in session.get("graphcrons")}
    exported = list(yaml.safe_load_all(run("export").stdout))
    session.apply(*exported)
    assert {item["metadata"]["name"]: item["metadata"]["generation"] for item in session.get("graphcrons")} == before
    assert set(exported[0]) == {"apiVersion", "kind", "metadata", "spec"}


def test_history_and_logs_of_one_that_never_fired_say_so(run: Graphcron) -> None:
    assert run("history", "right").stderr == "No firing of right has ended yet.\n"
    assert "No pod of right is left" in run("logs", "right").stderr


def test_a_name_that_is_none_is_one_sentence(run: Graphcron) -> None:
    failed = run("get", "nothing")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr == (
        f"graphcron: namespace {NAMESPACE} has no GraphCron 'nothing'. 'graphcron list -A' shows those of all "
        "namespaces.\n"
    )


def test_a_name_with_a_slip_is_guessed(run: Graphcron) -> None:
    assert "no GraphCron 'rihgt'. Did you mean 'right'? " in run("pause", "rihgt").stderr


def test_a_pause_is_not_overwritten_by_one_without_a_reason(run: Graphcron, session: Session) -> None:
    assert run("pause", "paused").stdout == "graphcron paused is paused already: a fair\n"
    assert (session.one("graphcron", "paused") or {})["spec"]["pauseReason"] == "a fair"


def test_the_demo_leaves_what_somebody_on_call_meets(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    crons.create(session, Screen())
    try:
        statuses = {name: (session.one("graphcron", name) or {})["status"] for name in crons.EXPECTED}
        wait_for("the requests", lambda: "Started" in requests(session), 20)
        assert statuses[crons.PAUSED]["enabled"] is False
        capsys.readouterr()
        crons.create(session, Screen())
        assert "run-requested" not in capsys.readouterr().out, "what has run is left alone"
        assert requests(session) == {"Started", None}
        crons.graphcron(session, Screen(), "explain", crons.STALLED, fails=True)
        assert "NO  spec: InvalidSchedule" in capsys.readouterr().out
    finally:
        crons.delete(session, Screen())


def requests(session: Session) -> set[str | None]:
    """What came of the requests to run the demo's crons."""
    statuses = ((session.one("graphcron", name) or {}).get("status", {}) for name in crons.EXPECTED)
    return {status.get("lastRequest", {}).get("outcome") for status in statuses}


def test_a_context_that_is_none_is_one_sentence(run: Graphcron) -> None:
    failed = run("list", "--context", "nothing")
    assert failed.returncode == 1
    assert failed.stderr.startswith("graphcron: the kubeconfig ")
    assert "nothing" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_a_cluster_that_is_away_is_one_sentence(plane: ControlPlane, tmp_path: Path) -> None:
    config = yaml.safe_load(plane.place.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    away = tmp_path / "away"
    away.write_text(yaml.safe_dump(config))
    failed = started(away, "list")
    assert failed.returncode == 1
    assert failed.stderr.startswith("graphcron: the Kubernetes API does not answer: Cannot connect")


def test_kubectl_finds_it_as_its_plugin(run: Graphcron, session: Session) -> None:
    wait_for("the GraphCron", lambda: session.one("graphcron", "right"), 5)
    plugin = GRAPHCRON.with_name("kubectl-graphcron")
    assert run("list", "-o", "name", command=plugin).stdout.split()[0] == "graphcron.graphcron.dev/paused"
    assert "kubectl graphcron list [OPTIONS]" in run("list", "--help", command=plugin).stdout


def test_lint_ends_with_one_for_a_mistake_and_reads_standard_input(tmp_path: Path) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(yaml.safe_dump(graphcron("wrong", schedule="61 * * * *")))
    failed = started(tmp_path, "lint", str(file), "-o", "json")
    (finding,) = json.loads(failed.stdout)
    assert (failed.returncode, finding["where"], finding["reason"]) == (1, f"{file}:1", "InvalidSchedule")
    examples = started(tmp_path, "lint", str(HERE.root / "examples/graphcron.yaml"))
    assert (examples.returncode, examples.stderr.splitlines()[-1]) == (
        0, "1 GraphCrons, 0 errors, 0 warnings, about 43,830 firings a month"
    )  # fmt: skip
    assert "note: hello-from-kubectl: About 43,830 firings a month. (Forecast)" in examples.stdout


def test_completion_knows_the_commands(tmp_path: Path) -> None:
    script = started(tmp_path, "completion", "bash").stdout
    assert "_GRAPHCRON_COMPLETE=bash_complete" in script
    environ = {**os.environ, "_GRAPHCRON_COMPLETE": "bash_complete", "COMP_WORDS": "graphcron e", "COMP_CWORD": "1"}
    offered = subprocess.run([str(GRAPHCRON)], capture_output=True, text=True, env=environ, timeout=60).stdout
    assert {line.partition(",")[2] for line in offered.splitlines()} == {"explain", "export"}


def test_completion_offers_names(plane: ControlPlane, session: Session) -> None:
    words = {"_GRAPHCRON_COMPLETE": "bash_complete", "COMP_WORDS": f"graphcron get -n {NAMESPACE} r", "COMP_CWORD": "4"}
    environ = {**os.environ, **words, "KUBECONFIG": str(plane.place.kubeconfig)}
    offered = subprocess.run([str(GRAPHCRON)], capture_output=True, text=True, env=environ, timeout=60).stdout
    assert offered == "plain,right\n"
    away = {**environ, "KUBECONFIG": "/nonexistent"}
    silent = subprocess.run([str(GRAPHCRON)], capture_output=True, text=True, env=away, timeout=60)
    assert (silent.stdout.strip(), silent.stderr) == ("", "")


def test_the_command_lists_what_there_is() -> None:
    assert set(FOR_PEOPLE) == set(commands.commands)
    usage = subprocess.run([str(GRAPHCRON), "help"], capture_output=True, text=True, timeout=60).stdout
    assert all(f"\n  {name} " in usage for name in FOR_PEOPLE)


def test_runs_that_are_requested_at_once_each_make_a_job(run: Graphcron, session: Session) -> None:
    """Their annotation holds one token: each waits for the one before it."""
    with ThreadPoolExecutor(4) as people:
        answers = list(people.map(lambda _: run("run", "paused"), range(6)))
    assert [answer.returncode for answer in answers] == [0] * 6, [answer.stderr for answer in answers]
    made = session.get("jobs", "-l", "graphcron.dev/graphcron=paused")
    assert len({job["metadata"]["annotations"]["graphcron.dev/run-requested"] for job in made}) == len(made) == 6
