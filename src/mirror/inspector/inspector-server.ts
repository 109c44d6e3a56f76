import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "../../lib/caught.ts";
import type { Clock } from "../../lib/clock.ts";
import { SitefleetError } from "../../lib/errors.ts";
import { packagePath } from "../../lib/package-root.ts";
import type { Edge } from "../edge/edge.ts";
import { listenOn } from "../listen.ts";
import { listCache } from "./cache-list.ts";
import { readCall } from "./explain-call.ts";
import { explainRequest } from "./explain.ts";
import type { Observer } from "./observer.ts";
import { streamRows } from "./row-stream.ts";

/** One site as the fleet page shows it. */
export interface FleetRow {
  readonly site: string;
  readonly siteEnv: string;
  readonly release: string | null;
  readonly domains: readonly string[];
}

export interface InspectorOptions {
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
  /** Whether another port will do where this one cannot be had. */
  readonly anyPort?: boolean;
  readonly edge: Edge;
  readonly observer: Observer;
  readonly clock: Clock;
  /** The sites in the mirror's buckets; without it the page has no fleet. */
  readonly readFleet?: () => AsyncIterable<FleetRow>;
}

export interface Inspector {
  readonly url: string;
  close(): Promise<void>;
}

/** What an answer is made of. */
interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string | Buffer;
}

type Handler = (options: InspectorOptions, request: IncomingMessage, url: URL) => Promise<Answer>;

/**
 * Serves the inspector page and what it shows.
 * @throws SitefleetError `mirror/port-in-use`
 */
export async function startInspector(options: InspectorOptions): Promise<Inspector> {
  const streams = new Set<ServerResponse>();
  const server = createServer((request, response) => {
    void answer(options, { request, response, streams });
  });
  const { host } = options;
  const bound = await bind(server, options);
  return {
    url: `http://${host === "::1" ? "[::1]" : host}:${bound}`,
    async close() {
      for (const stream of streams) stream.destroy();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** Tried, not asked for beforehand: what was free a moment ago may be taken now. */
async function bind(server: Server, { host, port, anyPort }: InspectorOptions): Promise<number> {
  const at = { host, what: "the inspector", flag: "--inspector-port" };
  try {
    return await listenOn(server, { ...at, port });
  } catch (error) {
    const isTaken = error instanceof SitefleetError && error.code === "mirror/port-in-use";
    if (anyPort === true && isTaken) return listenOn(server, { ...at, port: 0 });
    throw error;
  }
}

async function answer(
  options: InspectorOptions,
  of: {
    readonly request: IncomingMessage;
    readonly response: ServerResponse;
    readonly streams: Set<ServerResponse>;
  },
): Promise<void> {
  const { request, response, streams } = of;
  const refused = refusalOf(options, request);
  if (refused !== null) return send(request, response, { status: 403, type: TEXT, body: refused });
  const url = targetOf(request);
  const method = request.method === "HEAD" ? "GET" : request.method;
  if (url?.pathname === "/api/rows" && request.method === "GET") {
    streams.add(response);
    response.once("close", () => streams.delete(response));
    streamRows(options.observer, request, response);
    return;
  }
  const handler = url && ROUTES.get(`${method} ${url.pathname.replace(/\/\d+$/, "/:id")}`);
  if (!handler) return send(request, response, { status: 404, type: TEXT, body: "there is nothing here\n" });
  try {
    send(request, response, await handler(options, request, url));
  } catch (error) {
    send(request, response, problem(error));
  }
}

/** Anybody may send any target: `//` is one that no URL can be made of. */
function targetOf({ url = "" }: IncomingMessage): URL | null {
  return url.startsWith("/") && URL.canParse(`http://inspector${url}`)
    ? new URL(`http://inspector${url}`)
    : null;
}

/**
 * The page shows what passes through this machine's edge, so only pages of its own may ask: a name that leads to
 * this address, or a form on another site, must not.
 */
function refusalOf({ host }: InspectorOptions, request: IncomingMessage): string | null {
  const named = request.headers.host ?? "";
  const name = named.replace(/:\d+$/, "");
  if (!["127.0.0.1", "localhost", "[::1]", host].includes(name)) {
    return `the inspector does not answer to the name "${name}"; open it as http://127.0.0.1\n`;
  }
  const { origin } = request.headers;
  if (origin !== undefined && origin !== `http://${named}`)
    return "the inspector answers its own page only\n";
  return null;
}

const TEXT = "text/plain; charset=utf-8";
const JSON_TYPE = "application/json";

function send(request: IncomingMessage, response: ServerResponse, { status, type, body }: Answer): void {
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  response.writeHead(status, {
    "content-type": type,
    "content-length": bytes.length,
    "cache-control": "no-store",
    "content-security-policy":
      "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
  });
  response.end(request.method === "HEAD" ? undefined : bytes);
}

function problem(error: unknown): Answer {
  const known = error instanceof SitefleetError && error.kind === "user" ? error : null;
  const body = {
    code: known?.code ?? "fault/internal",
    message: messageOf(error),
    ...(known?.hint === undefined ? {} : { hint: known.hint }),
  };
  return { status: known === null ? 500 : 400, type: JSON_TYPE, body: JSON.stringify(body) };
}

function json(value: unknown): Answer {
  return { status: 200, type: JSON_TYPE, body: JSON.stringify(value) };
}

function asset(name: string, type: string): Handler {
  return async () => ({ status: 200, type, body: await readFile(join(packagePath("inspector"), name)) });
}

const ROUTES: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ["GET /", asset("index.html", "text/html; charset=utf-8")],
  ["GET /icon.svg", asset("icon.svg", "image/svg+xml")],
  ["GET /inspector.css", asset("inspector.css", "text/css; charset=utf-8")],
  ...["inspector.js", "request-list.js", "table.js", "trace-view.js"].map((name): [string, Handler] => [
    `GET /${name}`,
    asset(name, "text/javascript; charset=utf-8"),
  ]),
  ["GET /api/traces/:id", readTrace],
  ["GET /api/cache", readCache],
  ["GET /api/fleet", readFleetPage],
  [
    "POST /api/explain",
    async (options, request) => json(await explainRequest(options, await readCall(request))),
  ],
]);

async function readTrace(
  { observer }: InspectorOptions,
  _request: IncomingMessage,
  url: URL,
): Promise<Answer> {
  const recorder = observer.traceOf(Number(url.pathname.split("/").at(-1)));
  if (recorder === undefined) {
    return {
      status: 404,
      type: JSON_TYPE,
      body: JSON.stringify({
        message: "no trace is kept of this request: no page was open then, or many others came since",
      }),
    };
  }
  return json({ trace: recorder.trace, sources: Object.fromEntries(recorder.allSources()) });
}

async function readCache(
  { edge, clock }: InspectorOptions,
  _request: IncomingMessage,
  url: URL,
): Promise<Answer> {
  const text = url.searchParams.get("q") ?? "";
  return json(listCache(edge.caches(), { text, limit: PAGE_ROWS, now: clock.now() }));
}

const PAGE_ROWS = 200;

async function readFleetPage(
  { readFleet }: InspectorOptions,
  _request: IncomingMessage,
  url: URL,
): Promise<Answer> {
  if (readFleet === undefined) return json({ rows: [], more: false, known: false });
  const text = (url.searchParams.get("q") ?? "").toLowerCase();
  const rows: FleetRow[] = [];
  for await (const row of readFleet()) {
    if (![row.site, ...row.domains].some((name) => name.toLowerCase().includes(text))) continue;
    if (rows.length === PAGE_ROWS) return json({ rows, more: true, known: true });
    rows.push(row);
  }
  return json({ rows, more: false, known: true });
}
