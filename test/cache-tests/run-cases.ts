import type { CacheCase, CaseRequest, SentHeader } from "./cases.ts";
import { ask } from "./client.ts";
import type { ClientResponse } from "./client.ts";
import type { LockStep } from "./lock-step.ts";
import type { ScriptedOrigin } from "./scripted-origin.ts";
import { checkOrigin, checkResponse, Unmet } from "./verdicts.ts";
import type { Received } from "./verdicts.ts";
import { wireValue } from "./wire-values.ts";

/** How a case ended; `text` says what did not hold. */
export interface Outcome {
  readonly kind: "passed" | "Assertion" | "Setup" | "Fault";
  readonly text: string;
}

/** What is between the two ends of every case. */
export interface Bench {
  readonly edgePort: number;
  readonly origin: ScriptedOrigin;
  readonly lockStep: LockStep;
}

/** The pause that a case asks for, milliseconds. */
const PAUSE = 3000;

/** Runs all cases at once, each with a URL of its own; the outcomes are by id. */
export async function runCases(
  cases: readonly CacheCase[],
  bench: Bench,
): Promise<ReadonlyMap<string, Outcome>> {
  const outcomes = new Map<string, Outcome>();
  await bench.lockStep.run(
    cases.map((one) => async () => {
      outcomes.set(one.id, await outcomeOf(one, bench));
    }),
  );
  return outcomes;
}

async function outcomeOf(one: CacheCase, bench: Bench): Promise<Outcome> {
  try {
    await runCase(one, bench);
    return { kind: "passed", text: "" };
  } catch (error) {
    if (error instanceof Unmet) return { kind: error.kind, text: error.message };
    return { kind: "Fault", text: String(error) };
  }
}

async function runCase(one: CacheCase, { edgePort, origin, lockStep }: Bench): Promise<void> {
  const token = `token-${one.id}`;
  const seen = origin.script(token, one.requests);
  const received: Received[] = [];
  for (const [at, request] of one.requests.entries()) {
    const response = await ask(edgePort, {
      method: request.request_method ?? "GET",
      path: pathOf(token, request),
      headers: headersOf(one, at, received.at(-1)?.response),
      body: request.request_body,
      follow: request.redirect !== "manual",
    });
    const got = { number: at + 1, request, response, token };
    received.push(got);
    checkResponse(got);
    if (request.pause_after) await lockStep.sleep(PAUSE);
  }
  checkOrigin(received, seen);
}

function pathOf(token: string, { filename, query_arg: query }: CaseRequest): string {
  const file = filename === undefined ? "" : `/${filename}`;
  return `/test/${token}${file}${query === undefined ? "" : `?${query}`}`;
}

function headersOf(
  one: CacheCase,
  at: number,
  former: ClientResponse | undefined,
): readonly (readonly [string, string])[] {
  const request = one.requests[at];
  const own = request?.request_headers ?? [];
  const defaults: readonly SentHeader[] = [
    ["Pragma", "foo"],
    ["Cache-Control", "nothing-to-see-here"],
  ];
  const sent = own.length === 0 ? defaults : own;
  return [
    ...sent.map((header): readonly [string, string] => {
      const magic = request?.magic_ims === true && header[0].toLowerCase() === "if-modified-since";
      if (!magic) return [header[0], String(header[1])];
      const now = Number(former?.headers.get("server-now"));
      return [header[0], String(wireValue(header, request, { now, baseUrl: "", capability: "" }))];
    }),
    ["Test-Name", one.name],
    ["Test-ID", one.id],
    ["Req-Num", String(at + 1)],
  ];
}
