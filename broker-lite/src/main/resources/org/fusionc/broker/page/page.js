// The broker's page. It reads /api/events (the status, as server-sent events) and talks to
// /v1/chat/completions, or /v1/completions if a model is not made for chat; all are the broker's own. What comes from the cluster is shown as text only.
const $ = (id) => document.getElementById(id);

function element(tag, content, attributes = {}) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...(Array.isArray(content) ? content : [content ?? ""]));
  return made;
}

function drawn(tag, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

const scaled = (value, base, units) => {
  let at = 0;
  while (value >= base && at < units.length - 1) { value /= base; at++; }
  return `${value >= 100 || at === 0 ? Math.round(value) : value.toPrecision(3)} ${units[at]}`;
};
const bytes = (n) => scaled(n, 1024, ["B", "KiB", "MiB", "GiB", "TiB"]);
const rate = (n) => scaled(n, 1000, ["B/s", "kB/s", "MB/s", "GB/s", "TB/s"]);
const flops = (n) => scaled(n, 1000, ["FLOP/s", "kFLOP/s", "MFLOP/s", "GFLOP/s", "TFLOP/s"]);
const seconds = (s) => s >= 1 ? `${s.toFixed(2)} s` : s >= 1e-3 ? `${(s * 1e3).toFixed(1)} ms` : `${(s * 1e6).toFixed(0)} µs`;
const percent = (x) => `${Math.round(100 * Math.min(1, Math.max(0, x)))} %`;

function bar(share, title) {
  const fill = element("i", "");
  fill.style.width = percent(share);
  return element("span", fill, { class: "bar", title, role: "img", "aria-label": title });
}

function rows(table, list, none, row) {
  const body = $(table).tBodies[0];
  const columns = $(table).tHead.rows[0].cells.length;
  body.replaceChildren(...(list.length
    ? list.map((item) => element("tr", row(item).map((cell) => cell instanceof HTMLTableCellElement ? cell : element("td", cell))))
    : [element("tr", element("td", none, { colspan: columns, class: "empty" }))]));
}

// ---- what the status says

function drawMap(status) {
  const map = $("map");
  const names = status.peers.map((p) => p.name).sort();
  const place = new Map(names.map((name, i) => {
    const turn = (2 * Math.PI * i) / Math.max(1, names.length) - Math.PI / 2;
    return [name, { x: 320 + 220 * Math.cos(turn), y: 210 + 145 * Math.sin(turn) }];
  }));
  const parts = [drawn("defs", {})];
  const arrow = drawn("marker", { id: "arrow", viewBox: "0 0 8 8", refX: 20, refY: 4, markerWidth: 6, markerHeight: 6, orient: "auto" });
  arrow.append(drawn("path", { d: "M0 0L8 4L0 8z", fill: "var(--accent)" }));
  parts[0].append(arrow);
  const pairs = new Map();
  for (const link of status.links) {
    const key = [link.from, link.to].sort().join("\n");
    if (!pairs.has(key)) pairs.set(key, link);
  }
  const line = (from, to, extra) => {
    const a = place.get(from), b = place.get(to);
    return a && b && from !== to ? drawn("line", { x1: a.x, y1: a.y, x2: b.x, y2: b.y, ...extra }) : null;
  };
  for (const link of pairs.values()) parts.push(line(link.from, link.to, { class: "link" }));
  for (const deployment of status.deployments) {
    const route = deployment.stages.map((s) => s.holders[0]?.peer);
    for (let i = 0; i + 1 < route.length; i++) parts.push(line(route[i], route[i + 1], { class: "flow" }));
  }
  for (const link of pairs.values()) {
    const a = place.get(link.from), b = place.get(link.to);
    if (!a || !b) continue;
    parts.push(drawn("text", { class: "figure", x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 },
      link.bandwidth > 0 ? `${seconds(link.latency)} · ${rate(link.bandwidth)}` : "no link"));
  }
  for (const peer of status.peers) {
    const at = place.get(peer.name);
    parts.push(drawn("circle", { cx: at.x, cy: at.y, r: 14, class: peer.state }));
    parts.push(drawn("text", { x: at.x, y: at.y + (at.y < 210 ? -22 : 32) }, peer.name));
  }
  map.replaceChildren(...parts.filter(Boolean));
}

const held = (segment) => `${segment.deployment} ${segment.stage} ${segment.phase.toLowerCase()}` +
  (segment.phase === "READY" || segment.phase === "FAILED" ? "" : ` ${percent(segment.progress)}`);

function drawPeers(status) {
  rows("peers", status.peers, "no peer has joined: fusionc peer --broker HOST:PORT", (peer) => [
    peer.name,
    element("td", peer.state, { class: `state ${peer.state}`, title: `last report ${seconds(peer.secondsSinceReport)} ago` }),
    [bar(peer.memoryUsed / peer.memory, "memory"), ` ${bytes(peer.memoryUsed)} of ${bytes(peer.memory)}`],
    peer.speed ? [rate(peer.speed.bandwidth), ...Object.entries(peer.speed.flops).slice(0, 1).map(([type, n]) => `, ${type} ${flops(n)}`)] : "being measured",
    peer.segments.length ? peer.segments.map(held).join(", ") : "nothing",
  ]);
  rows("links", status.links, "none measured yet", (link) => [link.from, link.to, seconds(link.latency), link.bandwidth > 0 ? rate(link.bandwidth) : "not reached"]);
}

function drawPlans(status) {
  const segment = (peer, deployment, stage) => status.peers.find((p) => p.name === peer)?.segments
    .find((s) => s.deployment === deployment.name && s.stage === stage && s.planDigest === deployment.planDigest);
  const open = new Set([...document.querySelectorAll(".plan details[open]")].map((d) => d.dataset.name));
  $("plans").replaceChildren(...status.deployments.map((deployment) => {
    const stages = deployment.stages.map((stage, i) => {
      const [first, ...others] = stage.holders;
      const load = first && segment(first.peer, deployment, i);
      const line = [element("b", first ? first.peer : "nobody"), " "];
      if (load) {
        line.push(bar(load.busy, `busy ${percent(load.busy)}`), ` busy ${percent(load.busy)} · ${bytes(load.bytes)} · queue ${load.queued} · runs ${load.runs}`);
        if (load.nanosPerToken > 0) line.push(` · ${seconds(load.nanosPerToken / 1e9)}/token`);
      }
      const pool = others.length ? `backup pool: ${others.map((o) => `${o.peer} ${o.ready ? "ready" : "loading"}`).join(", ")}` : "backup pool: nobody";
      return element("div", [
        element("span", `stage ${i}`, { class: `state ${first?.ready ? "ready" : first ? "loading" : "lost"}` }),
        element("span", line),
        element("span", ""),
        element("span", `${pool} · recovery in about ${seconds(stage.expectedRecoverySeconds)}`, { class: "standby" }),
      ], { class: "stage" });
    });
    const text = element("details", [element("summary", "plan"), element("pre", deployment.plan)], { "data-name": deployment.name });
    text.open = open.has(deployment.name);
    return element("div", [
      element("h3", `${deployment.name}: ${deployment.ready ? "ready" : deployment.message || "getting ready"}`), ...stages, text,
    ], { class: "plan", "data-deployment": deployment.name });
  }));
  if (!status.deployments.length) $("plans").replaceChildren("none: fusionc deploy MODEL --cluster HOST:PORT");
  const wanted = status.deployments.map((d) => d.name);
  const shown = [...$("model").options].map((o) => o.value);
  if (wanted.join("\n") !== shown.join("\n")) {
    const chosen = $("model").value;
    $("model").replaceChildren(...wanted.map((name) => element("option", name, { value: name })));
    if (wanted.includes(chosen)) $("model").value = chosen;
    readModels();
  }
  $("send").disabled = !wanted.length;
}

function drawRuns(status) {
  rows("runs", status.runs, "nobody is generating", (run) => [run.client, run.deployment, String(run.sessions), String(run.waiting), String(run.tokens), run.route.join(" → ")]);
  $("recoveries").replaceChildren(...status.recentRecoveries.toReversed().map((r) => element("li",
    `${new Date(Number(r.atMillis)).toLocaleTimeString()} stage ${r.stage}: ${r.from} → ${r.to} (${r.cause}), ` +
    `${seconds(r.seconds)}, expected ${seconds(r.expectedSeconds)}, ${r.replayedTokens} tokens replayed`)));
}

function draw(status) {
  $("broker").textContent = status.broker + (status.leader ? "" : " (standing by)");
  drawMap(status);
  drawPeers(status);
  drawPlans(status);
  drawRuns(status);
}

const events = new EventSource("/api/events");
events.onmessage = (event) => {
  draw(JSON.parse(event.data));
  $("connection").textContent = `as of ${new Date().toLocaleTimeString()}`;
  $("connection").className = "";
};
events.onerror = () => {
  $("connection").textContent = "the broker does not answer; what you see is old. Running sessions go on without it.";
  $("connection").className = "lost";
};

// ---- chat

const conversation = [];
const madeForChat = new Map();
let asking = null;

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
  $("prompt").placeholder = plain ? "Begin a text" : "Write to the model";
}

function say(role, text) {
  const line = element("p", text, { class: role });
  $("messages").append(line);
  line.scrollIntoView({ block: "nearest" });
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
  const model = $("model").value;
  if (!madeForChat.has(model)) await readModels();
  const chat = madeForChat.get(model) !== false;
  conversation.push({ role: "user", content: text });
  say("user", text);
  const answer = say("assistant", "");
  $("send").hidden = true;
  $("stop").hidden = false;
  let content = "";
  try {
    const response = await fetch(chat ? "/v1/chat/completions" : "/v1/completions", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      signal: asking.signal,
      body: JSON.stringify({ model, ...(chat ? { messages: conversation } : { prompt: text }), stream: true, max_tokens: 512 }),
    });
    if (!response.ok) throw new Error((await response.json().catch(() => null))?.error?.message ?? `the broker answered ${response.status}`);
    for await (const data of messages(response)) {
      if (data === "[DONE]") break;
      const piece = JSON.parse(data);
      if (piece.error) throw new Error(piece.error.message);
      content += (chat ? piece.choices?.[0]?.delta?.content : piece.choices?.[0]?.text) ?? "";
      answer.textContent = content;
      answer.scrollIntoView({ block: "nearest" });
    }
  } catch (failure) {
    if (failure.name !== "AbortError") say("error", failure.message);
  }
  if (content) conversation.push({ role: "assistant", content });
  else { conversation.pop(); answer.remove(); }
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
  conversation.length = 0;
  tellKind();
});
$("stop").addEventListener("click", () => asking?.abort());
