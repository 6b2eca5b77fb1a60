// The page's chat. It talks to /v1/chat/completions, or to /v1/completions if a model is not made for
// chat; both are the broker's own.
const $ = (id) => document.getElementById(id);

let conversation = [];
const madeForChat = new Map();
let asking = null;

/** Which deployments there are to talk to. */
export function offer(names) {
  const shown = [...$("model").options].map((o) => o.value);
  if (names.join("\n") !== shown.join("\n")) {
    const chosen = $("model").value;
    $("model").replaceChildren(...names.map((name) => new Option(name, name)));
    if (names.includes(chosen)) $("model").value = chosen;
    readModels();
  }
  $("send").disabled = $("prompt").disabled = $("model").disabled = !names.length;
}

// Which models are made for chat: /v1/models says it.
async function readModels() {
  try {
    const response = await fetch("/v1/models");
    if (response.ok) for (const model of (await response.json()).data) madeForChat.set(model.id, model.chat);
  } catch {
    // The line at the top says that the broker does not answer.
  }
  tellKind();
}

function tellKind() {
  const plain = madeForChat.get($("model").value) === false;
  $("kind").hidden = !plain;
  $("prompt").placeholder = $("prompt").disabled ? "Nothing is deployed yet" : plain ? "Begin a text" : "Write to the model";
}

function say(role, text) {
  const line = document.createElement("p");
  line.className = role;
  line.textContent = text;
  $("messages").append(line);
  $("messages").scrollTop = $("messages").scrollHeight;
  return line;
}

// Reads server-sent events from a response's body; gives the data of each.
async function* messages(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let kept = "";
  for (let part; !(part = await reader.read()).done; ) {
    kept += part.value;
    const lines = kept.split("\n");
    kept = lines.pop();
    for (const line of lines) {
      if (line.startsWith("data:")) yield line.slice(5).trim();
    }
  }
}

async function ask(text) {
  asking = new AbortController();
  $("send").hidden = true;
  $("stop").hidden = false;
  const model = $("model").value;
  if (!madeForChat.has(model)) await readModels();
  const chat = madeForChat.get(model) !== false;
  // Another model begins another conversation, also while this one's answer is still to come.
  const talk = conversation;
  talk.push({ role: "user", content: text });
  say("user", text);
  const answer = say("assistant busy", "");
  let content = "";
  try {
    const response = await fetch(chat ? "/v1/chat/completions" : "/v1/completions", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      signal: asking.signal,
      body: JSON.stringify({ model, ...(chat ? { messages: talk } : { prompt: text }), stream: true, max_tokens: 512 }),
    });
    if (!response.ok) throw new Error((await response.json().catch(() => null))?.error?.message ?? `the broker answered ${response.status}`);
    for await (const data of messages(response)) {
      if (data === "[DONE]") break;
      const piece = JSON.parse(data);
      if (piece.error) throw new Error(piece.error.message);
      content += (chat ? piece.choices?.[0]?.delta?.content : piece.choices?.[0]?.text) ?? "";
      // Only who reads the end is taken along.
      const atEnd = $("messages").scrollHeight - $("messages").scrollTop - $("messages").clientHeight < 40;
      answer.textContent = content;
      if (atEnd) $("messages").scrollTop = $("messages").scrollHeight;
    }
  } catch (failure) {
    if (failure.name !== "AbortError") say("error", failure.message);
  }
  answer.className = "assistant";
  if (content) talk.push({ role: "assistant", content });
  else { talk.pop(); answer.remove(); }
  asking = null;
  $("send").hidden = false;
  $("stop").hidden = true;
}

$("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = $("prompt").value.trim();
  if (!text || asking || !$("model").value) return;
  $("prompt").value = "";
  ask(text);
});
$("model").addEventListener("change", () => {
  conversation = [];
  tellKind();
});
$("stop").addEventListener("click", () => asking?.abort());
