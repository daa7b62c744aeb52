"""What a graph that runs in the pod uses: counted by a callback of LangChain, of the user's own libraries.

The callback hears of each call of a chat model, also in subgraphs, and of those whose messages nobody keeps. It is
handed down in the run's config, and by LangChain's hook for callbacks of a context, which also reaches calls with
callbacks of their own. LangChain's `UsageMetadataCallbackHandler` does the same, but leaves out, without a word, models
that do not name themselves.
"""

import threading
from collections.abc import Callable
from typing import Any

from graphcron.firing.order import FIRING_METADATA
from graphcron.runner.environment import log
from graphcron.runner.tally import Tally, answer_in, id_of, ids_in, messages_in


class InPodUsage:
    """Of one attempt, and of the checkpoints that earlier ones left. `limit` is how many tokens the run may use, and
    `exceeded` is called once, in any thread, when it used more."""

    def __init__(self, limit: int | None, exceeded: Callable[[], None]) -> None:
        self.values: Any = None
        """The graph's last state."""
        self.resumed = False
        """Whether earlier attempts may have used tokens that nothing tells of."""
        self._limit, self._exceeded = limit, exceeded
        self._tally = Tally()
        self._lock = threading.RLock()  # a signal may come while its thread has it
        self._calls = 0
        """Calls of models that are not over."""
        self.source = "FinalState"
        """Until there is a callback."""

    @property
    def total(self) -> int:
        return self._tally.total

    @property
    def answer(self) -> str | None:
        return answer_in(self.values)

    def usage(self, *, complete: bool) -> dict[str, Any] | None:
        with self._lock:
            sure = complete and not self.resumed and not self._calls and self.source == "Callback"
            return self._tally.usage(self.source, complete=sure)

    def callbacks(self) -> list[Any]:
        """The callback, in a list as in LangChain's config; none where the image has no such library."""
        try:
            from langchain_core.callbacks import BaseCallbackHandler
            from langchain_core.tracers.context import register_configure_hook
        except ImportError:
            return []
        from contextvars import ContextVar

        usage = self

        class Handler(BaseCallbackHandler):
            """Runs where the model does, so that none is behind."""

            run_inline = True

            def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None:
                usage.begun()

            def on_llm_start(self, *args: Any, **kwargs: Any) -> None:
                usage.begun()

            def on_llm_error(self, *args: Any, **kwargs: Any) -> None:
                usage.ended(None, "")

            def on_llm_end(self, response: Any, *, run_id: Any = None, **kwargs: Any) -> None:
                usage.ended(response, str(run_id))

        handler = Handler()
        kept: ContextVar[Any] = ContextVar("graphcron_usage", default=None)
        register_configure_hook(kept, inheritable=True)
        kept.set(handler)
        self.source = "Callback"
        return [handler]

    def begun(self) -> None:
        with self._lock:
            self._calls += 1

    def ended(self, response: Any, call: str) -> None:
        """A call of a model is over. One that failed, and one of a model that is no chat model, tell no tokens."""
        try:
            message = response.generations[0][0].message
        except (AttributeError, IndexError, TypeError):
            message = None
        with self._lock:
            self._calls -= 1
            if message is None:
                self._tally.unsure = True
            else:
                self._tally.add(message, key=call)
        self._hold()

    def count(self, values: Any, known: set[str] | None) -> None:
        """Add what earlier attempts left in the run's state: its messages, but for those with these ids."""
        self.resumed = True
        if known is None:
            return
        with self._lock:
            for message in messages_in(values):
                if id_of(message) not in known:
                    self._tally.add(message)
        self._hold()

    def found(self, values: Any, known: set[str] | None) -> None:
        """Take up the state of a run that an earlier attempt brought to its end."""
        self.values, self._limit, self.source = values, None, "FinalState"
        self.count(values, known)

    def _hold(self) -> None:
        if self._limit is not None and self._tally.total > self._limit:
            self._limit = None
            self._exceeded()


async def ids_before(graph: Any, config: Any, firing: str) -> set[str] | None:
    """Ids of the messages that were on the thread before the firing began; None when they cannot be known."""
    marked = {FIRING_METADATA: firing, "source": "input"}
    try:
        async for state in graph.aget_state_history(config, filter=marked, limit=1):
            return ids_in(state.values)
    except Exception as error:  # no firing fails for that
        log(f"the run's tokens are unknown: the thread cannot be read ({type(error).__name__})")
    return None
