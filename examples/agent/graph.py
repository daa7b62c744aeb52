"""The graph: answers without a language model, and takes long, fails or asks back when its input says so.

It can also ask a model that only pretends to be one, and reports the tokens that it used as real ones do.
"""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any, TypedDict

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langgraph.channels import EphemeralValue
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.types import interrupt


class PretendingModel(BaseChatModel):
    """Answers with a number of tokens: ten for the prompt and five for the answer, four of the prompt's cached."""

    name_of_model: str = "pretending-1"

    @property
    def _llm_type(self) -> str:
        return "pretending"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        message = AIMessage(
            content=f"You said {len(messages)} things.",
            usage_metadata={
                "input_tokens": 10,
                "output_tokens": 5,
                "total_tokens": 15,
                "input_token_details": {"cache_read": 4},
            },
            response_metadata={"model_name": self.name_of_model},
        )
        return ChatResult(generations=[ChatGeneration(message=message)])


model = PretendingModel()


class State(TypedDict, total=False):
    """What a run is given, and what it leaves in its thread."""

    messages: Annotated[list[Any], add_messages]
    # Ephemeral: these hold for one run, where a thread would hand plain values on to all later ones.
    sleep: Annotated[float, EphemeralValue]  # take this many seconds
    fail: Annotated[str, EphemeralValue]  # fail with this message
    interrupt: Annotated[str, EphemeralValue]  # stop and ask this; the run goes on when it is resumed
    think: Annotated[int, EphemeralValue]  # ask the model so often, and keep its answers
    muse: Annotated[int, EphemeralValue]  # ask it so often before that, half a second each, and keep nothing


async def answer(state: State) -> State:
    """Do what the input asks for, then repeat the last message with the time."""
    if seconds := state.get("sleep"):
        await asyncio.sleep(seconds)
    for _ in range(state.get("muse") or 0):
        await asyncio.sleep(0.5)
        await model.ainvoke("hm")
    thoughts = [await model.ainvoke(state.get("messages") or "hi") for _ in range(state.get("think") or 0)]
    if reason := state.get("fail"):
        raise RuntimeError(reason)
    said = interrupt(question) if (question := state.get("interrupt")) else None
    messages = state.get("messages") or []
    asked = messages[-1].content if messages else ""
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    text = f"You asked: {asked!r}. It is {now}." + (f" You said: {said!r}." if said is not None else "")
    return {"messages": thoughts or [{"role": "assistant", "content": text}]}


graph = StateGraph(State).add_node("answer", answer).add_edge(START, "answer").add_edge("answer", END).compile()
