import { ClientRequest } from "node:http";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { onTestFinished } from "vitest";

/** Node tells there of every request that is begun in this process (diagnostics_channel, "HTTP"). */
const STARTED = "http.client.request.start";

/**
 * Lets a client's time for an answer be over at the moment that a test chooses: however long it would have waited, and
 * however busy the machine is. For clients in the test's own process; until the test ends.
 * @returns what makes the requests of a server's port give up that have been answered nothing yet
 */
export function watchCalls(): (call: {
  readonly port: number;
  readonly method: string;
  readonly path: string;
}) => void {
  const underWay = new Set<ClientRequest>();
  const onStart = (message: unknown): void => {
    const request =
      typeof message === "object" && message !== null && "request" in message ? message.request : undefined;
    if (!(request instanceof ClientRequest)) throw new Error(`${STARTED} tells no request`);
    underWay.add(request);
    request.once("close", () => underWay.delete(request));
  };
  subscribe(STARTED, onStart);
  onTestFinished(() => void unsubscribe(STARTED, onStart));
  return ({ port, method, path }) => {
    const waiting = [...underWay].filter(
      (one) => one.socket?.remotePort === port && one.method === method && one.path === path,
    );
    if (waiting.length === 0) throw new Error(`no client of this process waits for ${method} ${path}`);
    for (const request of waiting) request.emit("timeout");
  };
}
