import type { EdgeHost } from "../../vcl/runtime.ts";
import { isRefHealthy } from "./directors.ts";
import { UNANSWERED } from "./exchange.ts";
import type { Exchange } from "./exchange.ts";
import { unknownDomain } from "./fastly-pages.ts";
import { hasVisited, readHopChain } from "./hop-chain.ts";
import { runLifecycle } from "./lifecycle.ts";
import type { HopRequest, HopResponse } from "./message.ts";
import type { EdgeParts, Pop } from "./parts.ts";
import { PopRates } from "./rate-limits.ts";
import { directorContext } from "./step-backend.ts";
import { deliveryTransaction } from "./transaction.ts";

const NOTHING_CARRIED: ReadonlyMap<string, string> = new Map();

/** Runs a request at a POP: finds the service by Host and takes the request through its life cycle. */
export async function handleAtPop(parts: EdgeParts, pop: Pop, request: HopRequest): Promise<HopResponse> {
  const host = request.headers.get("Host") ?? "";
  const service = parts.serviceOf(host);
  if (service === null) return unknownDomain(host, pop.identity);
  const chain = readHopChain(request.headers, service.active.id, parts);
  const exchange: { x: Exchange | null } = { x: null };
  const edgeHost = hostOf(exchange, { parts, pop, serviceId: service.active.id });
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
  return runLifecycle(x, "recv");
}

/** What VCL may ask of the edge on behalf of one request. */
function hostOf(
  exchange: { readonly x: Exchange | null },
  at: { readonly parts: EdgeParts; readonly pop: Pop; readonly serviceId: string },
): EdgeHost {
  const { parts, pop, serviceId } = at;
  return {
    isHealthy: (backend) => exchange.x !== null && isRefHealthy(backend, directorContext(exchange.x)),
    hasVisitedShield: (shield) => exchange.x !== null && hasVisited(shield, pop, exchange.x.chain),
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
