// What a user of the JavaScript SDK does, against the server named by its one argument. Prints each step and its answer
// as JSON; the test compares what two servers made of it.
import assert from "node:assert/strict";
import { Client } from "@langchain/langgraph-sdk";

const client = new Client({ apiUrl: process.argv[2], apiKey: null });
const steps = [];
const step = async (name, answer) => (steps.push([name, (await answer) ?? null]), steps.at(-1)[1]);
const refused = async (name, status, answer) => {
  const error = await answer.then(() => assert.fail(`${name}: was not refused`), (error) => error);
  assert.equal(error.status, status, `${name}: ${error}`);
  steps.push([name, String(error.message)]);
};
const collect = async (name, stream) => {
  const parts = [];
  for await (const part of stream) parts.push([part.event, part.event === "metadata" ? null : part.data]);
  steps.push([name, parts]);
};
const schedule = "27 15 3 2 *";
const input = { messages: [{ role: "user", content: "What time is it? 🕒" }] };

// The how-to.
const thread = await step("a thread", client.threads.create());
const cron = await step("its cron", client.crons.createForThread(thread.thread_id, "agent", { schedule, input }));
await step("it is deleted", client.crons.delete(cron.cron_id));
const stateless = await step("a stateless cron", client.crons.create("agent", { schedule, input }));
await step("it is deleted too", client.crons.delete(stateless.cron_id));
await refused("it is not there to be deleted again", 404, client.crons.delete(stateless.cron_id));

// Everything else about crons.
const full = await step(
  "a cron with all that the SDK knows",
  client.crons.createForThread(thread.thread_id, "agent", {
    schedule, input, enabled: true, durability: "sync", multitaskStrategy: "reject", ifNotExists: undefined,
    metadata: { team: "blue", größe: [1, { a: null }] }, config: { tags: ["t"], configurable: { model: "m" } },
    interruptBefore: ["answer"], interruptAfter: "*", webhook: "https://1.1.1.1/hook",
  }),
);
const other = await step("another one", client.crons.create("agent", { schedule, onRunCompleted: "keep", context: { user: "u" } }));
await step("search", client.crons.search());
await step("search of a thread", client.crons.search({ threadId: thread.thread_id, enabled: true }));
await step("a sorted page", client.crons.search({ limit: 1, offset: 1, sortBy: "created_at", sortOrder: "asc", select: ["cron_id"] }));
await step("count", client.crons.count());
await step("count of a thread", client.crons.count({ threadId: thread.thread_id }));
await step("disabled", client.crons.update(other.cron_id, { enabled: false, endTime: "2040-01-01T00:00:00+00:00" }));
await step("enabled", client.crons.update(other.cron_id, { enabled: true, endTime: null, schedule: "0 0 1 1 *", input: { a: 1 } }));
await step("found as it is now", client.crons.search({ assistantId: full.assistant_id, sortBy: "updated_at" }));
await refused("a schedule that is none", 422, client.crons.create("agent", { schedule: "banana" }));
await refused("an assistant that nobody has", 404, client.crons.create("00000000-0000-4000-8000-000000000000", { schedule }));
await refused("a thread that nobody has", 404, client.crons.createForThread("00000000-0000-4000-8000-000000000000", "agent", { schedule }));

// Through the same URL: what is no cron.
const [assistant] = await step("assistants", client.assistants.search({ graphId: "agent", limit: 1, metadata: { created_by: "system" } }));
await step("an assistant", client.assistants.get(assistant.assistant_id));
await step("its graph", client.assistants.getGraph(assistant.assistant_id));
await step("thread with metadata", client.threads.update(thread.thread_id, { metadata: { who: thread.thread_id } }));
await step("threads", client.threads.search({ metadata: { who: thread.thread_id } }));
await step("a run that is waited for", client.runs.wait(thread.thread_id, "agent", { input }));
const run = await step("a run in the background", client.runs.create(thread.thread_id, "agent", { input }));
await step("it is joined", client.runs.join(thread.thread_id, run.run_id));
await step("runs", client.runs.list(thread.thread_id).then((runs) => runs.map((run) => run.status)));
await collect("a stream", client.runs.stream(thread.thread_id, "agent", { input, streamMode: ["values", "updates"] }));
await collect("a stream without a thread", client.runs.stream(null, "agent", { input, streamMode: "updates" }));
await collect("a stream that fails", client.runs.stream(null, "agent", { input: { fail: "on purpose" }, streamMode: "updates" }));
await step("the thread's state", client.threads.getState(thread.thread_id).then((state) => state.values.messages.length));
await step("an item is put", client.store.putItem(["contract", thread.thread_id], "key", { a: 1, text: "größe" }));
await step("an item", client.store.getItem(["contract", thread.thread_id], "key"));
await step("items", client.store.searchItems(["contract", thread.thread_id]));
await step("an item is deleted", client.store.deleteItem(["contract", thread.thread_id], "key"));

await step("the thread is deleted", client.threads.delete(thread.thread_id));
await step("its cron went with it", client.crons.search());
await step("the other is deleted", client.crons.delete(other.cron_id));
await step("none is left", client.crons.count());
console.log(JSON.stringify(steps));
