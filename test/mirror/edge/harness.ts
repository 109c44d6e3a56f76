import { createServer, request as httpRequest } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, onTestFinished } from "vitest";
import { HeaderList } from "../../../src/http/header-list.ts";
import { startEdge } from "../../../src/mirror/edge/edge.ts";
import type { Edge, EdgeOptions } from "../../../src/mirror/edge/edge.ts";
import type { LogLine } from "../../../src/mirror/edge/parts.ts";
import type { ActiveService } from "../../../src/mirror/service.ts";
import type {
  Action,
  BackendRef,
  BackendSpec,
  DirectorSpec,
  Program,
  Transaction,
  VclState,
} from "../../../src/vcl/runtime.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { listenOnLoopback, shut } from "../../support/loopback-server.ts";

type Sub = (t: Transaction) => Action | void;

/** A service written in TypeScript: what a state does not say ends as in Fastly's boilerplate. */
export type Subs = Partial<Record<VclState, Sub>>;

const DEFAULTS: Readonly<Record<VclState, Action["do"]>> = {
  recv: "lookup",
  hash: "hash",
  hit: "deliver",
  miss: "fetch",
  pass: "pass",
  fetch: "deliver",
  error: "deliver",
  deliver: "deliver",
  log: "deliver",
};

export function act(what: Exclude<Action["do"], "error">): Action {
  return { do: what };
}

export function fail(status: number, reason: string | null = null): Action {
  return { do: "error", status, reason };
}

export interface ProgramInit {
  readonly subs?: Subs;
  readonly backends?: readonly BackendSpec[];
  readonly directors?: readonly DirectorSpec[];
}

export function programOf(init: ProgramInit): Program {
  const backends = new Map<string, BackendRef>();
  for (const spec of init.backends ?? []) backends.set(spec.name, { kind: "backend", spec });
  const directors = new Map<string, BackendRef>();
  for (const spec of init.directors ?? []) directors.set(spec.name, { kind: "director", spec });
  const [first] = backends.values();
  return {
    run(state, transaction) {
      // Boilerplate: URL, Host and, for purge-all, the generation.
      if (state === "hash" && init.subs?.hash === undefined) {
        const { req } = transaction;
        transaction.hash = `${req.url}|${req.headers.get("Host") ?? ""}|${transaction.generation}`;
      }
      const action = init.subs?.[state]?.(transaction);
      if (action !== undefined) return action;
      if (state === "recv" && !["GET", "HEAD", "FASTLYPURGE"].includes(transaction.req.method))
        return act("pass");
      const what = DEFAULTS[state];
      return what === "error" ? fail(503) : { do: what };
    },
    backends,
    directors,
    tables: new Map(),
    defaultBackend: first ?? null,
    warnings: [],
  };
}

export function backendAt(port: number, more: Partial<BackendSpec> = {}): BackendSpec {
  return {
    name: "origin",
    host: "127.0.0.1",
    port,
    ssl: false,
    sslCheckCert: true,
    sslCertHostname: null,
    sslSniHostname: null,
    hostHeader: null,
    alwaysUseHostHeader: false,
    connectTimeout: 2,
    firstByteTimeout: 10,
    betweenBytesTimeout: 10,
    maxConnections: 200,
    shareKey: null,
    probe: null,
    ...more,
  };
}

export function serviceOf(program: Program, more: Partial<ActiveService> = {}): ActiveService {
  return { id: "svc", name: "test", version: 1, domains: ["www.example.com"], program, ...more };
}

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: HeaderList;
  readonly body: string;
}

export interface Origin {
  readonly port: number;
  readonly seen: SeenRequest[];
}

/** A real HTTP server; every request is recorded before the answer. */
export async function startOrigin(
  answer: (request: SeenRequest, response: ServerResponse, message: IncomingMessage) => void,
): Promise<Origin> {
  const seen: SeenRequest[] = [];
  const server = createServer((message, response) => {
    const chunks: Buffer[] = [];
    message.on("data", (chunk: Buffer) => chunks.push(chunk));
    message.on("end", () => {
      const request = {
        method: message.method ?? "",
        url: message.url ?? "",
        headers: HeaderList.fromFlat(message.rawHeaders),
        body: Buffer.concat(chunks).toString("latin1"),
      };
      seen.push(request);
      answer(request, response, message);
    });
  });
  const port = await listenOnLoopback(server);
  onTestFinished(() => shut(server));
  return { port, seen };
}

export interface Answer {
  readonly status: number;
  readonly reason: string;
  readonly headers: HeaderList;
  readonly body: Buffer;
  readonly text: string;
  /** The connection was cut before the end of the body. */
  readonly cut: boolean;
}

export interface AskOptions {
  readonly method?: string;
  readonly host?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface TestEdge {
  readonly edge: Edge;
  readonly clock: FakeClock;
  readonly logs: LogLine[];
  readonly ask: (path: string, options?: AskOptions) => Promise<Answer>;
}

let stateDir: Promise<string> | null = null;

/** One certificate authority for all edges of a test file: making it is what takes time. */
function sharedStateDir(): Promise<string> {
  stateDir ??= mkdtemp(join(tmpdir(), "sitefleet-edge-"));
  return stateDir;
}

afterAll(async () => {
  if (stateDir !== null) await rm(await stateDir, { recursive: true, force: true });
});

export async function testEdge(service?: ActiveService, more: Partial<EdgeOptions> = {}): Promise<TestEdge> {
  const clock = new FakeClock();
  const logs: LogLine[] = [];
  const edge = await startEdge({
    httpPort: 0,
    httpsPort: 0,
    stateDir: await sharedStateDir(),
    clock,
    onLog: (line) => logs.push(line),
    ...more,
  });
  onTestFinished(() => edge.close());
  if (service !== undefined) edge.activate(service);
  return { edge, clock, logs, ask: (path, options) => ask(edge.httpPort, path, options) };
}

/** One request on a connection of its own. */
export function ask(port: number, path: string, options: AskOptions = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      host: "127.0.0.1",
      port,
      path,
      method: options.method ?? "GET",
      headers: { Host: options.host ?? "www.example.com", ...options.headers },
      agent: false,
    });
    request.on("error", reject);
    request.on("response", (response) => {
      const chunks: Buffer[] = [];
      const done = (cut: boolean): void => {
        const body = Buffer.concat(chunks);
        resolve({
          status: response.statusCode ?? 0,
          reason: response.statusMessage ?? "",
          headers: HeaderList.fromFlat(response.rawHeaders),
          body,
          text: body.toString("latin1"),
          cut,
        });
      };
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => done(false));
      response.on("error", () => done(true));
    });
    request.end(options.body);
  });
}

/** Resolves once the condition holds; looks again after every turn of the event loop. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
