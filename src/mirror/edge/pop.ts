import type { EdgeHost } from "../../vcl/runtime.ts";
import { isRefHealthy } from "./directors.ts";
import { UNANSWERED } from "./exchange.ts";
import type { RequestWatch } from "./edge-watch.ts";
import type { Exchange, NodeTransaction } from "./exchange.ts";
import { unknownDomain } from "./fastly-pages.ts";
import { hasVisited, readHopChain, wasLastHop } from "./hop-chain.ts";
import { runLifecycle } from "./lifecycle.ts";
import type { HopRequest, HopResponse } from "./message.ts";
import type { EdgeParts, Pop } from "./parts.ts";
import { PopRates } from "./rate-limits.ts";
import { directorContext } from "./step-backend.ts";
import type { TraceRecorder } from "./trace-recorder.ts";
import { deliveryTransaction } from "./transaction.ts";

const NOTHING_CARRIED: ReadonlyMap<string, string> = new Map();

/** Runs a request at a POP: finds the service by Host and takes the request through its life cycle. */
export async function handleAtPop(parts: EdgeParts, pop: Pop, request: HopRequest): Promise<HopResponse> {
  const host = request.headers.get("Host") ?? "";
  const service = parts.serviceOf(request.include?.serviceHost ?? host);
  const watch = parts.watch?.begin({ pop: pop.name, service: service?.active ?? null, request }) ?? null;
  const recorder = watch?.recorder ?? null;
  if (recorder !== null) request.tracedBy?.addShield(recorder);
  if (service === null) return watched(unknownDomain(host, pop.identity), { watch, delivery: null });
  const chain = readHopChain(request.headers, service.active.id, parts);
  const exchange: { x: Exchange | null } = { x: null };
  const edgeHost = hostOf(exchange, { parts, pop, serviceId: service.active.id, recorder });
  const delivery = deliveryTransaction({
    parts,
    pop,
    service,
    request,
    chain,
    host: edgeHost,
    xid: parts.nextXid(),
  });
  const x: Exchange = {
    parts,
    pop,
    service,
    request,
    chain,
    recorder,
    background: false,
    delivery,
    node: delivery,
    decided: "lookup",
    ...UNANSWERED,
    key: "",
    segments: null,
    carried: NOTHING_CARRIED,
    bodySent: false,
  };
  exchange.x = x;
  return watched(await runLifecycle(x, "recv"), { watch, delivery });
}

/** The response, with word of its end for who looks on. */
function watched(
  response: HopResponse,
  by: { readonly watch: RequestWatch | null; readonly delivery: NodeTransaction | null },
): HopResponse {
  const { watch, delivery } = by;
  if (watch === null) return response;
  return {
    ...response,
    sent(report) {
      response.sent(report);
      watch.end({ response, sent: report, delivery });
    },
  };
}

/** What VCL may ask of the edge on behalf of one request. */
function hostOf(
  exchange: { readonly x: Exchange | null },
  at: {
    readonly parts: EdgeParts;
    readonly pop: Pop;
    readonly serviceId: string;
    readonly recorder: TraceRecorder | null;
  },
): EdgeHost {
  const { parts, pop, serviceId, recorder } = at;
  return {
    ...(recorder === null ? {} : { onStatement: recorder.onStatement }),
    isHealthy: (backend) => exchange.x !== null && isRefHealthy(backend, directorContext(exchange.x)),
    hasVisitedShield: (shield) => exchange.x !== null && hasVisited(shield, pop, exchange.x.chain),
    wasLastHop: (id) => exchange.x !== null && wasLastHop(exchange.x.chain, id, parts),
    connectionsTo: (backend) =>
      backend.kind === "backend" ? parts.pools.connectionsTo(backend.spec) : { open: 0, used: 0 },
    log(line) {
      parts.onLog({ service: serviceId, pop: pop.name, line, at: parts.clock.now() });
    },
    random: () => parts.random(),
    get rates() {
      const rates = pop.rates.get(serviceId) ?? new PopRates(parts.clock);
      pop.rates.set(serviceId, rates);
      return rates;
    },
  };
}
