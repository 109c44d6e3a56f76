import { createServer, STATUS_CODES } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { isIP } from "node:net";
import { join } from "node:path";
import type { Clock } from "../../lib/clock.ts";
import { SitefleetError } from "../../lib/errors.ts";
import { listenOn } from "../listen.ts";
import type { Secret } from "../../lib/secret.ts";
import { compileService } from "../../vcl/compile-service.ts";
import type { EdgeControl } from "../service.ts";
import { newAccount } from "./account.ts";
import { ActivationDesk } from "./activation.ts";
import type { CompileService } from "./activation.ts";
import { ApiError } from "./api-error.ts";
import { DataStores } from "./data-stores.ts";
import type { ApiContext, ApiResponse } from "./exchange.ts";
import { PurgeIds } from "./ids.ts";
import { PackageFiles } from "./package-files.ts";
import { RateLimit } from "./rate-limit.ts";
import { isTooLarge, readBody } from "./request-body.ts";
import { Router } from "./router.ts";
import type { Match } from "./router.ts";
import { ROUTES } from "./routes.ts";
import { ServiceStore } from "./store.ts";

export interface FastlyApiOptions {
  /** Folder of the state; survives restarts and SIGKILL. */
  readonly dir: string;
  /** Address to listen on; loopback when not said. */
  readonly host?: string;
  /** 0 = any free one. */
  readonly port: number;
  readonly token: Secret;
  readonly clock: Clock;
  readonly edge: EdgeControl;
  /** Turns VCL into programs; the engine's own compiler when not said. */
  readonly compile?: CompileService;
  /** Writes an hour; Fastly's own limit is 1,000. */
  readonly rateLimit?: number;
  /** Hears of failures that are bugs of ours: the client only learns that there was one. */
  readonly onFault?: (error: unknown) => void;
  /** The service that is pinned to the edge, for URL purges of hosts that no service claims. */
  readonly pinnedService?: () => string | null;
}

export interface FastlyApi {
  /** Without a trailing slash. */
  readonly url: string;
  readonly port: number;
  /** Active services that could not be put back to work at the start, one line each. */
  readonly problems: readonly string[];
  /** Stops listening, ends open connections, and waits for writes under way. */
  close(): Promise<void>;
}

const DEFAULT_HOST = "127.0.0.1";
const LOOPBACK = /^(?:127\.|::1$|localhost$)/;
const DEFAULT_RATE_LIMIT = 100_000;
/** A batch purge names up to 256 keys of 1 KB in one header. */
const MAX_HEADER_BYTES = 320 * 1024;
const KEEP_ALIVE_MS = 65_000;

/** Starts the control plane and runs the stored active versions again. */
export async function startFastlyApi(options: FastlyApiOptions): Promise<FastlyApi> {
  const { clock, edge, compile = compileService } = options;
  const store = await ServiceStore.open(options.dir, () => newAccount(clock.now()));
  const stores = await DataStores.open(join(options.dir, "stores"), clock);
  const packages = await PackageFiles.open(join(options.dir, "packages"), store);
  const desk = new ActivationDesk({ store, stores, packages, edge, compile });
  const problems = await desk.restore();
  let url = "";
  const context: ApiContext = {
    store,
    stores,
    packages,
    edge,
    clock,
    desk,
    purgeIds: new PurgeIds(),
    url: () => url,
    pinnedService: options.pinnedService ?? (() => null),
  };
  const front = new Front(options, context);
  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES }, (request, response) => {
    void front.serve(request, response);
  });
  // A package is only sent once the head of its request was found good (`Expect: 100-continue`).
  server.on("checkContinue", (request: IncomingMessage, response: ServerResponse) => {
    void front.serve(request, response);
  });
  // A large version may take seconds to compile: clients that keep a connection must not find it reset after that.
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  const port = await listenOn(server, {
    host: options.host ?? DEFAULT_HOST,
    port: options.port,
    what: "the Fastly API",
    flag: "--api-port",
  });
  const host = options.host ?? DEFAULT_HOST;
  url = `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
  return { url, port, problems, close: () => close(server, [store, stores]) };
}

/** From socket to handler and back: Host, token, rate limit, routing, body, errors. */
class Front {
  readonly #context: ApiContext;
  readonly #router = new Router(ROUTES);
  readonly #limit: RateLimit;
  readonly #token: Secret;
  readonly #host: string;
  readonly #onFault: (error: unknown) => void;

  constructor(options: FastlyApiOptions, context: ApiContext) {
    this.#context = context;
    this.#limit = new RateLimit(options.clock, options.rateLimit ?? DEFAULT_RATE_LIMIT);
    this.#token = options.token;
    this.#host = options.host ?? DEFAULT_HOST;
    this.#onFault = options.onFault ?? (() => undefined);
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = request.method ?? "GET";
    let headers: Readonly<Record<string, string>> = {};
    let answer: ApiResponse;
    try {
      this.#checkHost(request);
      const match = this.#match(request, method);
      const metered = method !== "GET" && method !== "HEAD" && match.route.unmetered !== true;
      try {
        if (metered) this.#limit.take();
        answer = await this.#handle({ request, response }, match, method);
      } finally {
        if (metered) headers = this.#limit.headers();
      }
    } catch (error) {
      if (!(error instanceof ApiError)) this.#onFault(error);
      answer = refusal(error);
    }
    const unread = expectsContinue(request) && !request.complete;
    send(response, { answer, headers, head: method === "HEAD", unread });
  }

  /** Nobody without a token learns more than the open endpoints say: not even which paths exist. */
  #match(request: IncomingMessage, method: string): Match {
    let match: Match;
    try {
      match = this.#router.match(method, request.url ?? "/");
    } catch (error) {
      this.#checkToken(request);
      throw error;
    }
    if (match.route.open !== true) this.#checkToken(request);
    return match;
  }

  async #handle(
    { request, response }: { readonly request: IncomingMessage; readonly response: ServerResponse },
    match: Match,
    method: string,
  ): Promise<ApiResponse> {
    const { bytes: maxBytes } = match.route;
    if (expectsContinue(request) && !isTooLarge(request, maxBytes)) response.writeContinue();
    const read = await readBody(request, maxBytes);
    const [path = "", ...search] = (request.url ?? "").split("?");
    const query = new URLSearchParams(search.join("?"));
    const { params, rest, route } = match;
    return route.handler(this.#context, {
      method,
      path,
      params,
      rest,
      query,
      headers: request.headers,
      ...read,
    });
  }

  /** A page that rebinds its DNS name to this address still sends its own name as Host. */
  #checkHost(request: IncomingMessage): void {
    if (!LOOPBACK.test(this.#host)) return;
    const host = (request.headers.host ?? "")
      .replace(/:\d+$/, "")
      .replace(/^\[(.*)\]$/, "$1")
      .toLowerCase();
    if (isIP(host) !== 0 || host === "localhost" || host.endsWith(".localhost")) return;
    throw new ApiError(421, "Misdirected request", "the Host is not an address of this server");
  }

  #checkToken(request: IncomingMessage): void {
    const bearer = /^Bearer\s+(.+)$/i.exec(request.headers.authorization ?? "")?.[1];
    const token = request.headers["fastly-key"] ?? bearer ?? "";
    if (this.#token.equals(String(token))) return;
    throw new ApiError(401, "Provided credentials are missing or invalid");
  }
}

function expectsContinue(request: IncomingMessage): boolean {
  return request.headers.expect?.toLowerCase() === "100-continue";
}

/** What a failed request is answered with; what is not a refusal is a fault and shows nothing of its inside. */
function refusal(error: unknown): ApiResponse {
  const refused =
    error instanceof ApiError ? error : new ApiError(500, "Internal server error", faultText(error));
  const { status, contentType, body } = refused;
  return { status, contentType, body: JSON.stringify(body) };
}

function faultText(error: unknown): string {
  return error instanceof SitefleetError ? error.code : "the mirror failed on this request";
}

function send(
  response: ServerResponse,
  {
    answer,
    headers,
    head,
    unread,
  }: {
    readonly answer: ApiResponse;
    readonly headers: Readonly<Record<string, string>>;
    readonly head: boolean;
    readonly unread: boolean;
  },
): void {
  const { status } = answer;
  const { contentType, body } = answer;
  const bytes = typeof body === "string" ? Buffer.from(body, "utf8") : body;
  response.writeHead(status, {
    ...(contentType === "" ? {} : { "Content-Type": contentType }),
    "Content-Length": bytes.length,
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    Status: `${status} ${STATUS_CODES[status] ?? ""}`,
    ...headers,
    ...answer.headers,
    // The rest of a body that was refused unread would be taken for the next request.
    ...(status === 413 || unread ? { Connection: "close" } : {}),
  });
  response.end(head ? undefined : bytes);
}

async function close(server: Server, states: readonly { idle(): Promise<void> }[]): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
  for (const state of states) await state.idle();
}
