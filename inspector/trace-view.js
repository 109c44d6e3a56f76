import { element, text } from "./table.js";

const byId = (id) => document.getElementById(id);

/** Shows the trace of a request: what it did on the left, the VCL it ran through on the right. */
export async function openTrace(id) {
  const found = await readTrace(id);
  const dialog = byId("trace");
  // Only what is on the page can be scrolled to.
  if (!dialog.open) dialog.showModal();
  if ("message" in found) drawNothing(found.message);
  else draw(found.trace, found.sources);
}

/** The trace and its VCL, or a message that says why there is none. */
async function readTrace(id) {
  try {
    return await (await fetch(`/api/traces/${id}`)).json();
  } catch (error) {
    return { message: `the inspector does not answer: ${error.message}` };
  }
}

function drawNothing(message) {
  text(byId("trace-title"), message);
  for (const name of ["events", "file", "source"]) byId(`trace-${name}`).replaceChildren();
}

/** Shows another file of the trace that is open. */
let showFile = () => {};

byId("trace-file").addEventListener("change", () => showFile());
byId("trace-close").addEventListener("click", () => byId("trace").close());

function draw(trace, sources) {
  const { request, answer } = trace;
  const outcome = answer === null ? "still under way" : `${answer.status} ${answer.reason}, ${answer.ms} ms`;
  text(byId("trace-title"), `${request.method} ${request.host}${request.url}: ${outcome}`);
  const marks = marksOf(trace);
  const files = byId("trace-file");
  files.replaceChildren(...Object.keys(sources).map((name) => element("option", name)));
  const show = (file, line) => {
    files.value = file;
    drawSource(sources[file] ?? "", marks.get(file) ?? new Map(), line);
  };
  showFile = () => show(files.value);
  byId("trace-events").replaceChildren(...eventItems(trace, show));
  const [ran] = trace.events.flatMap((event) => (event.kind === "state" ? event.lines : []));
  if (ran !== undefined) show(ran.file, ran.line);
  else byId("trace-source").replaceChildren();
}

/** Which lines ran, by file: `ran`, or `held` for a condition that was true. */
function marksOf(trace, marks = new Map()) {
  for (const event of trace.events) {
    if (event.kind === "backend" && event.shield !== null) marksOf(event.shield, marks);
    if (event.kind === "part") marksOf(event.part, marks);
    if (event.kind !== "state") continue;
    for (const { file, line, condition } of event.lines) {
      const lines = marks.get(file) ?? new Map();
      marks.set(file, lines);
      if (condition?.held) lines.set(line, "held");
      else if (!lines.has(line)) lines.set(line, "ran");
    }
  }
  return marks;
}

const SIGNS = { ran: "▸", held: "✓" };

function drawSource(source, marks, here) {
  const lines = source.split("\n").map((line, i) => {
    const mark = marks.get(i + 1) ?? "";
    // Not by colour alone.
    const number = element("span", `${String(i + 1).padStart(4)} ${SIGNS[mark] ?? " "}`, "number");
    return element("span", [number, `${line}\n`], `${mark}${i + 1 === here ? " here" : ""}`);
  });
  byId("trace-source").replaceChildren(...lines);
  const target = here === undefined ? lines.findIndex((_, i) => marks.has(i + 1)) : here - 1;
  lines[target]?.scrollIntoView({ block: "center" });
}

function eventItems(trace, show) {
  const where = `${trace.pop}${trace.isShield ? " (shield)" : ""}`;
  const service =
    trace.service === null ? "no service" : `${trace.service.name} version ${trace.service.version}`;
  const items = trace.events.map((event) => eventItem(event, show));
  if (trace.dropped > 0) items.push(element("li", `${trace.dropped} more events were not kept`));
  const { proto, tls, client } = trace.request;
  const from = `${proto}${tls ? " over TLS" : ""} from ${client}`;
  return [
    element("li", [element("strong", `${where}: ${service}`), list([from])]),
    ...items,
    element("li", answerText(trace)),
  ];
}

function answerText({ answer }) {
  if (answer === null) return "still under way";
  return `answer ${answer.status} (${answer.state}), ${answer.bodyBytes} bytes, ${answer.ms} ms`;
}

function eventItem(event, show) {
  const made = untimedItem(event, show);
  made.prepend(element("time", `${event.offset} ms`));
  return made;
}

function untimedItem(event, show) {
  switch (event.kind) {
    case "state":
      return stateItem(event, show);
    case "lookup": {
      const { key, state, waited, object } = event;
      const lines = [`key ${JSON.stringify(key)}`];
      if (waited) lines.push("waited for another request's fetch");
      if (object !== null) {
        lines.push(`age ${object.ageSeconds} s, ${Math.round(object.ttlSeconds)} s left, hit ${object.hits}`);
        lines.push(`surrogate keys ${object.surrogateKeys.join(" ")}`);
      }
      return element("li", [element("strong", `lookup: ${state}`), list(lines)]);
    }
    case "backend": {
      const { backend, method, host, url, status, reason, ms, shield } = event;
      const outcome = status === null ? reason : `${status} ${reason}`;
      const parts = [
        element("strong", `backend ${backend}: ${outcome}, ${ms} ms`),
        list([`${method} ${host}${url}`]),
      ];
      if (shield !== null) parts.push(element("ol", eventItems(shield, show)));
      return element("li", parts);
    }
    case "part": {
      const { request } = event.part;
      const head = element("strong", `part ${request.host}${request.url}`);
      return element("li", [head, element("ol", eventItems(event.part, show))]);
    }
    case "restart":
      return element("li", [element("strong", `restart ${event.count}`)]);
    default:
      return element("li", [element("strong", `stopped: ${event.reason}`)]);
  }
}

function stateItem({ state, action, background, lines, changes }, show) {
  const head = element("button", `${state}: ${action}${background ? " (in the background)" : ""}`);
  const first = lines[0];
  head.addEventListener("click", () => first && show(first.file, first.line));
  const held = lines.filter(({ condition }) => condition?.held);
  const conditions = held.map(({ file, line, condition }) => {
    const link = element("button", `if ${condition.text}`);
    link.addEventListener("click", () => show(file, line));
    return element("li", [link]);
  });
  return element("li", [head, element("ul", conditions), list(changes.map(changeText))]);
}

function list(lines) {
  return element(
    "ul",
    lines.map((line) => element("li", line)),
  );
}

function changeText({ name, before, after }) {
  if (after === null) return `- ${name}`;
  if (before === null) return `+ ${name}: ${after}`;
  return `~ ${name}: ${before} -> ${after}`;
}
