import { request as httpRequest } from "node:http";
import type { IncomingMessage } from "node:http";

/** What a client got; several lines of one name are joined by a comma and a blank. */
export interface ClientResponse {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
  readonly interim: readonly (readonly [number, ReadonlyMap<string, string>])[];
}

export interface ClientRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string | undefined;
  /** Whether a redirect is followed. */
  readonly follow: boolean;
}

/** What every HTTP library sends. */
const DEFAULTS: readonly (readonly [string, string[]])[] = [
  ["host", ["www.example.com"]],
  ["accept", ["*/*"]],
  ["accept-encoding", ["gzip,deflate"]],
  ["user-agent", ["cache-tests"]],
];

const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** One request as a plain HTTP library makes it, redirects included; rejects when the connection ends early. */
export async function ask(port: number, asked: ClientRequest, redirects = 0): Promise<ClientResponse> {
  const response = await exchange(port, asked);
  const location = response.headers.get("location");
  if (!asked.follow || !REDIRECTS.has(response.status) || location === undefined) return response;
  if (redirects === 20) throw new Error("too many redirects");
  const { pathname, search } = new URL(location, `http://127.0.0.1:${port}${asked.path}`);
  return ask(port, { ...asked, path: pathname + search }, redirects + 1);
}

function exchange(port: number, asked: ClientRequest): Promise<ClientResponse> {
  return new Promise((resolve, reject) => {
    const interim: (readonly [number, ReadonlyMap<string, string>])[] = [];
    const headers = new Map<string, string[]>(DEFAULTS);
    for (const [name] of asked.headers) headers.set(name.toLowerCase(), []);
    for (const [name, value] of asked.headers) headers.get(name.toLowerCase())?.push(value);
    if (asked.body !== undefined) headers.set("content-length", [String(Buffer.byteLength(asked.body))]);
    const request = httpRequest({
      host: "127.0.0.1",
      port,
      path: asked.path,
      method: asked.method,
      headers: Object.fromEntries(
        [...headers].map(([name, lines]) => [name, lines.length === 1 ? lines[0] : lines]),
      ),
      agent: false,
    });
    request.on("information", ({ statusCode, rawHeaders }) => {
      interim.push([statusCode, joined(pairs(rawHeaders))]);
    });
    request.on("error", reject);
    request.on("response", (message) => {
      read(message).then((body) => {
        const status = message.statusCode ?? 0;
        resolve({ status, headers: joined(pairs(message.rawHeaders)), body, interim });
      }, reject);
    });
    request.end(asked.body);
  });
}

async function read(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

function pairs(flat: readonly string[]): [string, string][] {
  const lines: [string, string][] = [];
  for (let at = 0; at < flat.length; at += 2) lines.push([flat[at] ?? "", flat[at + 1] ?? ""]);
  return lines;
}

function joined(lines: readonly (readonly [string, string])[]): Map<string, string> {
  const headers = new Map<string, string>();
  for (const [name, value] of lines) {
    const former = headers.get(name.toLowerCase());
    headers.set(name.toLowerCase(), former === undefined ? value : `${former}, ${value}`);
  }
  return headers;
}
