import { toBackendFailure, BackendFailure } from "./backend-failure.ts";
import { upgradeRequest } from "./bereq.ts";
import { chooseBackends } from "./directors.ts";
import type { Exchange, Step } from "./exchange.ts";
import { askForUpgrade } from "./origin-upgrade.ts";
import type { UpgradeReply } from "./origin-upgrade.ts";
import { directorContext } from "./step-backend.ts";
import { logRequest } from "./step-deliver.ts";

/**
 * `return(upgrade)`: the request goes to its backend as vcl_recv left it, and what the backend answers goes back as it
 * is. No other subroutine runs but vcl_log, which runs when the connection is made and not at its end
 * (guides/concepts/real-time-messaging/websockets-tunnel; products/websockets).
 */
export async function upgrade(x: Exchange): Promise<Step> {
  const { delivery } = x;
  // Without the product there are no WebSockets, whatever VCL says (products/websockets); with which words is not told.
  if (x.service.active.websockets === false) {
    x.failure = { status: 503, reason: "WebSockets not enabled" };
    return "end";
  }
  try {
    const reply = await ask(x);
    const { status, reason, headers, tunnel } = reply;
    delivery.resp = { status, reason, proto: "HTTP/1.1", headers };
    x.response = {
      status,
      reason,
      headers,
      body: reply.body,
      ...(tunnel === null ? {} : { tunnel }),
      sent: (report) => logRequest(x, delivery, report),
    };
  } catch (error) {
    // VCL has ended: there is no vcl_error to ask.
    x.failure = { status: 503, reason: toBackendFailure(error).reason };
  }
  return "end";
}

/** A client that cannot change its protocol gets whatever the backend says to the plain request. */
async function ask(x: Exchange): Promise<UpgradeReply> {
  const { delivery, parts, request } = x;
  const ref = delivery.backend;
  if (ref === null) throw new BackendFailure("No backend");
  // WebSockets do not go through shields (products/websockets).
  if (ref.kind === "director" && ref.spec.type === "shield") throw new BackendFailure("No backend");
  const [spec] = chooseBackends(ref, directorContext(x));
  if (spec === undefined) throw new BackendFailure("All backends failed or unhealthy");
  const bereq = upgradeRequest(x);
  const protocol = delivery.req.headers.getAll("Upgrade").join(", ");
  if (request.canUpgrade === true && protocol !== "") return askForUpgrade(spec, bereq, protocol);
  return { ...(await parts.pools.fetch(spec, bereq, request.body)), tunnel: null };
}
