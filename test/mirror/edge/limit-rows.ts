import { connect } from "node:net";
import type { HeaderList } from "../../../src/http/header-list.ts";
import { serviceOf, startOrigin, testEdge } from "./harness.ts";
import type { Answer, TestEdge } from "./harness.ts";
import { compiledService } from "./service-vcl.ts";
import type { ServiceText } from "./service-vcl.ts";

/** Page of most limits. */
export const VCL_LIMITS = "reference/vcl/constraints-and-limitations";
export const KB = 1024;

/** Asks for a certain amount of something and says what became of it. */
export type Probe = (amount: number) => Promise<string>;

/** One limit of Fastly's: what happens around it, and the page that says so. */
export interface Row {
  readonly limit: string;
  readonly source: string;
  /** Makes the service; the probe may be called several times. */
  readonly start: () => Promise<Probe>;
  readonly cases: readonly (readonly [amount: number, outcome: string])[];
}

type Reply = { readonly headers?: readonly string[]; readonly body?: string | Buffer };

interface Running extends TestEdge {
  readonly seen: readonly { readonly url: string; readonly headers: HeaderList; readonly body: string }[];
}

/** A service in VCL, and an origin that answers by URL. */
export async function service(
  text: ServiceText,
  reply: (url: string, headers: HeaderList) => Reply = () => ({}),
): Promise<Running> {
  const origin = await startOrigin((request, response) => {
    const { headers = [], body = "page" } = reply(request.url, request.headers);
    response.sendDate = false;
    const own = ["Content-Length", String(body.length), "Cache-Control", "max-age=60"];
    response.writeHead(200, [...own, ...headers]).end(body);
  });
  return { ...(await testEdge(serviceOf(compiledService(origin.port, text)))), seen: origin.seen };
}

/** Status and reason as they stand in the status line. */
export function statusOf(answer: Answer): string {
  return `${answer.status} ${answer.reason}`;
}

/** The status line and body of the answer to a request that is sent as it is. */
export function rawStatus(port: number, head: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let text = "";
    socket.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
    socket.on("end", () => resolve(text.slice("HTTP/1.1 ".length, text.indexOf("\r\n"))));
    socket.on("error", reject);
    socket.write([...head, "Connection: close", "", ""].join("\r\n"), "latin1");
  });
}

/** The line that every request needs. */
export const HOST = "Host: www.example.com";

/** So many header lines. */
export function lines(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `X-${i}: 1`);
}

/** What became of each case of a row, in its order. */
export async function outcomesOf({ start, cases }: Row): Promise<Row["cases"]> {
  const probe = await start();
  const found: [number, string][] = [];
  for (const [amount] of cases) found.push([amount, await probe(amount)]);
  return found;
}
