"""Finds the graph that `langgraph.json` names, as LangGraph's server does: the only module that imports users' code.

It runs in the user's image, on the user's Python and LangGraph. So it is of the standard library alone, and knows
LangGraph's objects by what they can do: a compiled graph has `astream`, one that is to be compiled has `compile`.
"""

import importlib
import importlib.util
import inspect
import json
import os
import sys
import traceback
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import ModuleType
from typing import Any

from graphcron.runner.environment import PodError

FILE = "langgraph.json"


def load(name: str, directory: str) -> Any:
    """What langgraph.json has under that name: a graph, or what makes one (`opened`). Raises PodError.

    As with LangGraph's server its folder and the local `dependencies` are importable and its `env` is in the
    environment, where variables that the pod has already win: they come from Secrets, and the file from the image.
    """
    config = _read(directory)
    _provide(config.get("env") or {}, directory)
    # Behind the standard library, as LangGraph does it: a file called types.py would break Python otherwise.
    local = [entry for entry in config.get("dependencies") or [] if str(entry).startswith(".")]
    sys.path += [os.path.normpath(os.path.join(directory, entry)) for entry in [".", *local]]  # noqa: PTH118
    graphs = config.get("graphs") or {}
    if name not in graphs:
        known = ", ".join(map(str, graphs)) or "none"
        raise PodError("AssistantNotFound", f"{FILE} has no graph {name!r}, check assistantId; it has: {known}")
    target = graphs[name].get("path") if isinstance(graphs[name], Mapping) else graphs[name]
    path, _, variable = str(target).rpartition(":")
    if not path or not variable:
        raise _not_loaded(f"{FILE} says {target!r} of graph {name!r}, and not FILE:VARIABLE or MODULE:VARIABLE")
    try:
        module = _imported(path, directory)
    except (Exception, SystemExit) as error:
        traceback.print_exc(file=sys.stdout)
        raise _not_loaded(f"{path} cannot be imported: {type(error).__name__}: {error}") from None
    try:
        return getattr(module, variable)
    except AttributeError:
        names = ", ".join(known for known in vars(module) if not known.startswith("_"))
        raise _not_loaded(f"{path} has no {variable}; it has: {names}") from None


@asynccontextmanager
async def opened(value: Any, config: Mapping[str, Any]) -> AsyncIterator[Any]:
    """The compiled graph of what `load` found: a graph, a function that makes one from nothing or from the run's
    config, the same asynchronous, or as a context manager that is left after the run. Raises PodError for others.
    """
    if not _is_graph(value) and callable(value):
        value = value(*_arguments(value, config))
    if inspect.isawaitable(value):
        value = await value
    if _is_graph(value):
        yield _compiled(value)
    elif hasattr(value, "__aenter__"):
        async with value as graph:
            yield _compiled(graph)
    elif hasattr(value, "__enter__"):
        with value as graph:
            yield _compiled(graph)
    else:
        yield _compiled(value)


def _is_graph(value: Any) -> bool:
    return hasattr(value, "astream") or hasattr(value, "compile")


def _compiled(graph: Any) -> Any:
    if not hasattr(graph, "astream") and hasattr(graph, "compile"):
        graph = graph.compile()
    if not hasattr(graph, "aget_state"):
        raise _not_loaded(f"{FILE} names a {type(graph).__name__}, which is no graph, nor made one")
    return graph


def _arguments(factory: Any, config: Mapping[str, Any]) -> list[Any]:
    parameters = inspect.signature(factory).parameters
    if len(parameters) > 1 or any("Runtime" in str(found.annotation) for found in parameters.values()):
        raise _not_loaded(
            f"{getattr(factory, '__name__', 'the factory')} takes {', '.join(parameters)}: in a pod it can be given "
            "nothing, or the run's config; a ServerRuntime is the Agent Server's"
        )
    return [config] if parameters else []


def _read(directory: str) -> dict[str, Any]:
    path = os.path.join(directory, FILE)  # noqa: PTH118
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123
            config = json.load(file)
    except FileNotFoundError:
        raise _not_loaded(f"{path} does not exist: spec.workingDir names the folder of {FILE} in the image") from None
    except (OSError, ValueError) as error:
        raise _not_loaded(f"{path} cannot be read: {error}") from None
    if not isinstance(config, dict) or not isinstance(config.get("graphs") or {}, dict):
        raise _not_loaded(f"{path} is no object with an object of graphs")
    return config


def _provide(env: object, directory: str) -> None:
    if isinstance(env, str):
        path = os.path.join(directory, env)  # noqa: PTH118
        if not os.path.exists(path):  # noqa: PTH110
            return  # .env seldom gets into an image, and must not: the pod's own environment has the secrets
        with open(path, encoding="utf-8") as file:  # noqa: PTH123
            env = dict(filter(None, map(_assignment, file)))
    if not isinstance(env, Mapping):
        raise _not_loaded(f"env of {FILE} is neither an object nor the name of a file")
    for name, value in env.items():
        os.environ.setdefault(name, str(value))


def _assignment(line: str) -> tuple[str, str] | None:
    """One line of a .env file; None for blank lines and comments."""
    name, equals, value = line.strip().removeprefix("export ").partition("=")
    if not equals or name.startswith("#"):
        return None
    value = value.strip()
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        return name.strip(), value[1:-1]
    return name.strip(), value.partition(" #")[0].rstrip()


def _imported(path: str, directory: str) -> ModuleType:
    if "/" not in path and not path.endswith(".py"):
        return importlib.import_module(path)
    name = path.removesuffix(".py").lstrip("./").replace("/", "__").replace(" ", "_")
    spec = importlib.util.spec_from_file_location(name, os.path.join(directory, path))  # noqa: PTH118
    if spec is None or spec.loader is None:
        raise ImportError("it is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # before it runs: its classes look up their annotations there
    spec.loader.exec_module(module)
    return module


def _not_loaded(message: str) -> PodError:
    return PodError("GraphNotLoaded", message)
