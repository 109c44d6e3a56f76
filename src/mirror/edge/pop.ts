import { toByteString } from "../../http/byte-string.ts";
import type { BackendRef, DirectorSpec, EdgeHost } from "../../vcl/runtime.ts";
import { isRefHealthy } from "./directors.ts";
import { UNANSWERED } from "./exchange.ts";
import type { RequestWatch, WatchedDelivery, WatchedService } from "./edge-watch.ts";
import type { Exchange } from "./exchange.ts";
import { unknownDomain } from "./fastly-pages.ts";
import { hasVisited, readHopChain, wasLastHop } from "./hop-chain.ts";
import { runLifecycle } from "./lifecycle.ts";
import type { HopRequest, HopResponse } from "./message.ts";
import type { AnyRun, EdgeParts, Pop } from "./parts.ts";
import { ratesOf } from "./rate-limits.ts";
import type { PopRates } from "./rate-limits.ts";
import { directorContext } from "./step-backend.ts";
import type { TraceRecorder } from "./trace-recorder.ts";
import { deliveryTransaction } from "./transaction.ts";

const NOTHING_CARRIED: ReadonlyMap<string, string> = new Map();

/** Bytes of a line that VCL logs; of a longer one the rest is cut off (guides/resource-limits). */
const MAX_LOG_LINE = 16 * 1024;

/** Runs a request at a POP: finds the service by Host and takes the request through its life cycle. */
export async function handleAtPop(parts: EdgeParts, pop: Pop, request: HopRequest): Promise<HopResponse> {
  const host = request.headers.get("Host") ?? "";
  const service = parts.serviceOf(request.include?.serviceHost ?? host);
  const watch =
    parts.watch?.begin({
      pop: pop.name,
      service: service === null ? null : watchedService(service),
      request,
    }) ?? null;
  const recorder = watch?.recorder ?? null;
  if (recorder !== null && request.include === undefined) request.tracedBy?.addShield(recorder);
  else if (recorder !== null) request.tracedBy?.addPart(recorder);
  if (service === null) return watched(unknownDomain(host, pop.identity), { watch, delivery: null });
  if (service.kind === "compute") {
    const { response, delivery } = await service.answer({ parts, pop, run: service, request, recorder });
    return watched(response, { watch, delivery });
  }
  const chain = readHopChain(request.headers, service.active.id, parts);
  const edgeHost = new RequestHost({ parts, pop, request, serviceId: service.active.id, recorder });
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
  edgeHost.exchange = x;
  return watched(await runLifecycle(x, "recv"), { watch, delivery });
}

function watchedService({ active }: AnyRun): WatchedService {
  if ("program" in active) return active;
  const { id, name, version, content } = active;
  return { id, name, version, secrets: () => content.secrets().map(toByteString) };
}

/** The response, with word of its end for who looks on. */
function watched(
  response: HopResponse,
  by: { readonly watch: RequestWatch | null; readonly delivery: WatchedDelivery | null },
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

interface HostPlace {
  readonly parts: EdgeParts;
  readonly pop: Pop;
  readonly request: HopRequest;
  readonly serviceId: string;
  readonly recorder: TraceRecorder | null;
}

/** What VCL may ask of the edge on behalf of one request. A class: as closures it cost more than many a subroutine. */
class RequestHost implements EdgeHost {
  /** Whose questions these are: set before VCL runs. */
  exchange: Exchange | null = null;
  /** Missing where nobody looks on. */
  readonly onStatement?: NonNullable<EdgeHost["onStatement"]>;
  readonly #at: HostPlace;

  constructor(at: HostPlace) {
    this.#at = at;
    if (at.recorder !== null) this.onStatement = at.recorder.onStatement;
  }

  isHealthy(backend: BackendRef): boolean {
    return this.exchange !== null && isRefHealthy(backend, directorContext(this.exchange));
  }

  hasVisitedShield(shield: DirectorSpec): boolean {
    return this.exchange !== null && hasVisited(shield, this.#at.pop, this.exchange.chain);
  }

  wasLastHop(id: string): boolean {
    return this.exchange !== null && wasLastHop(this.exchange.chain, id, this.#at.parts);
  }

  connectionsTo(backend: BackendRef): { readonly open: number; readonly used: number } {
    if (backend.kind !== "backend") return { open: 0, used: 0 };
    return this.#at.parts.pools.connectionsTo(backend.spec);
  }

  log(text: string): void {
    const { parts, pop, serviceId } = this.#at;
    const line = text.slice(0, MAX_LOG_LINE);
    parts.onLog({ service: serviceId, pop: pop.name, line, at: parts.clock.now() });
  }

  sendEarlyHints(lines: readonly string[]): void {
    this.#at.request.sendEarlyHints?.(lines);
  }

  random(): number {
    return this.#at.parts.random();
  }

  get rates(): PopRates {
    const { parts, pop, serviceId } = this.#at;
    return ratesOf(pop.rates, serviceId, parts.clock);
  }
}
