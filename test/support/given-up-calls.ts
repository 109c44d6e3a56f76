import { ClientRequest } from "node:http";
import { subscribe } from "node:diagnostics_channel";

/** Requests of this process that have not ended yet; Node tells of each that is begun (diagnostics_channel, "HTTP"). */
const underWay = new Set<ClientRequest>();

subscribe("http.client.request.start", (message) => {
  const request =
    typeof message === "object" && message !== null && "request" in message ? message.request : undefined;
  if (!(request instanceof ClientRequest)) throw new Error("Node tells of a request, and not of which");
  underWay.add(request);
  request.once("close", () => underWay.delete(request));
});

/**
 * Lets the time be over for which a client in the test's own process waits for an answer: however long it would have
 * waited, and however busy the machine is.
 */
export function giveUpCall(call: {
  readonly port: number;
  readonly method: string;
  readonly path: string;
}): void {
  const { port, method, path } = call;
  const waiting = [...underWay].filter(
    (one) => one.socket?.remotePort === port && one.method === method && one.path === path,
  );
  if (waiting.length === 0) throw new Error(`no client of this process waits for ${method} ${path}`);
  for (const request of waiting) request.emit("timeout");
}
