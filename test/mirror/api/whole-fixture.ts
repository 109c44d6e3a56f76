import { request } from "undici";
import { onTestFinished } from "vitest";
import { Secret } from "../../../src/lib/secret.ts";
import { startFastlyApi } from "../../../src/mirror/api/server.ts";
import type { FastlyApi } from "../../../src/mirror/api/server.ts";
import { startEdge } from "../../../src/mirror/edge/edge.ts";
import type { Edge } from "../../../src/mirror/edge/edge.ts";
import type { LogLine } from "../../../src/mirror/edge/parts.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { startScriptedServer } from "../../support/scripted-server.ts";
import type { Reaction, ScriptedServer, SeenRequest } from "../../support/scripted-server.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { field, send, TOKEN } from "./api-fixture.ts";
import type { Answer, CallOptions, Method } from "./api-fixture.ts";

export const HOST = "www.example.com";

type Form = Readonly<Record<string, string>>;

/** The real control plane, compiler and edge with one service that has a domain and a backend at an origin. */
export interface WholeService {
  readonly api: FastlyApi;
  readonly edge: Edge;
  readonly origin: ScriptedServer;
  readonly clock: FakeClock;
  readonly dir: string;
  readonly logged: readonly LogLine[];
  readonly id: string;
  readonly call: (method: Method, path: string, options?: CallOptions) => Promise<Answer>;
  /** Creates an object in version 1; throws when it is refused. */
  readonly add: (kind: string, form: Form) => Promise<Answer>;
  /** Activates version 1; throws the API's own words when it is refused. */
  readonly activate: () => Promise<void>;
  readonly visit: (path: string, headers?: Form, method?: "GET" | "HEAD" | "POST") => Promise<Answer>;
}

/** What the origin answers unless a test says otherwise. */
const plain = (seen: SeenRequest): Reaction => ({
  headers: { "cache-control": "max-age=600", "content-type": "text/plain" },
  body: `body of ${seen.url}`,
});

export interface WholeOptions {
  readonly answer?: (seen: SeenRequest, count: number) => Reaction | Promise<Reaction>;
  /** Fields of the backend beyond its address. */
  readonly backend?: Form;
}

export async function startWhole(options: WholeOptions = {}): Promise<WholeService> {
  const dir = await tempDir();
  const clock = new FakeClock();
  const logged: LogLine[] = [];
  const edge = await startEdge({
    httpPort: 0,
    httpsPort: 0,
    stateDir: dir,
    clock,
    onLog: (line) => void logged.push(line),
  });
  onTestFinished(() => edge.close());
  const api = await startFastlyApi({ dir: `${dir}/api`, port: 0, token: new Secret(TOKEN), clock, edge });
  onTestFinished(() => api.close());
  const origin = await startScriptedServer(options.answer ?? plain);
  const call: WholeService["call"] = (method, path, given = {}) => send(`${api.url}${path}`, method, given);
  const { json } = await call("POST", "/service", { form: { name: "whole" } });
  const id = String(field(json, "id"));
  const must = async (answer: Promise<Answer>): Promise<Answer> => {
    const { status, text } = await answer;
    if (status !== 200) throw new Error(`${status} ${text}`);
    return answer;
  };
  const add: WholeService["add"] = (kind, form) =>
    must(call("POST", `/service/${id}/version/1/${kind}`, { form }));
  await add("domain", { name: HOST });
  await add("backend", { name: "origin", ...addressOf(origin), ...options.backend });
  return {
    api,
    edge,
    origin,
    clock,
    dir,
    logged,
    id,
    call,
    add,
    activate: async () => void (await must(call("PUT", `/service/${id}/version/1/activate`))),
    visit: (path, headers = {}, method = "GET") => visit(edge, { path, headers, method }),
  };
}

/** A server's address as fields of a backend. */
export function addressOf(server: ScriptedServer): { readonly address: string; readonly port: string } {
  return { address: "127.0.0.1", port: new URL(server.url).port };
}

async function visit(
  edge: Edge,
  { path, headers, method }: { path: string; headers: Form; method: "GET" | "HEAD" | "POST" },
): Promise<Answer> {
  const response = await request(`http://127.0.0.1:${edge.httpPort}${path}`, {
    method,
    headers: { host: HOST, ...headers },
  });
  const text = Buffer.from(await response.body.arrayBuffer()).toString("latin1");
  return { status: response.statusCode, headers: response.headers, text, json: undefined };
}
