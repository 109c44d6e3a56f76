import { toBackendFailure, BackendFailure } from "../edge/backend-failure.ts";
import { discard } from "../edge/body.ts";
import type { BackendReply } from "../edge/origin.ts";
import type { ComputeVisit } from "../edge/parts.ts";
import type { BackendSpec, RequestMessage } from "../../vcl/runtime.ts";
import { COMPUTE_LIMITS } from "./fetch-plan.ts";

/** Requests to backends that one visitor's request may cause (docs.fastly.com/products/compute-resource-limits). */
const MAX_REQUESTS = 32;

/** Sends what one visitor's request asks of backends. */
export class OriginSender {
  readonly #visit: ComputeVisit;
  readonly #spent: { count: number };
  #ended: string | null = null;

  constructor(visit: ComputeVisit, spent = { count: 0 }) {
    this.#visit = visit;
    this.#spent = spent;
  }

  /** For what goes on when the program has ended: what is sent counts as its own. */
  detached(): OriginSender {
    return new OriginSender(this.#visit, this.#spent);
  }

  /** The program's time is over: nothing is sent for it any more. */
  end(why: string): void {
    this.#ended ??= why;
  }

  /**
   * @throws DOMException `NetworkError` where the backend gives no answer, as js-compute's fetch; TypeError beyond what a
   * program may send
   */
  async send(spec: BackendSpec, request: RequestMessage): Promise<BackendReply> {
    if (this.#ended !== null) throw new TypeError(`fetch: ${this.#ended}`);
    if (this.#spent.count >= MAX_REQUESTS) {
      throw new TypeError(`fetch: more than ${MAX_REQUESTS} requests to backends`);
    }
    this.#spent.count += 1;
    const bereq = this.#outgoing(request);
    const { parts, recorder } = this.#visit;
    const began = parts.clock.now();
    const told = { backend: { kind: "backend", spec } as const, bereq, began };
    try {
      const reply = await this.#ask(spec, bereq);
      recorder?.backend({ ...told, reply, failure: null, now: parts.clock.now() });
      return reply;
    } catch (error) {
      const { reason } = toBackendFailure(error);
      recorder?.backend({ ...told, reply: null, failure: reason, now: parts.clock.now() });
      throw new DOMException(`NetworkError when attempting to fetch resource: ${reason}`, {
        name: "NetworkError",
        cause: error,
      });
    }
  }

  async #ask(spec: BackendSpec, bereq: RequestMessage): Promise<BackendReply> {
    const { run, parts } = this.#visit;
    if (!run.health.isHealthy(spec)) throw new BackendFailure("All backends failed or unhealthy");
    const reply = await parts.pools.fetch(spec, bereq, null);
    for (const [name, value] of reply.headers) {
      if (name.length + value.length <= COMPUTE_LIMITS.headerBytes) continue;
      discard(reply.body);
      throw new BackendFailure("backend read error");
    }
    return reply;
  }

  /** With the header by which services see that they ask each other in a circle (RFC 8586). */
  #outgoing(request: RequestMessage): RequestMessage {
    const headers = request.headers.clone();
    const before = this.#visit.request.headers.getAll("CDN-Loop");
    headers.set("CDN-Loop", [...before, "Fastly"].join(", "));
    return { ...request, headers };
  }
}
