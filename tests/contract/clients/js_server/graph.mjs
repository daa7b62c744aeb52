// The example graph of examples/agent, as far as run pods can tell it apart: it takes long, fails or asks back when its
// input says so.
import { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { AIMessage } from "@langchain/core/messages";
import { Annotation, END, MessagesAnnotation, START, StateGraph, interrupt } from "@langchain/langgraph";

const State = Annotation.Root({
  ...MessagesAnnotation.spec,
  sleep: Annotation(),
  fail: Annotation(),
  interrupt: Annotation(),
  think: Annotation(),
  said: Annotation(),
});

class PretendingModel extends BaseChatModel {
  _llmType() {
    return "pretending";
  }

  async _generate() {
    const message = new AIMessage({
      content: "fine",
      usage_metadata: { input_tokens: 10, output_tokens: 5, total_tokens: 15 },
      response_metadata: { model_name: "pretending-1" },
    });
    return { generations: [{ text: "fine", message }] };
  }
}

const model = new PretendingModel({});

async function answer({ sleep, fail, interrupt: question, think }) {
  const messages = [];
  for (let call = 0; call < (think ?? 0); call++) messages.push(await model.invoke("hi"));
  if (sleep) await new Promise((resolve) => setTimeout(resolve, 1000 * sleep));
  if (fail) throw new Error(fail);
  return { messages, said: question ? interrupt(question) : "ok" };
}

export const graph = new StateGraph(State)
  .addNode("answer", answer)
  .addEdge(START, "answer")
  .addEdge("answer", END)
  .compile();
