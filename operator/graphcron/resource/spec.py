"""The spec of a GraphCron as a pydantic model: the one schema, from which the CRD and all validation come.

Field names are camelCase in Kubernetes and snake_case here. There are no defaults in the CRD (they would make the
apiserver rewrite objects): a field that is not set is None, and its default lives where it is used, named in the
field's description.
"""

import json
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from graphcron.firing import rendering
from graphcron.resource.budget import Budget
from graphcron.resource.fields import (
    DEPTH_LIMIT,
    Config,
    Json,
    JsonObject,
    Model,
    Nodes,
    StreamModes,
    Time,
)
from graphcron.resource.notify import Notify
from graphcron.resource.run_options import CEL_RULES, RunOptions, complaint
from graphcron.resource.spec_parts import Checkpointer, EnvFrom, Expect, InputFrom, Server, Template
from graphcron.resource.urls import Webhook
from graphcron.schedule import admission

SCHEDULE_LIMIT = 256
ASSISTANT_LIMIT = 253
"""Characters."""

DEFAULT_TIMEZONE = "Etc/UTC"
"""Always written out: without a zone Kubernetes would use the controller manager's own."""

DEFAULT_STARTING_DEADLINE_SECONDS = 3600
"""60 seconds lost 485 of 1,000 same-minute firings on a stock controller manager, silently; an hour loses none."""

DEFAULT_RETRY_LIMIT = 3
"""Retries of a firing whose pod says that another attempt can help."""

DEFAULT_HISTORY_LIMIT = 1
"""Finished Jobs kept of each kind. The history is in the status; a kept Job carries a copy of the input."""

START_BEFORE_END = "startTime must be before endTime"

IN_POD_NEEDS_IMAGE = "engine inPod needs image: the container image with langgraph.json and the graph's dependencies"
IN_POD_ONLY = (
    "image, workingDir, envFrom and checkpointer are for engine inPod alone: set engine to inPod, or remove them"
)
IN_POD_NEVER = (
    "server, webhook, multitaskStrategy, checkpointDuring and runOptions are not for engine inPod: remove them, or the "
    "engine"
)
IN_POD_THREAD = "threadId with engine inPod needs checkpointer: nothing else keeps the thread between two firings"

_CEL_IN_POD = "(has(self.engine) && self.engine == 'inPod')"


ThreadId = Annotated[str, Field(pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$", max_length=36)]


class GraphCronSpec(Model):
    """When a graph runs, with which input, and how."""

    schedule: Annotated[
        str,
        Field(
            min_length=1,
            max_length=SCHEDULE_LIMIT,
            description="Five cron fields: minute, hour, day of month, month, day of week; also L, 15W, L5, 5#2.",
            json_schema_extra={"x-kubernetes-validations": admission.rules()},
        ),
    ]
    timezone: Annotated[str, Field(min_length=1, max_length=64)] | None = Field(
        None, description="IANA time zone of the schedule, such as Europe/Berlin. Default: Etc/UTC."
    )
    assistant_id: Annotated[str, Field(min_length=1, max_length=ASSISTANT_LIMIT)] = Field(
        description="Assistant to run: its UUID or the name of its graph."
    )
    thread_id: ThreadId | None = Field(None, description="Thread to run on. Default: a new thread for each firing.")
    input: Json | None = Field(
        None,
        description=f"Input of the graph: any JSON, nested at most {DEPTH_LIMIT} levels deep.",
    )
    input_from: InputFrom | None = Field(
        None, description="Secret or ConfigMap to read the input from at each firing. At most 1 MiB."
    )
    render_input: bool | None = Field(
        None,
        description="Whether each firing replaces {{scheduledTime}}, {{previousScheduledTime}} and {{name}} in the "
        "strings of its input. A format, as in {{scheduledTime:%Y-%m-%d}}, is that of strftime, in the time zone of "
        "the schedule. Default: false.",
    )
    metadata: JsonObject | None = Field(None, description="Metadata of the cron and of its runs.")
    config: Config | None = Field(
        None, description="Config of the runs, such as tags, recursion_limit and configurable."
    )
    context: JsonObject | None = Field(None, description="Static context of the runs.")
    webhook: Webhook | None = Field(None, description="URL that the Agent Server calls when a run ends.")
    interrupt_before: Nodes | None = Field(None, description='Nodes to interrupt before, or "*" for all.')
    interrupt_after: Nodes | None = Field(None, description='Nodes to interrupt after, or "*" for all.')
    multitask_strategy: Literal["reject", "rollback", "interrupt", "enqueue"] | None = Field(
        None, description="What happens when the thread has another run. Default: the Agent Server's, enqueue."
    )
    on_run_completed: Literal["delete", "keep"] | None = Field(
        None, description="Whether the thread of a stateless run is deleted or kept after the run. Default: delete."
    )
    stream_mode: StreamModes | None = Field(None, description="Stream modes of the runs.")
    stream_subgraphs: bool | None = Field(None, description="Whether to stream the output of subgraphs, too.")
    stream_resumable: bool | None = Field(None, description="Whether clients can resume the stream.")
    durability: Literal["sync", "async", "exit"] | None = Field(None, description="When the graph writes checkpoints.")
    checkpoint_during: bool | None = Field(None, description="Deprecated by LangGraph: use durability.")
    run_options: RunOptions | None = Field(
        None,
        description="Further options of the runs that the Agent Server knows, by their names in its API, such as "
        "feedback_keys. They are passed on unchanged.",
    )
    enabled: bool | None = Field(None, description="Whether the schedule fires. Default: true.")
    pause_reason: Annotated[str, Field(max_length=1024)] | None = Field(
        None, description="Why the schedule is paused, for people to read."
    )
    start_time: Time | None = Field(None, description="Nothing fires that is due before this time.")
    end_time: Time | None = Field(None, description="Nothing fires that is due at this time or later.")
    jitter_seconds: Annotated[int, Field(ge=0, le=3600)] | None = Field(
        None,
        description="Longest random delay before a firing starts its run, in seconds. It differs between firings and "
        "is the same for all attempts of one firing. Default: 0.",
    )
    max_failures: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        None, description="Suspend the schedule after this many failed firings in a row. Default: no limit."
    )
    max_runs: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        None,
        description="Suspend the schedule for good after it has started this many runs since this was set. Requested "
        "runs do not count. Default: no limit.",
    )
    expect: Expect | None = Field(
        None, description="What is expected of the firings. Durations such as 26h, 5m or 1h30m; 0s expects nothing."
    )
    budget: Budget | None = Field(None, description="What the firings may use, in tokens or money.")
    notify: Notify | None = Field(
        None,
        description="What is told through which channel. Default: what the default channels of the namespace and the "
        "installation tell; an empty list tells nothing.",
    )
    record_answer: bool | None = Field(
        None,
        description="Whether the history records the text of each run's last message, its first 1,000 characters. "
        "Default: false.",
    )

    concurrency_policy: Literal["Allow", "Forbid", "Replace"] | None = Field(
        None,
        description="What happens when a firing is due while another one is running, as in a CronJob. Replace also "
        "cancels the earlier run. Default: Allow.",
    )
    starting_deadline_seconds: Annotated[int, Field(ge=10, le=31_536_000)] | None = Field(
        None, description="How late a firing may start, in seconds. Default: 3600."
    )
    active_deadline_seconds: Annotated[int, Field(ge=1, le=31_536_000)] | None = Field(
        None,
        description="Longest duration of a firing with all its attempts, in seconds. The run is then cancelled. "
        "Default: the installation's.",
    )
    retry_limit: Annotated[int, Field(ge=0, le=100)] | None = Field(
        None,
        description="How often a firing is retried when a retry can help. Default: 3; 0 for engine inPod without "
        "checkpointer, where a retry runs the graph from its start.",
    )
    successful_runs_history_limit: Annotated[int, Field(ge=0, le=100)] | None = Field(
        None, description="How many Jobs of succeeded firings to keep. Default: 1."
    )
    failed_runs_history_limit: Annotated[int, Field(ge=0, le=100)] | None = Field(
        None, description="How many Jobs of failed firings to keep. Default: 1."
    )
    server: Server | None = Field(None, description="Agent Server to use. Default: the installation's.")
    engine: Literal["agentServer", "inPod"] | None = Field(
        None,
        description="What runs the graph: the Agent Server, or the run pod itself, from your own image. "
        "Default: agentServer.",
    )
    image: Annotated[str, Field(pattern=r"^\S+$", max_length=1024)] | None = Field(
        None,
        description="Container image with langgraph.json, the graph's dependencies and Python 3.11 or later.",
    )
    working_dir: Annotated[str, Field(pattern="^/", max_length=1024)] | None = Field(
        None, description="Directory of langgraph.json in the image. Default: the image's own working directory."
    )
    env_from: Annotated[list[EnvFrom], Field(max_length=32)] | None = Field(
        None,
        description="Secrets and ConfigMaps that become environment variables of the graph, such as model API keys.",
    )
    checkpointer: Checkpointer | None = Field(
        None, description="Where a graph that runs in the pod stores its threads. Default: threads end with the pod."
    )
    template: Template | None = Field(None, description="Scheduling and resources of the run pods.")

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                {
                    "rule": "!has(self.startTime) || !has(self.endTime) || self.startTime < self.endTime",
                    "message": START_BEFORE_END,
                },
                {"rule": f"!{_CEL_IN_POD} || has(self.image)", "message": IN_POD_NEEDS_IMAGE},
                {
                    "rule": f"{_CEL_IN_POD} || !has(self.image) && !has(self.workingDir) && !has(self.envFrom) "
                    "&& !has(self.checkpointer)",
                    "message": IN_POD_ONLY,
                },
                {
                    "rule": f"!{_CEL_IN_POD} || !has(self.server) && !has(self.webhook) "
                    "&& !has(self.multitaskStrategy) && !has(self.checkpointDuring) && !has(dyn(self).runOptions)",
                    "message": IN_POD_NEVER,
                },
                {
                    "rule": f"!{_CEL_IN_POD} || !has(self.threadId) || has(self.checkpointer)",
                    "message": IN_POD_THREAD,
                },
                *CEL_RULES,
            ]
        }
    )

    @property
    def in_pod(self) -> bool:
        """Whether the run pod runs the graph itself."""
        return self.engine == "inPod"

    @property
    def runs_once(self) -> bool:
        """Whether a firing has one attempt. Without a checkpointer another pod would run the graph, and pay for it,
        from its start: only on request."""
        return self.in_pod and self.checkpointer is None and self.retry_limit is None

    @model_validator(mode="after")
    def _fits_its_engine(self) -> Self:
        own = (self.image, self.working_dir, self.env_from, self.checkpointer)
        foreign = (self.server, self.webhook, self.multitask_strategy, self.checkpoint_during, self.run_options)
        if not self.in_pod and any(value is not None for value in own):
            raise ValueError(IN_POD_ONLY)
        if self.in_pod and any(value is not None for value in foreign):
            raise ValueError(IN_POD_NEVER)
        if self.in_pod and self.image is None:
            raise ValueError(IN_POD_NEEDS_IMAGE)
        if self.in_pod and self.thread_id is not None and self.checkpointer is None:
            raise ValueError(IN_POD_THREAD)
        return self

    @model_validator(mode="after")
    def _starts_before_it_ends(self) -> Self:
        if self.start_time and self.end_time and self.start_time >= self.end_time:
            raise ValueError(START_BEFORE_END)
        return self

    @model_validator(mode="after")
    def _asks_for_a_run(self) -> Self:
        if not isinstance((self.config or {}).get("configurable", {}), dict):
            raise ValueError("config.configurable must be an object")
        if problem := complaint(self.context, self.config, self.run_options, self.thread_id):
            raise ValueError(problem)
        return self

    @model_validator(mode="after")
    def _can_be_rendered(self) -> Self:
        if self.render_input and self.input is not None:
            rendering.check(json.dumps(self.input), "input")
        return self

    @model_validator(mode="after")
    def _one_input(self) -> Self:
        # Not a rule of the CRD: CEL cannot see a field of free-form JSON.
        if self.input is not None and self.input_from is not None:
            raise ValueError("input and inputFrom exclude each other: keep one")
        return self
