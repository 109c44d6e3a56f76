import type { BackendSpec, BackendTimeouts, RequestMessage, Transaction } from "../../vcl/runtime.ts";
import { isConnectFailure, toBackendFailure, BackendFailure } from "./backend-failure.ts";
import { isRevalidation, missRequest, passRequest } from "./bereq.ts";
import { chooseBackends } from "./directors.ts";
import type { DirectorContext } from "./directors.ts";
import { endTurn, failWith, markState } from "./exchange.ts";
import type { Exchange, Step } from "./exchange.ts";
import type { RequestBody } from "./message.ts";
import type { BackendReply } from "./origin.ts";
import type { TimedBackend } from "./origin-target.ts";
import type { EdgeParts, ServiceRun } from "./parts.ts";
import { fetchFromShield } from "./shield-hop.ts";
import { runState } from "./state-run.ts";

/** vcl_miss. */
export function miss(x: Exchange): Step {
  const { node } = x;
  markState(x, "MISS");
  x.mark ??= x.pop.store.beginFetch();
  node.bereq = missRequest(x);
  const action = runState(x, node, "miss");
  switch (action.do) {
    case "fetch":
      return "backend";
    case "deliver_stale":
      return "stale";
    case "pass":
      x.passed = true;
      return "pass";
    default:
      endTurn(x, "private");
      return "error";
  }
}

/** vcl_pass. A turn that vcl_miss held is given back: this answer is for nobody else. */
export function pass(x: Exchange): Step {
  const { node } = x;
  endTurn(x, "private");
  // A pass on a hit-for-pass note keeps its own name (variables/miscellaneous/fastly-info-state).
  if (!node.cacheState.startsWith("HITPASS")) markState(x, "PASS");
  node.bereq = passRequest(x);
  const action = runState(x, node, "pass");
  return action.do === "error" ? "error" : "backend";
}

/** Asks the backend, the director's members in their order, or the shield. */
export async function askBackend(x: Exchange): Promise<Step> {
  const { bereq } = x.node;
  if (bereq === null) return failWith(x, "No backend");
  x.revalidating = isRevalidation(x);
  const payload = x.passed ? x.request.body : null;
  if (payload?.kind === "stream" && x.bodySent) return failWith(x, "backend write error");
  x.bodySent ||= payload !== null;
  try {
    x.reply = await ask(x, bereq, payload);
    return "fetch";
  } catch (error) {
    return failWith(x, toBackendFailure(error).reason);
  }
}

async function ask(x: Exchange, bereq: RequestMessage, payload: RequestBody | null): Promise<BackendReply> {
  const ref = x.node.backend;
  if (ref === null) throw new BackendFailure("No backend");
  if (ref.kind === "director" && ref.spec.type === "shield") {
    return fetchFromShield(x, ref.spec, { bereq, payload });
  }
  let failure: BackendFailure | undefined;
  for (const spec of chooseBackends(ref, directorContext(x))) {
    try {
      return await x.parts.pools.fetch(withTimeouts(spec, x.node.backendTimeouts), bereq, payload);
    } catch (error) {
      failure = toBackendFailure(error);
      if (!isConnectFailure(failure)) throw failure;
    }
  }
  // Made only when it is needed: an error's stack costs more than a fetch from memory.
  throw failure ?? new BackendFailure("All backends failed or unhealthy");
}

/** The backend with what `bereq.*_timeout` set for this request (reference/vcl/variables/backend-connection). */
function withTimeouts(spec: BackendSpec, set: BackendTimeouts | undefined): TimedBackend {
  if (set === undefined) return spec;
  return {
    ...spec,
    connectTimeout: set.connect ?? spec.connectTimeout,
    firstByteTimeout: set.firstByte ?? spec.firstByteTimeout,
    betweenBytesTimeout: set.betweenBytes ?? spec.betweenBytesTimeout,
    ...(set.fetch === undefined ? {} : { fetchTimeout: set.fetch }),
  };
}

/** What directors may look at for this request. */
export function directorContext(x: {
  readonly parts: EdgeParts;
  readonly service: ServiceRun;
  readonly key: string;
  readonly request: { readonly connection: { readonly ip: string } };
  readonly node: Pick<Transaction, "clientIdentity">;
}): DirectorContext {
  return {
    program: x.service.active.program,
    hash: x.key,
    // Unset, it is empty: every such client is one client.
    client: x.node.clientIdentity === undefined ? x.request.connection.ip : (x.node.clientIdentity ?? ""),
    random: () => x.parts.random(),
    isHealthy: (backend: BackendSpec) => {
      const until = x.service.saints.get(`${backend.name}\0${x.key}`);
      if (until !== undefined && until > x.parts.clock.now()) return false;
      return x.service.health.isHealthy(backend);
    },
  };
}
