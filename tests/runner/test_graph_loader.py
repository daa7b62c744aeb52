"""What langgraph.json names is loaded, and what it names in vain is said."""

from typing import Any

import pytest

from graphcron.firing.outcome import EXIT_DONE, EXIT_REFUSED
from tests.support.in_pod import Pod


@pytest.mark.parametrize(
    ("target", "steps"),
    [
        ("./graph.py:uncompiled", ["first", "second", "third"]),
        ("graph:graph", ["first", "second", "third"]),
        ({"path": "./graph.py:graph", "description": "x"}, ["first", "second", "third"]),
        ("./graph.py:factory", ["first", "second", "third"]),
        ("./graph.py:with_config", ["made for cron-1", "first", "second", "third"]),
        ("./graph.py:asynchronous", ["first", "second", "third"]),
        ("./graph.py:in_context", ["entered", "first", "second", "third", "left"]),
        ("./graph.py:in_plain_context", ["entered", "first", "second", "third", "left"]),
        ("./graph.py:functional", ["functional"]),
    ],
)
def test_all_that_langgraph_json_may_name(in_pod: Pod, target: Any, steps: list[str]) -> None:
    in_pod.graphs({"other": "./nowhere.py:graph", "agent": target})
    assert in_pod.run()[0] == EXIT_DONE, in_pod.log
    assert in_pod.steps == steps


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("./nowhere.py:graph", "nowhere.py cannot be imported: FileNotFoundError"),
        ("nowhere.graph:graph", "No module named 'nowhere'"),
        ("./graph.py:grpah", "has no grpah; it has: "),
        ("./graph.py", "and not FILE:VARIABLE"),
        ("./graph.py:number", "names a int, which is no graph"),
        ("./graph.py:hungry", "hungry takes config, runtime"),
    ],
)
def test_what_cannot_be_loaded_says_why_and_is_not_tried_again(in_pod: Pod, target: str, said: str) -> None:
    in_pod.graphs({"agent": target})
    code, outcome = in_pod.run()
    assert (code, outcome.reason, outcome.run_id) == (EXIT_REFUSED, "GraphNotLoaded", None)
    assert said in outcome.message


def test_an_assistant_that_is_no_graph_names_those_that_are(in_pod: Pod) -> None:
    in_pod.order({"assistant_id": "agnet"})
    code, outcome = in_pod.run()
    assert (code, outcome.reason) == (EXIT_REFUSED, "AssistantNotFound")
    assert "'agnet'" in outcome.message
    assert outcome.message.endswith("it has: agent")


def test_without_langgraph_json_it_says_which_field_names_the_folder(in_pod: Pod) -> None:
    in_pod.remove("langgraph.json")
    code, outcome = in_pod.run()
    assert (code, outcome.reason) == (EXIT_REFUSED, "GraphNotLoaded")
    assert "spec.workingDir" in outcome.message


def test_variables_of_langgraph_json_yield_to_those_of_the_pod(in_pod: Pod) -> None:
    (in_pod.app / "settings.env").write_text(
        "# model\nexport MODEL='large one'\nKEY=from-the-file # a comment\nEMPTY=\n"
    )
    (in_pod.app / "graph.py").write_text(
        "import os\nraise ValueError([os.environ[n] for n in ('MODEL', 'KEY', 'EMPTY')])"
    )
    in_pod.environ["KEY"] = "from-the-pod"
    said = "['large one', 'from-the-pod', '']"
    in_pod.graphs({"agent": "./graph.py:graph"}, env="settings.env")
    assert said in in_pod.run()[1].message
    in_pod.graphs({"agent": "./graph.py:graph"}, env={"MODEL": "large one", "KEY": "from-the-file", "EMPTY": ""})
    assert said in in_pod.run()[1].message
