import { traceOf } from "../../lib/caught.ts";
import { VclRuntimeError } from "../../vcl/diagnostics.ts";
import { UNANSWERED, abandon } from "./exchange.ts";
import type { Exchange, Step } from "./exchange.ts";
import { errorPageText, pageResponse } from "./fastly-pages.ts";
import type { HopResponse } from "./message.ts";
import type { TraceRecorder } from "./trace-recorder.ts";
import { askBackend, miss, pass } from "./step-backend.ts";
import { deliver, handleError } from "./step-deliver.ts";
import { fetchResponse } from "./step-fetch.ts";
import { deliverStale, hit, lookup } from "./step-lookup.ts";
import { hash, purge, receive } from "./step-request.ts";
import { beginSegments, deliverSegment } from "./step-segments.ts";
import { upgrade } from "./step-upgrade.ts";
import { fetchTransaction } from "./transaction.ts";

/** Restarts of one request; the next one gives 503 (reference/vcl/statements/restart). */
const MAX_RESTARTS = 3;

/** What is done at each step; every step only says which one comes next. */
const STEPS: Readonly<Record<Exclude<Step, "end">, (x: Exchange) => Step | Promise<Step>>> = {
  recv: receive,
  upgrade,
  hash,
  segments: beginSegments,
  lookup,
  purge,
  hit: (x) => {
    startBackgroundFetch(x);
    return hit(x);
  },
  miss,
  pass,
  backend: askBackend,
  fetch: fetchResponse,
  stale: deliverStale,
  error: handleError,
  restart,
  deliver: (x) => (x.segments === null ? deliver(x) : deliverSegment(x, runLifecycle)),
};

/** A background fetch ends where there would be somebody to answer. */
const FOREGROUND_ONLY: ReadonlySet<Step> = new Set(["stale", "error", "restart", "deliver"]);

/** Runs a request from a step to its end. Never throws: what VCL cannot answer becomes Fastly's 503 page. */
export async function runLifecycle(x: Exchange, from: Step): Promise<HopResponse> {
  let step = from;
  try {
    while (step !== "end") {
      if (x.background && FOREGROUND_ONLY.has(step)) break;
      const next = x.recorder === null ? STEPS[step](x) : tracedStep(x, step, x.recorder);
      step = typeof next === "string" ? next : await next;
    }
    if (x.response !== null) return x.response;
    abandon(x);
    return plainError(x, x.failure?.reason ?? "Service Unavailable");
  } catch (error) {
    abandon(x);
    return plainError(x, describe(x, error));
  }
}

/** Takes a step and writes down what VCL does not see of it. */
function tracedStep(x: Exchange, step: Exclude<Step, "end">, recorder: TraceRecorder): Step | Promise<Step> {
  const began = x.parts.clock.now();
  const asked = { backend: x.node.backend, bereq: x.node.bereq };
  const note = (next: Step): Step => {
    const now = x.parts.clock.now();
    if (step === "lookup") {
      const { key, waited, entry } = x;
      recorder.lookup({
        key,
        state: entry === null ? lookupState(next) : x.node.cacheState,
        waited,
        entry,
        began,
        now,
      });
    } else if (step === "backend") {
      const failure = x.failure?.reason ?? null;
      recorder.backend({ ...asked, reply: x.reply, failure, began, now });
    } else if (step === "restart" && next === "recv") {
      recorder.restart(x.delivery.restarts);
    }
    return next;
  };
  const taken = STEPS[step](x);
  return typeof taken === "string" ? note(taken) : taken.then(note);
}

/** What a lookup that found nothing to deliver is called before VCL has run. */
function lookupState(next: Step): string {
  return next === "pass" ? "HITPASS" : "MISS";
}

/** Limits of memory, of which Fastly's own page says no more (reference/vcl/memory-overflows). */
const OVERFLOWS: ReadonlySet<string> = new Set(["limit/headers", "workspace/overflow"]);

/** The text on the page: VCL's own trouble by name, anything else only in the log. */
function describe(x: Exchange, error: unknown): string {
  const { host, xid } = x.delivery;
  if (error instanceof VclRuntimeError) {
    host.log(`request ${xid} stopped [${error.rule}]: ${error.message}`);
    return OVERFLOWS.has(error.rule) ? "Header overflow" : error.message;
  }
  // A bug: where it happened is what its reader needs.
  const trace = traceOf(error);
  host.log(`request ${xid} stopped [fault]: ${trace.split("\n").slice(0, 4).join(" | ")}`);
  return "Service Unavailable";
}

function plainError(x: Exchange, reason: string): HopResponse {
  x.recorder?.stop(reason);
  const error = { status: 503, reason, identity: x.pop.identity, xid: x.delivery.xid };
  return pageResponse({
    status: 503,
    reason,
    contentType: "text/html; charset=utf-8",
    text: errorPageText(error),
  });
}

/** Back to vcl_recv: `req` as the delivery node has it survives, every response is gone. */
function restart(x: Exchange): Step {
  const { delivery } = x;
  abandon(x);
  if (x.segments?.role === "inner") {
    // The answer is under way: there is nothing left that could begin anew.
    x.failure = { status: 503, reason: "restart in a segment" };
    return "end";
  }
  const fromError = x.node.state === "error";
  x.node = delivery;
  if (delivery.restarts >= MAX_RESTARTS) {
    x.failure = { status: 503, reason: "Too many restarts" };
    return fromError ? "end" : "error";
  }
  delivery.restarts += 1;
  delivery.bereq = null;
  delivery.beresp = null;
  delivery.obj = null;
  delivery.resp = null;
  delivery.synthetic = null;
  delivery.staleExists = false;
  delivery.isLocallyGenerated = false;
  delivery.cacheState = "NONE";
  // Clustering ends with the first restart unless Fastly-Force-Shield asks for it (guides/vcl/clustering).
  delivery.isClusterEdge = delivery.req.headers.has("Fastly-Force-Shield");
  delete delivery.segmentReport;
  x.segments = null;
  x.part = null;
  x.entry = null;
  x.stale = null;
  x.passed = false;
  x.waited = false;
  x.failure = null;
  return "recv";
}

/**
 * Fetches a new object while a stale one is delivered (stale-while-revalidate). It runs vcl_miss and vcl_fetch on a
 * node of its own; only one is under way per key.
 */
function startBackgroundFetch(x: Exchange): void {
  const stale = x.refresh;
  const turn = stale === null ? null : x.pop.busy.take(x.key);
  if (turn === null) return;
  const background: Exchange = {
    ...x,
    ...UNANSWERED,
    background: true,
    node: fetchTransaction(x.delivery),
    // Its own copy: the variant it stores is that of the request as it is now.
    delivery: { ...x.delivery, req: { ...x.delivery.req, headers: x.delivery.req.headers.clone() } },
    stale,
    turn,
  };
  x.parts.background(runLifecycle(background, "miss").then(() => abandon(background)));
}
