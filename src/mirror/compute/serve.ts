import type { Platform, Visitor } from "../../../compute/src/platform.ts";
import { toByteString } from "../../http/byte-string.ts";
import { HeaderList } from "../../http/header-list.ts";
import { traceOf } from "../../lib/caught.ts";
import { EMPTY_BODY } from "../edge/body.ts";
import { pageResponse } from "../edge/fastly-pages.ts";
import type { HopResponse } from "../edge/message.ts";
import type { ComputeAnswer, ComputeRun, ComputeVisit } from "../edge/parts.ts";
import { answerOf } from "./answer.ts";
import { GuestFetch } from "./guest-fetch.ts";
import { cancelUnread } from "./streams.ts";
import { platformOf, visitorOf } from "./visitor.ts";

/** A Compute service's program, in this process. */
export type ComputeProgram = (visitor: Visitor, platform: Platform) => Promise<Response>;

export interface ProgramOptions {
  /** `null`: the version's package is none that can run here. */
  readonly program: ComputeProgram | null;
  /** Whether the service has the HTTP cache; asked for each request, since it may be a setting of the program's own. */
  hasHttpCache(): boolean;
}

/** Milliseconds that a program may take (docs.fastly.com/products/compute-resource-limits: 2 minutes). */
const MAX_RUNTIME = 120_000;

/** How a Compute service answers requests. */
export function answerWith(options: ProgramOptions): ComputeRun["answer"] {
  return async (visit) => {
    const secure = secureLocation(visit);
    if (secure !== null) return unasked(visit, redirectTo(secure));
    const { program } = options;
    if (program === null) return unasked(visit, foreignPage(visit));
    return runProgram(program, visit, options.hasHttpCache());
  };
}

async function runProgram(
  program: ComputeProgram,
  visit: ComputeVisit,
  hasHttpCache: boolean,
): Promise<ComputeAnswer> {
  const guest = new GuestFetch(visit, hasHttpCache);
  const visitor = visitorOf(visit);
  const stop = new AbortController();
  const { clock } = visit.parts;
  visit.request.onGone?.(() => guest.end("the client has left"));
  let shown: Response | null = null;
  try {
    const timeUp = clock.sleep(MAX_RUNTIME, stop.signal).then(() => null);
    const answering = program(visitor, platformOf(visit, { guest, requestId: visitor.requestId }));
    const given = await Promise.race([answering, timeUp]);
    if (given === null) {
      guest.end("the program's time is over");
      // Nobody waits for what it still does.
      void answering.then(forget, () => undefined);
      return ended(visit, guest, timedOut(visit, visitor));
    }
    const answer = await sendable(given, visit);
    shown = given;
    return ended(visit, guest, { ...answer, sent: () => undefined });
  } catch (error) {
    return ended(visit, guest, trapped(visit, visitor, error));
  } finally {
    stop.abort();
    guest.letGo(shown?.body ?? null);
  }
}

/** An answer that cannot go out leaves nobody to read its body, which may be a backend's. */
async function sendable(given: Response, visit: ComputeVisit): ReturnType<typeof answerOf> {
  try {
    return await answerOf(given, visit);
  } catch (error) {
    await forget(given);
    throw error;
  }
}

/** Lets go of the body of an answer that nobody gets. */
async function forget({ body }: Response): Promise<void> {
  if (body !== null) await cancelUnread(body);
}

function ended(visit: ComputeVisit, guest: GuestFetch, response: HopResponse): ComputeAnswer {
  const { last } = guest;
  return {
    response,
    delivery: {
      originalHost: visit.request.headers.get("Host"),
      cacheState: last?.state ?? "NONE",
      restarts: 0,
      obj: last === null ? null : { headers: last.headers },
    },
  };
}

/** An answer of the platform itself. */
function unasked({ request }: ComputeVisit, response: HopResponse): ComputeAnswer {
  const originalHost = request.headers.get("Host");
  return { response, delivery: { originalHost, cacheState: "NONE", restarts: 0, obj: null } };
}

/** js-compute's answer where a program throws: 500 and nothing else (FetchEvent::respondWithError); the log says why. */
function trapped(visit: ComputeVisit, { requestId }: Visitor, error: unknown): HopResponse {
  const trace = traceOf(error).split("\n").slice(0, 4).join(" | ");
  note(visit, `request ${requestId} stopped [trap]: ${trace}`);
  return bare(500, "Internal Server Error");
}

/** reference/compute/errors, "Sandbox Timeout" */
function timedOut(visit: ComputeVisit, { requestId }: Visitor): HopResponse {
  note(visit, `request ${requestId} stopped [timeout]: {"diagnostic": "instance_limit", "limit": "timeout"}`);
  return bare(503, "Service Unavailable");
}

function note({ run, pop, parts, recorder }: ComputeVisit, text: string): void {
  const line = toByteString(text);
  recorder?.stop(line);
  parts.onLog({ service: run.active.id, pop: pop.name, line, at: parts.clock.now() });
}

function bare(status: number, reason: string): HopResponse {
  const headers = HeaderList.from([["Content-Length", "0"]]);
  return { status, reason, headers, body: EMPTY_BODY, sent: () => undefined };
}

function foreignPage({ run }: ComputeVisit): HopResponse {
  const { name, content } = run.active;
  const what = content.package.name.replace(/[^\x20-\x7e]/g, "?");
  return pageResponse({
    status: 501,
    reason: "Not Implemented",
    contentType: "text/plain; charset=utf-8",
    text:
      `The mirror runs sitefleet's own Compute program only. The package of service ` +
      `${name.replace(/[^\x20-\x7e]/g, "?")} is "${what}": run it with \`fastly compute serve\`.\n`,
  });
}

/**
 * Where a request on the plain port is sent, before any program runs: Compute takes requests over TLS only
 * (docs.fastly.com/products/compute-resource-limits, "Port limits"). `null` for what came otherwise.
 */
function secureLocation({ request, parts }: ComputeVisit): string | null {
  if (request.arrived === undefined || request.connection.edgeIsTls) return null;
  const host = request.headers.get("Host") ?? "";
  const [, name = host, port] = /^(.*?)(?::(\d+))?$/.exec(host) ?? [];
  const beside = port === undefined ? null : parts.tlsPortOf(Number(port));
  // `OPTIONS *` has no path, and its asterisk would go on with the host's name.
  const place = request.url.startsWith("/") ? request.url : "/";
  return `https://${name}${beside === null ? "" : `:${beside}`}${place}`;
}

function redirectTo(location: string): HopResponse {
  const headers = HeaderList.from([
    ["Location", location],
    ["Content-Length", "0"],
  ]);
  return { status: 308, reason: "Permanent Redirect", headers, body: EMPTY_BODY, sent: () => undefined };
}
