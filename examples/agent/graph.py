"""The graph: answers without a language model, and takes long, fails or asks back when its input says so."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any, TypedDict

from langgraph.channels import EphemeralValue
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.types import interrupt


class State(TypedDict, total=False):
    """What a run is given, and what it leaves in its thread."""

    messages: Annotated[list[Any], add_messages]
    # Ephemeral: these hold for one run, where a thread would hand plain values on to all later ones.
    sleep: Annotated[float, EphemeralValue]  # take this many seconds
    fail: Annotated[str, EphemeralValue]  # fail with this message
    interrupt: Annotated[str, EphemeralValue]  # stop and ask this; the run goes on when it is resumed


async def answer(state: State) -> State:
    """Do what the input asks for, then repeat the last message with the time."""
    if seconds := state.get("sleep"):
        await asyncio.sleep(seconds)
    if reason := state.get("fail"):
        raise RuntimeError(reason)
    said = interrupt(question) if (question := state.get("interrupt")) else None
    messages = state.get("messages") or []
    asked = messages[-1].content if messages else ""
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    text = f"You asked: {asked!r}. It is {now}." + (f" You said: {said!r}." if said is not None else "")
    return {"messages": [{"role": "assistant", "content": text}]}


graph = StateGraph(State).add_node("answer", answer).add_edge(START, "answer").add_edge("answer", END).compile()
