"""What runs in run pods. `graphcron run`: one firing, one run on the Agent Server, followed to its end.

The firing is the Job, and each of its pods, first or retried, does the same: look for the run that carries the
firing's mark, start one only when there is none, follow it. The run is marked in its metadata; a stateless firing
also has a thread whose id is derived from the Job. So nothing has to survive in the pod, and a pod may be killed
anywhere. The request that starts the run is the only one that must not be repeated blindly: whatever happened to
it, the mark is looked for again before it is sent again. Three more things keep that sound:

- A stateless firing's run asks to be rejected when its thread is busy (`multitask_strategy: reject`) or gone. So the
  server itself refuses a second one, even when the first request is carried out late or two pods of one Job live at
  once.
- A thread that is to be deleted (`onRunCompleted: delete`) is the only proof that its run existed. A pod can die,
  with its node even, between the deletion and Kubernetes' learning of its exit, and the next one would find nothing
  and start again. So first the outcome goes into a record: an empty thread of a second derived id, looked for
  whenever no run is found. It is deleted by the server (`ttl`), and by later firings of the cron for servers that
  sweep nothing (the in-memory one). Records are threads and not store items because the usual authorization
  handlers confine the store to the user's own namespace. Giving the firing's own thread a short ttl instead of
  deleting it would be simpler, but leave people's data on servers that do not sweep; a long one is its safety net.
- The mark is on the run alone: on LangGraph later runs inherit their thread's metadata.

What is left: a request for a thread cron that the server carries out only after it timed out here and the search for
its run found none, or one for a kept thread whose run was over by then. Only an id given by the client could end that,
and the server takes none.

Following is polling, from 0.2 s, growing with the run's age to 5 s: it delays no run's end by more than a twentieth,
and survives whatever cuts connections. `join` would know sooner, but holds a connection for hours, answers with the
thread's whole state, and needs the polling anyway to distinguish its own loss from the run's end.

`concurrencyPolicy: Replace`: Kubernetes deletes the Job of the earlier firing, which stops its pod as a drain does. So
the pod that takes its place cancels the run, before it starts its own. An earlier pod that has sent its request but has
no answer when the new one searches is missed: its Job is deleted before the new one is made, so it is a matter of
seconds. Deleting a cron cancels nothing: its runs go on, as on LangGraph's platform.

SIGTERM (a drain, an eviction): the pod leaves at once and the run goes on; the next pod follows it.

The deadline (`activeDeadlineSeconds`) cancels the run, or it would go on costing money: a timer of the process, since
a Job that runs into a deadline of its own only stops its pods, as a drain does. It counts from the earliest start that
is known, the run's or this pod's. The Job's deadline comes a margin later, for pods that never start. One that started
late may still meet it: on SIGTERM, when the Job can be out of time, the pod cancels too.
"""
