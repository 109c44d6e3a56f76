import { assertNever } from "../lib/errors.ts";
import type { Explanation } from "../mirror/inspector/explain.ts";
import type { CallDocument } from "../mirror/inspector/explain-call.ts";
import type {
  BackendEvent,
  LookupEvent,
  RequestTrace,
  StateEvent,
  TraceChange,
  TraceEvent,
} from "../mirror/edge/trace.ts";

/** An explanation as lines for people: each subroutine, what it decided, which conditions held, what it changed. */
export function explanationText(
  call: CallDocument,
  { trace, body }: Explanation,
  options: { readonly lines: boolean },
): string {
  const out: string[] = [`${call.method} ${call.url}`, ...traceLines(trace, options)];
  const { answer } = trace;
  if (answer !== null) {
    const { status, reason, state, bodyBytes, ms } = answer;
    out.push("", `answer: ${status} ${reason} (${state}), ${bodyBytes} bytes, ${ms} ms`);
    for (const [name, value] of answer.headers) out.push(`  ${name}: ${value}`);
  }
  if (body.truncated) out.push("  the body was cut short");
  return out.join("\n");
}

function traceLines(trace: RequestTrace, options: { readonly lines: boolean }): string[] {
  const { service, pop, isShield, events, dropped } = trace;
  const where = isShield ? `${pop}, as the shield` : pop;
  const out = [
    "",
    service === null
      ? `${where}: no service has this host`
      : `${where}: ${service.name} version ${service.version}`,
  ];
  for (const event of events) out.push(...timed(event, eventLines(event, options)));
  if (dropped > 0) out.push(`  ${dropped} more events are not shown`);
  return out;
}

/** The lines of an event; beside the first that says something stands how many milliseconds into the request it began. */
function timed({ offset }: TraceEvent, lines: readonly string[]): string[] {
  const first = lines.findIndex((line) => line !== "");
  const time = `${offset} ms`.padStart(TIME_WIDTH);
  return lines.map((line, i) =>
    line === "" ? "" : `${i === first ? time : " ".repeat(TIME_WIDTH)}  ${line}`,
  );
}

const TIME_WIDTH = "99999 ms".length;

function eventLines(event: TraceEvent, options: { readonly lines: boolean }): string[] {
  switch (event.kind) {
    case "state":
      return stateLines(event, options);
    case "lookup":
      return lookupLines(event);
    case "backend":
      return backendLines(event, options);
    case "part":
      return partLines(event.part, options);
    case "restart":
      return ["", `restart ${event.count}`];
    case "stop":
      return [`stopped    ${event.reason}`];
    default:
      return assertNever(event);
  }
}

function lookupLines({ key, state, waited, object }: LookupEvent): string[] {
  const head = `lookup     ${state}${waited ? ", after waiting for another request's fetch" : ""}`;
  const lines = [head, `    key ${JSON.stringify(key)}`];
  if (object === null) return lines;
  const { ageSeconds, ttlSeconds, hits, surrogateKeys } = object;
  lines.push(`    age ${ageSeconds} s, ${Math.round(ttlSeconds)} s left, hit ${hits}`);
  if (surrogateKeys.length > 0) lines.push(`    surrogate keys ${surrogateKeys.join(" ")}`);
  return lines;
}

function backendLines(event: BackendEvent, options: { readonly lines: boolean }): string[] {
  const { backend, method, host, url, status, reason, ms, shield } = event;
  const outcome = status === null ? reason : `${status} ${reason}`;
  const lines = [`backend    ${backend}: ${outcome}, ${ms} ms`, `    ${method} ${host}${url}`];
  return shield === null ? lines : [...lines, ...innerLines(shield, options)];
}

function partLines(part: RequestTrace, options: { readonly lines: boolean }): string[] {
  const { host, url } = part.request;
  const outcome = part.answer === null ? "no answer" : `${part.answer.status} ${part.answer.reason}`;
  return [`part       ${host}${url}: ${outcome}`, ...innerLines(part, options)];
}

function innerLines(trace: RequestTrace, options: { readonly lines: boolean }): string[] {
  return [...traceLines(trace, options).map((line) => (line === "" ? line : `  ${line}`)), ""];
}

function stateLines(
  { state, action, background, lines, changes }: StateEvent,
  options: { readonly lines: boolean },
): string[] {
  const out = [`${state.padEnd(10)} ${action}${background ? " (in the background)" : ""}`];
  for (const { file, line, condition } of lines) {
    if (condition?.held) out.push(`    ${file}:${line} if ${condition.text}`);
    else if (options.lines)
      out.push(`    ${file}:${line}${condition === undefined ? "" : ` not ${condition.text}`}`);
  }
  return [...out, ...changes.map(changeLine)];
}

function changeLine({ name, before, after }: TraceChange): string {
  if (after === null) return `    - ${name} (was ${JSON.stringify(before)})`;
  if (before === null) return `    + ${name} ${JSON.stringify(after)}`;
  return `    ~ ${name} ${JSON.stringify(before)} -> ${JSON.stringify(after)}`;
}
