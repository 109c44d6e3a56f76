import type { IncomingMessage, ServerResponse } from "node:http";
import type { Observer } from "./observer.ts";
import type { Row } from "./row.ts";

/** A reader that lags this many bytes behind is let go; it comes back with the id of the last row it has. */
const MAX_LAG = 1_048_576;
/** A comment now and then keeps proxies and browsers from giving up, milliseconds. */
const HEARTBEAT = 15_000;

/**
 * Sends rows as server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html): those kept after
 * `Last-Event-ID` first, then each as it comes.
 */
export function streamRows(observer: Observer, request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, {
    "content-type": "text/event-stream",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  });
  const send = (row: Row): void => {
    response.write(`id: ${row.id}\nevent: ${row.kind}\ndata: ${JSON.stringify(row)}\n\n`);
    if (response.writableLength > MAX_LAG) response.destroy();
  };
  const last = Number(request.headers["last-event-id"] ?? 0);
  response.write("retry: 1000\n\n");
  for (const row of observer.rowsAfter(Number.isFinite(last) ? last : 0)) send(row);
  const stop = observer.listen(send);
  const beat = setInterval(() => response.write(": still here\n\n"), HEARTBEAT);
  response.once("close", () => {
    stop();
    clearInterval(beat);
  });
}
