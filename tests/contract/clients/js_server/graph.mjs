// The example graph of examples/agent, as far as run pods can tell it apart: it takes long, fails or asks back when its
// input says so.
import { Annotation, END, START, StateGraph, interrupt } from "@langchain/langgraph";

const State = Annotation.Root({ sleep: Annotation(), fail: Annotation(), interrupt: Annotation(), said: Annotation() });

async function answer({ sleep, fail, interrupt: question }) {
  if (sleep) await new Promise((resolve) => setTimeout(resolve, 1000 * sleep));
  if (fail) throw new Error(fail);
  return { said: question ? interrupt(question) : "ok" };
}

export const graph = new StateGraph(State)
  .addNode("answer", answer)
  .addEdge(START, "answer")
  .addEdge("answer", END)
  .compile();
