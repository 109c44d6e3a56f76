import type { Action, VclState } from "../../vcl/runtime.ts";
import { VclRuntimeError } from "../../vcl/diagnostics.ts";
import { nowOf } from "./exchange.ts";
import type { Exchange, NodeTransaction } from "./exchange.ts";
import type { StatePlace } from "./trace-recorder.ts";

/** How each subroutine may end (reference/vcl/request-lifecycle); anything else stops the request. */
const LEGAL: Readonly<Record<VclState, ReadonlySet<Action["do"]>>> = {
  recv: new Set(["lookup", "pass", "error", "restart", "upgrade"]),
  hash: new Set(["hash"]),
  hit: new Set(["deliver", "pass", "error", "restart"]),
  miss: new Set(["fetch", "deliver_stale", "pass", "error"]),
  pass: new Set(["pass", "error"]),
  fetch: new Set(["deliver", "deliver_stale", "pass", "hit_for_pass", "error", "restart"]),
  error: new Set(["deliver", "deliver_stale", "restart"]),
  deliver: new Set(["deliver", "restart"]),
  log: new Set(["deliver"]),
};

/** Runs one subroutine of the service on a node and makes sure that it may end the way it did. */
export function runState(x: Exchange, transaction: NodeTransaction, state: VclState): Action {
  transaction.state = state;
  transaction.now = nowOf(x);
  const { program } = x.service.active;
  const action =
    x.recorder === null
      ? program.run(state, transaction)
      : x.recorder.state(placeOf(x, transaction, state), transaction, () => program.run(state, transaction));
  if (!LEGAL[state].has(action.do)) {
    throw new VclRuntimeError("lifecycle/transition", `vcl_${state} may not end with return(${action.do})`);
  }
  if (action.do === "error") x.failure = { status: action.status, reason: action.reason };
  return action;
}

function placeOf(x: Exchange, transaction: NodeTransaction, state: VclState): StatePlace {
  const node = transaction === x.delivery ? "delivery" : "fetch";
  return { state, node, background: x.background };
}
