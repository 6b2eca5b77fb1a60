// The broker's page. It reads /api/events (the status, as server-sent events), and all that it shows
// is the broker's own; what comes from the cluster is shown as text only. The chat is in chat.js.
import { offer } from "./chat.js";

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

// ---- quantities

const scaled = (value, base, units) => {
  let at = 0;
  while (value >= base && at < units.length - 1) { value /= base; at++; }
  return `${value >= 100 || at === 0 ? Math.round(value) : value.toPrecision(3)} ${units[at]}`;
};
const bytes = (n) => scaled(n, 1024, ["B", "KiB", "MiB", "GiB", "TiB"]);
const rate = (n) => scaled(n, 1000, ["B/s", "kB/s", "MB/s", "GB/s", "TB/s"]);
const flops = (n) => scaled(n, 1000, ["FLOP/s", "kFLOP/s", "MFLOP/s", "GFLOP/s", "TFLOP/s"]);
const seconds = (s) => s >= 0.9995 ? `${s.toFixed(2)} s` : s >= 1e-3 ? `${(s * 1e3).toPrecision(3)} ms` : `${(s * 1e6).toFixed(0)} µs`;
const percent = (x) => `${Math.round(100 * Math.min(1, Math.max(0, x)))}%`;
const counted = (n, one, many) => `${n} ${n === 1 ? one : many}`;

// How fast the runs generate, from one status to the next.
const rates = new Map();
function speedOf(run, now) {
  const before = rates.get(run.run) ?? { at: now, tokens: run.tokens, speed: 0 };
  const passed = (now - before.at) / 1000;
  if (passed < 1) { rates.set(run.run, before); return before.speed; }
  const speed = Math.max(0, run.tokens - before.tokens) / passed;
  rates.set(run.run, { at: now, tokens: run.tokens, speed });
  return speed;
}

// ---- pieces

function bar(share, title) {
  const fill = element("i", "");
  fill.style.width = percent(share);
  return element("span", fill, { class: "bar", title, role: "img", "aria-label": title });
}

const number = (text) => element("td", text, { class: "number" });
const cells = (row) => row.map((cell) => cell instanceof HTMLTableCellElement ? cell : element("td", cell));

function rows(table, list, none, row) {
  const body = $(table).tBodies[0];
  const columns = $(table).tHead.rows[0].cells.length;
  $(table).tHead.hidden = !list.length;
  body.replaceChildren(...(list.length
    ? list.map((item) => element("tr", cells(row(item))))
    : [element("tr", element("td", none, { colspan: columns, class: "empty" }))]));
}

// ---- the map

const RADIUS = 16;
const MOST_FIGURES = 5;

// Where a run's rows really go, else where the plan sends them.
function route(status, deployment) {
  const run = status.runs.find((r) => r.deployment === deployment.name && r.route.length);
  return run ? run.route : deployment.stages.map((stage) => stage.holders[0]?.peer);
}

function placed(names) {
  const alone = names.length === 1;
  return new Map(names.map((name, i) => {
    const turn = (2 * Math.PI * i) / names.length - Math.PI / 2;
    return [name, { x: 320 + (alone ? 0 : 230 * Math.cos(turn)), y: 195 + (alone ? 0 : 135 * Math.sin(turn)) }];
  }));
}

function line(a, b, kind) {
  const length = Math.hypot(b.x - a.x, b.y - a.y) || 1;
  const [dx, dy] = [(b.x - a.x) / length, (b.y - a.y) / length];
  const gap = RADIUS + (kind === "flow" ? 4 : 0);
  return drawn("line", { class: kind, x1: a.x + dx * gap, y1: a.y + dy * gap, x2: b.x - dx * gap, y2: b.y - dy * gap });
}

function drawMap(status) {
  const place = placed(status.peers.map((p) => p.name).sort());
  const heights = [...place.values()].map((at) => at.y);
  const top = Math.min(195, ...heights) - 55;
  $("map").setAttribute("viewBox", `0 ${top} 640 ${Math.max(195, ...heights) + 60 - top}`);
  const arrow = drawn("marker", { id: "arrow", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 5, markerHeight: 5, orient: "auto-start-reverse" });
  arrow.append(drawn("path", { d: "M0 0L8 4L0 8z", class: "head" }));
  const defs = drawn("defs", {});
  defs.append(arrow);
  const pair = (a, b) => [a, b].sort().join("\n");
  const links = new Map();
  for (const link of status.links) {
    if (place.has(link.from) && place.has(link.to) && !links.has(pair(link.from, link.to))) links.set(pair(link.from, link.to), link);
  }
  const flows = new Map();
  const stages = new Map(status.peers.map((p) => [p.name, []]));
  for (const deployment of status.deployments) {
    const peers = route(status, deployment);
    peers.forEach((peer, stage) => {
      stages.get(peer)?.push(status.deployments.length > 1 ? `${deployment.name} ${stage}` : `${stage}`);
      const next = peers[stage + 1];
      if (place.has(peer) && place.has(next) && peer !== next) {
        flows.set(`${peer}\n${next}`, [peer, next]);
        // This direction is the one whose figures count.
        const link = status.links.find((l) => l.from === peer && l.to === next);
        if (link) links.set(pair(peer, next), link);
      }
    });
  }
  const used = new Set([...flows.values()].map(([a, b]) => pair(a, b)));
  const parts = [defs];
  for (const [key, link] of links) if (!used.has(key)) parts.push(line(place.get(link.from), place.get(link.to), "link"));
  for (const [from, to] of flows.values()) parts.push(line(place.get(from), place.get(to), "flow"));
  for (const [key, link] of links) {
    if (status.peers.length > MOST_FIGURES && !used.has(key)) continue;
    const a = place.get(link.from), b = place.get(link.to);
    const figure = drawn("text", { class: "figure", x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 },
      link.bandwidth > 0 ? `${seconds(link.latency)} · ${rate(link.bandwidth)}` : "cannot reach");
    figure.append(drawn("title", {}, `${link.from} → ${link.to}`));
    parts.push(figure);
  }
  for (const peer of status.peers) {
    const at = place.get(peer.name);
    const above = at.y < 195;
    const part = stages.get(peer.name);
    parts.push(drawn("circle", { cx: at.x, cy: at.y, r: RADIUS, class: peer.state }));
    parts.push(drawn("text", { x: at.x, y: at.y + (above ? -RADIUS - 8 : RADIUS + 18) }, peer.name));
    const does = peer.state === "lost" ? "lost" : part.length ? `${part.length === 1 ? "stage" : "stages"} ${part.join(", ")}` : "standing by";
    const kind = peer.state === "lost" ? "part gone" : part.length ? "part" : "part idle";
    parts.push(drawn("text", { class: kind, x: at.x, y: at.y + (above ? -RADIUS - 24 : RADIUS + 34) }, does));
  }
  $("map").replaceChildren(...parts);
}

// ---- tables

const PHASES = { FETCHING: "fetching", COMPILING: "compiling", READY: "ready", FAILED: "failed" };

// What a peer holds: framed where it is the one that serves the stage.
function held(status, peer, segment) {
  const deployment = status.deployments.find((d) => d.name === segment.deployment);
  const serves = deployment?.stages[segment.stage]?.holders[0]?.peer === peer.name;
  const phase = PHASES[segment.phase] ?? "waiting";
  const ready = segment.phase === "READY";
  const kind = ready ? (serves ? " serves" : "") : segment.phase === "FAILED" ? " failed" : " unready";
  const how = ready || segment.phase === "FAILED" ? phase : `${phase} ${percent(segment.progress)}`;
  return element("span", `${segment.deployment} ${segment.stage}${ready ? "" : ` ${how}`}`,
    { class: `tag${kind}`, title: segment.message || `${how}, ${bytes(segment.bytes)}, ${serves ? "serves" : "backup pool"}` });
}

function drawPeers(status) {
  rows("peers", status.peers, "No peer has joined. Start one: fusionc peer --broker HOST:PORT", (peer) => [
    element("td", element("b", peer.name), { title: `${peer.address}, ${counted(peer.threads, "thread", "threads")}` }),
    element("td", element("span", peer.state === "lost" ? `lost ${Math.round(peer.secondsSinceReport)} s ago` : peer.state, { class: `state ${peer.state}` })),
    element("td", [bar(peer.memory ? peer.memoryUsed / peer.memory : 0, "memory used"), `${bytes(peer.memoryUsed)} of ${bytes(peer.memory)}`], { class: "meter" }),
    peer.speed ? [rate(peer.speed.bandwidth), ...["f32"].filter((type) => type in peer.speed.flops).map((type) => ` · ${flops(peer.speed.flops[type])}`)] : "being measured",
    peer.segments.length ? peer.segments.map((segment) => held(status, peer, segment)) : "nothing",
  ]);
  rows("links", status.links, "None measured yet.", (link) => [link.from, link.to, number(link.bandwidth > 0 ? seconds(link.latency) : "–"), number(link.bandwidth > 0 ? rate(link.bandwidth) : "cannot reach")]);
}

// The plan's own figures, out of its text: FIR, one entry a line.
function expected(plan) {
  const text = (line, name) => line?.match(new RegExp(`\\b${name} = "?([^,"}]+?)"? ?[,}]`))?.[1]
    .replace(/^([\d.]+)(?=\D)/, "$1 ").replace(/\bus\b/, "µs").replace("/tok", "/token").replace(/tok\b/, "tokens");
  const lines = plan.split("\n").map((each) => each.trim());
  return {
    whole: ["decode", "prefill", "throughput", "bottleneck"].map((name) => [name, text(lines.find((l) => l.startsWith("expect ")), name)]).filter(([, value]) => value),
    stage: (i) => text(lines.find((l) => l.startsWith(`stage ${i} on `)), "decode"),
    edge: (i) => {
      const found = lines.find((l) => l.startsWith(`edge stage ${i} -> stage ${i + 1} `));
      return found && ["encode", "size", "decode"].map((name) => text(found, name)).filter(Boolean);
    },
  };
}

const STAGE_HEAD = [["stage"], ["peer"], ["busy"], ["memory", "number"], ["queue", "number"], ["time/token", "number"], ["planned", "number"], ["backup pool"], ["recovery", "number"]];

function stageRow(status, deployment, stage, i, plan) {
  const [first, ...others] = stage.holders;
  const load = status.peers.find((p) => p.name === first?.peer)?.segments
    .find((s) => s.deployment === deployment.name && s.stage === i && s.planDigest === deployment.planDigest);
  const pool = others.map((o) => element("span", o.ready ? o.peer : `${o.peer} loading`, { class: `standby tag ${o.ready ? "ready" : "unready"}` }));
  return element("tr", cells([
    element("td", element("span", `${i}`, { class: `state ${first?.ready ? "ready" : first ? "loading" : "lost"}` })),
    element("b", first?.peer ?? "nobody"),
    element("td", load ? [bar(load.busy, "busy in the last second"), percent(load.busy)] : "–", { class: "meter" }),
    number(load ? bytes(load.bytes) : "–"),
    number(load ? `${load.queued}` : "–"),
    number(load?.nanosPerToken > 0 ? seconds(load.nanosPerToken / 1e9) : "–"),
    number(plan.stage(i) ?? "–"),
    pool.length ? pool : element("span", "nobody", { class: "note" }),
    number(`${seconds(stage.expectedRecoverySeconds)}`),
  ]), { class: "stage" });
}

function drawPlans(status) {
  const open = new Set([...document.querySelectorAll(".plan details[open]")].map((d) => d.dataset.name));
  $("plans").replaceChildren(...status.deployments.map((deployment) => {
    const plan = expected(deployment.plan);
    const body = [];
    deployment.stages.forEach((stage, i) => {
      body.push(stageRow(status, deployment, stage, i, plan));
      const edge = plan.edge(i);
      if (edge) body.push(element("tr", [element("td", ""), element("td", `↓ ${edge.join(" · ")}`, { colspan: STAGE_HEAD.length - 1, title: "format, size and time of what goes to the next stage, as planned" })], { class: "edge" }));
    });
    const head = element("thead", element("tr", STAGE_HEAD.map(([name, kind]) => element("th", name, kind ? { class: kind } : {}))));
    const text = element("details", [element("summary", "Plan as text"), element("pre", deployment.plan)], { "data-name": deployment.name });
    text.open = open.has(deployment.name);
    return element("div", [
      element("h3", [`${deployment.name} `, element("small", deployment.ready ? "ready" : deployment.message || "getting ready", { class: `state ${deployment.ready ? "ready" : "loading"}` })]),
      element("table", [head, element("tbody", body)]),
      element("p", `Planned: ${plan.whole.map(([name, value]) => `${name} ${value.replace("->", "→")}`).join(" · ")} · ${deployment.pages * deployment.pageTokens} positions for all sessions`, { class: "note" }),
      text,
    ], { class: "plan", "data-deployment": deployment.name });
  }));
  if (!status.deployments.length) $("plans").replaceChildren(element("p", "Nothing is deployed. Deploy a model: fusionc deploy MODEL --cluster HOST:PORT", { class: "note" }));
}

function drawRuns(status) {
  const now = performance.now();
  for (const id of rates.keys()) if (!status.runs.some((r) => r.run === id)) rates.delete(id);
  const speeds = new Map(status.runs.map((r) => [r.run, speedOf(r, now)]));
  rows("runs", status.runs, "Nobody is generating.", (run) => [run.client, run.deployment, number(`${run.sessions}`), number(`${run.waiting}`), number(`${run.tokens}`), number(speeds.get(run.run).toFixed(0)), run.route.join(" → ")]);
  rows("recoveries", status.recentRecoveries.toReversed(), "None so far: no peer was lost while somebody generated.", (r) => [
    new Date(Number(r.atMillis)).toLocaleTimeString(), number(`${r.stage}`), `${r.from} → ${r.to}`, r.cause,
    number(seconds(r.seconds)), number(seconds(r.expectedSeconds)), number(counted(r.replayedTokens, "token", "tokens")),
  ]);
  return [...speeds.values()].reduce((a, b) => a + b, 0);
}

function drawSummary(status, speed) {
  const sessions = status.runs.reduce((n, r) => n + r.sessions, 0);
  const here = status.peers.filter((p) => p.state !== "lost").length;
  const figures = [
    [here === status.peers.length ? here : `${here} of ${status.peers.length}`, status.peers.length === 1 ? "peer" : "peers"],
    [status.deployments.length, status.deployments.length === 1 ? "deployment" : "deployments"],
    [sessions, sessions === 1 ? "session" : "sessions"],
    [speed.toFixed(0), "tokens/s"],
  ];
  $("summary").replaceChildren(...figures.map(([figure, what]) => element("li", [element("b", `${figure}`), ` ${what}`])));
}

function draw(status) {
  $("broker").textContent = status.broker + (status.leader ? "" : " (standing by)");
  drawMap(status);
  drawPeers(status);
  drawPlans(status);
  drawSummary(status, drawRuns(status));
  offer(status.deployments.map((d) => d.name));
}

const events = new EventSource("/api/events");
events.onmessage = (event) => {
  draw(JSON.parse(event.data));
  $("connection").textContent = `as of ${new Date().toLocaleTimeString()}`;
  $("connection").className = "";
};
events.onerror = () => {
  $("connection").textContent = "The broker does not answer: this is old. Running sessions go on without it.";
  $("connection").className = "failed";
};
