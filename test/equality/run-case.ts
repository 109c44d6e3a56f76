import { HeaderList } from "../../src/http/header-list.ts";
import type { Clock } from "../../src/lib/clock.ts";
import { findCountry } from "../../src/mirror/edge/countries.ts";
import { prepareHeaders } from "../../src/mirror/edge/front-request.ts";
import type { HopRequest } from "../../src/mirror/edge/message.ts";
import { checkRequest } from "../../src/mirror/edge/request-checks.ts";
import type { ComputeProgram } from "../../src/mirror/compute/serve.ts";
import { Comparison } from "./comparison.ts";
import type { Finding } from "./view.ts";
import { computeEdge, vclEdge } from "./edge.ts";
import type { Edge, Seen } from "./edge.ts";
import type { CaseRequest, CaseStep, EqualityCase } from "./equality-case.ts";
import type { Setting } from "./settings.ts";
import type { Tally } from "./tally.ts";

/** Both targets, as they are compared. */
export interface Targets {
  readonly vcl: readonly Setting[];
  /** Settings that the app is given, by the same index. */
  readonly compute: readonly Setting[];
  /** The app, unless given. */
  readonly program?: ComputeProgram;
}

/** Where a case's two runs first differ. */
export interface Counterexample {
  /** Index of the step. */
  readonly step: number;
  readonly findings: readonly Finding[];
  readonly vcl: Seen;
  readonly compute: Seen;
}

/** When every case begins. */
export const BEGINNING = Date.UTC(2026, 0, 5, 12, 0, 0);
/** RFC 5737, documentation. */
const VISITOR = "198.51.100.7";

/**
 * Runs a case on both targets, up to the first step in which something differs that may not; `null` = all alike. Where the two
 * caches hold different things for a listed reason, both are emptied, so that what follows is compared again.
 */
export async function runCase(
  one: EqualityCase,
  targets: Targets,
  tally?: Tally,
): Promise<Counterexample | null> {
  const time = { now: BEGINNING };
  const clock: Clock = { now: () => time.now, sleep: () => new Promise<void>(() => undefined) };
  const [of, app] = [targets.vcl[one.setting], targets.compute[one.setting]];
  if (of === undefined || app === undefined) throw new Error(`there are no settings ${one.setting}`);
  const { objects, noise } = one;
  const vcl = vclEdge({ setting: of, objects, noise, clock });
  const compute = computeEdge({ setting: app, objects, noise, clock }, targets.program);
  const comparison = new Comparison(of);
  for (const [step, what] of one.steps.entries()) {
    time.now += what.wait;
    for (const edge of [vcl, compute]) prepareEdge(edge, what);
    if (what.put !== null) comparison.notePut(what.put);
    const asked = requestsOf(what.request);
    if (asked === null) continue;
    const held = { vcl: vcl.held(), compute: compute.held() };
    const pair = { vcl: await vcl.answer(asked.vcl), compute: await compute.answer(asked.compute) };
    const outcome = comparison.compare(what.request, { ...pair, held, sick: what.sick });
    tally?.note(outcome);
    if (outcome.findings.length > 0) return { step, findings: outcome.findings, ...pair };
    if (outcome.isDivided) for (const each of [vcl, compute, comparison]) each.forget();
  }
  return null;
}

function prepareEdge(edge: Edge, { put, purge, isSoft, moods, sick }: CaseStep): void {
  if (put !== null) edge.buckets.put(put);
  edge.purge(purge, isSoft);
  edge.buckets.moods = moods;
  edge.setSick(sick);
}

/** The request as it comes to either target; `null` where Fastly refuses it before both. */
function requestsOf(request: CaseRequest): { readonly vcl: HopRequest; readonly compute: HopRequest } | null {
  const { method, target, isTls, host, ip: given = VISITOR } = request;
  const headers = HeaderList.from([["Host", host], ...request.headers]);
  const checked = checkRequest({ method, target, version: "1.1", headers });
  if (!checked.ok) return null;
  const country = request.country === undefined ? undefined : findCountry(request.country);
  // Before VCL the front has taken an IPv4 address out of IPv6's clothes; an app is to cope with them.
  const ip = given.replace(/^::ffff:/, "");
  const hop = (lines: HeaderList, from: string): HopRequest => ({
    method: checked.method,
    url: checked.url,
    proto: "HTTP/1.1",
    headers: lines,
    body: null,
    connection: {
      ip: from,
      port: 50_000,
      requests: 1,
      tls: isTls ? { protocol: "TLSv1.3", cipher: "TLS_AES_256_GCM_SHA384", servername: host } : null,
      edgeIsTls: isTls,
      ...(country === undefined ? {} : { country }),
    },
    trustedPurge: false,
  });
  const prepared = headers.clone();
  prepareHeaders(prepared, { host: checked.host, ip, isTls, identity: "cache-lhr7000-LHR" });
  headers.set("Host", checked.host);
  return { vcl: hop(prepared, ip), compute: hop(headers, given) };
}
