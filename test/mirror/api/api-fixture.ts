import { request } from "undici";
import { onTestFinished } from "vitest";
import { Secret } from "../../../src/lib/secret.ts";
import type { CompileService } from "../../../src/mirror/api/activation.ts";
import { startFastlyApi } from "../../../src/mirror/api/server.ts";
import type { FastlyApi, FastlyApiOptions } from "../../../src/mirror/api/server.ts";
import type {
  ActiveComputeService,
  ActiveService,
  EdgeControl,
  PurgeRequest,
} from "../../../src/mirror/service.ts";
import type { LiveAcl } from "../../../src/vcl/acl.ts";
import { VclError } from "../../../src/vcl/diagnostics.ts";
import type { Diagnostic } from "../../../src/vcl/diagnostics.ts";
import type { LiveTable, Program } from "../../../src/vcl/runtime.ts";
import type { ServiceSources } from "../../../src/vcl/service.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { tempDir } from "../../support/temp-dir.ts";

export const TOKEN = "correct-horse-battery-staple";

/** An edge that remembers what it was told. */
export class RecordingEdge implements EdgeControl {
  readonly active = new Map<string, ActiveService>();
  readonly compute = new Map<string, ActiveComputeService>();
  readonly purges: PurgeRequest[] = [];
  activations = 0;

  activate(service: ActiveService): void {
    this.activations += 1;
    this.active.set(service.id, service);
  }

  activateCompute(service: ActiveComputeService): void {
    this.activations += 1;
    this.compute.set(service.id, service);
  }

  deactivate(serviceId: string): void {
    this.active.delete(serviceId);
    this.compute.delete(serviceId);
  }

  purge(purge: PurgeRequest): Promise<void> {
    this.purges.push(purge);
    return Promise.resolve();
  }

  pin(): void {
    throw new Error("the control plane never pins");
  }
}

interface Compilation {
  readonly sources: ServiceSources;
  readonly tables: ReadonlyMap<string, LiveTable>;
  readonly acls: ReadonlyMap<string, LiveAcl>;
}

/** Compiles nothing: refuses text with `BROKEN`, warns of `DUBIOUS`, and keeps what it was given. */
export class RecordingCompiler {
  readonly seen: Compilation[] = [];

  readonly compile: CompileService = (sources, { tables, acls }) => {
    this.seen.push({ sources, tables, acls });
    const macros = [...sources.macros.values()];
    const pieces = [...sources.prelude, sources.main, ...sources.includes.values(), ...macros];
    const find = (word: string, severity: Diagnostic["severity"]): Diagnostic[] =>
      pieces
        .filter((piece) => piece.text.includes(word))
        .map((source) => {
          const start = source.text.indexOf(word);
          const span = { source, start, end: start + word.length };
          return { severity, rule: "test/word", message: `Unexpected ${word}`, span };
        });
    const errors = find("BROKEN", "error");
    if (errors.length > 0) throw new VclError(errors);
    return emptyProgram(find("DUBIOUS", "warning"));
  };

  get last(): Compilation {
    const last = this.seen.at(-1);
    if (last === undefined) throw new Error("nothing was compiled");
    return last;
  }
}

function emptyProgram(warnings: readonly Diagnostic[]): Program {
  return {
    run: () => ({ do: "deliver" }),
    backends: new Map(),
    directors: new Map(),
    tables: new Map(),
    defaultBackend: null,
    warnings,
  };
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** The parsed body; `undefined` when it is not JSON. */
  readonly json: unknown;
}

export interface CallOptions {
  /** Fields, as pairs where a name comes twice. */
  readonly form?: Readonly<Record<string, string>> | readonly (readonly [name: string, value: string])[];
  readonly json?: unknown;
  readonly bytes?: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

export type Method = "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";

/** A running API with a recording edge and compiler, and a client that sends the token. */
export interface ApiFixture {
  readonly edge: RecordingEdge;
  readonly compiler: RecordingCompiler;
  readonly clock: FakeClock;
  readonly dir: string;
  readonly api: FastlyApi;
  readonly call: (method: Method, path: string, options?: CallOptions) => Promise<Answer>;
  /** Creates a service and gives its id. */
  readonly service: (name?: string, type?: "vcl" | "wasm") => Promise<string>;
  /** Stops this API and starts another on the same state, with a new edge and compiler. */
  readonly restart: () => Promise<ApiFixture>;
}

type Overrides = Partial<Pick<FastlyApiOptions, "rateLimit" | "pinnedService" | "compile">>;

export async function startApi(overrides: Overrides = {}): Promise<ApiFixture> {
  return startIn(await tempDir(), overrides);
}

export async function startIn(dir: string, overrides: Overrides = {}): Promise<ApiFixture> {
  const edge = new RecordingEdge();
  const compiler = new RecordingCompiler();
  const clock = new FakeClock();
  const token = new Secret(TOKEN);
  const faults: unknown[] = [];
  const onFault = (error: unknown): void => void faults.push(error);
  const options = { dir, port: 0, token, clock, edge, compile: compiler.compile, onFault, ...overrides };
  const api = await startFastlyApi(options);
  onTestFinished(async () => {
    await api.close();
    if (faults.length > 0) throw faults[0];
  });
  const call: ApiFixture["call"] = (method, path, callOptions = {}) =>
    send(`${api.url}${path}`, method, callOptions);
  return {
    edge,
    compiler,
    clock,
    dir,
    api,
    call,
    async service(name = "example", type = "vcl") {
      const answer = await call("POST", "/service", { form: { name, type } });
      return String(field(answer.json, "id"));
    },
    async restart() {
      await api.close();
      return startIn(dir, overrides);
    },
  };
}

function encoded(form: NonNullable<CallOptions["form"]>): string {
  const fields = new URLSearchParams();
  const entries = Symbol.iterator in form ? form : Object.entries(form);
  for (const [name, value] of entries) fields.append(name, value);
  return fields.toString();
}

/** One request with the token. */
export async function send(url: string, method: Method, options: CallOptions): Promise<Answer> {
  const { form, json, bytes = null, headers } = options;
  const body = json !== undefined ? JSON.stringify(json) : form === undefined ? bytes : encoded(form);
  const formType = bytes === null ? "application/x-www-form-urlencoded" : "application/octet-stream";
  const type = json === undefined ? formType : "application/json";
  const response = await request(url, {
    method,
    body,
    headers: { "fastly-key": TOKEN, ...(body === null ? {} : { "content-type": type }), ...headers },
  });
  const text = await response.body.text();
  return { status: response.statusCode, headers: response.headers, text, json: parse(text) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A property of a JSON value; throws when it is not an object. */
export function field(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null) throw new Error(`not an object: ${JSON.stringify(value)}`);
  return Object.getOwnPropertyDescriptor(value, name)?.value;
}

/** Property names of a JSON object, sorted. */
export function keysOf(value: unknown): string[] {
  if (typeof value !== "object" || value === null) throw new Error(`not an object: ${JSON.stringify(value)}`);
  return Object.keys(value).sort();
}
