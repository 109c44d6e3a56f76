import { fromByteString } from "../http/byte-string.ts";
import { LOG } from "./difference.ts";
import type { Difference } from "./difference.ts";
import type { Observation, StoredNote } from "./observation.ts";
import { faultText } from "./origin-fault.ts";
import type { PairOutcome } from "./pair.ts";
import type { ReplayRequest } from "./request.ts";
import type { ReplaySite } from "./site-source.ts";

/** An answer that changes, as it is told: plain data, every text as people read it. */
export interface ReplayChange {
  /** `null`: the host belongs to no site. */
  readonly site: ReplaySite | null;
  readonly host: string;
  readonly request: {
    readonly about: string;
    /** Of the file of requests; `null` = of the bundled corpus. */
    readonly line: number | null;
    readonly method: string;
    readonly url: string;
    readonly headers: readonly (readonly [name: string, value: string])[];
    readonly country: string | null;
    readonly shield: string | null;
    readonly fault: string | null;
  };
  /** The kind of change: what differs, and for the status how. */
  readonly what: string;
  readonly differences: readonly Difference[];
  readonly before: ChangedAnswer;
  readonly after: ChangedAnswer;
}

/** One side's answer. */
export interface ChangedAnswer {
  readonly status: number;
  readonly reason: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly bodyBytes: number;
  readonly restarts: number | null;
  /** Backend requests in their order, with what became of them. */
  readonly asked: readonly string[];
  readonly stored: readonly StoredNote[];
}

/** An answer that differs between both sides. */
export type Differing = Extract<PairOutcome, { kind: "differs" }>;

/** Where a change was seen. */
export interface ChangePlace {
  readonly site: ReplaySite | null;
  readonly request: ReplayRequest;
  /** A text without secrets. */
  readonly hide: (text: string) => string;
}

/** Headers whose values are the visitor's own business. */
const HIDDEN_HEADERS: ReadonlySet<string> = new Set(["authorization", "cookie", "proxy-authorization"]);

/** A change as it is told: bytes as text, secrets left out. */
export function describeChange(place: ChangePlace, outcome: Differing): ReplayChange {
  const { request, site } = place;
  const readable = (text: string): string => place.hide(asText(text));
  const lines = (headers: Iterable<readonly [string, string]>): ReplayChange["request"]["headers"] =>
    [...headers].map(([name, value]) => [
      readable(name),
      HIDDEN_HEADERS.has(name.toLowerCase()) ? "[hidden]" : readable(value),
    ]);
  const { differences, before, after } = outcome;
  return {
    site,
    host: readable(request.host),
    request: {
      about: request.about,
      line: request.line ?? null,
      method: request.method,
      url: readable(`${request.tls ? "https" : "http"}://${request.host}${request.target}`),
      headers: lines(request.headers),
      country: request.country?.code ?? null,
      shield: request.shield ?? null,
      fault: request.fault === undefined ? null : faultText(request.fault),
    },
    what: changeKind(outcome, place.hide),
    differences: differences.map(({ what, before: was, after: is }) => ({
      what: readable(what),
      before: readable(was),
      after: readable(is),
    })),
    before: answerOf(before, { readable, lines }),
    after: answerOf(after, { readable, lines }),
  };
}

/** Whether visitors or caches see the change; what is only logged otherwise is told apart. */
export function isVisible(outcome: Differing): boolean {
  return outcome.differences.some(({ what }) => what !== LOG);
}

/** The kind of a change: all changes of one kind are counted together. */
export function changeKind(outcome: Differing, hide: (text: string) => string): string {
  return hide(asText(kindOf(outcome)));
}

/** Names of what differs: what goes before tells what comes after it, so only a few are needed. */
function kindOf({ differences, before, after }: Differing): string {
  const names = differences.flatMap(({ what }) => (what === LOG && differences.length > 1 ? [] : [what]));
  if (before.status === after.status) return names.slice(0, MAX_NAMES).join(", ");
  return [`status ${before.status} -> ${after.status}`, ...names.filter((name) => name !== "status")]
    .slice(0, MAX_NAMES)
    .join(", ");
}

const MAX_NAMES = 6;

interface Telling {
  readonly readable: (text: string) => string;
  readonly lines: (headers: Iterable<readonly [string, string]>) => ReplayChange["request"]["headers"];
}

function answerOf(answer: Observation, { readable, lines }: Telling): ChangedAnswer {
  return {
    status: answer.status,
    reason: readable(answer.reason),
    headers: lines(answer.headers),
    bodyBytes: answer.body.length,
    restarts: answer.restarts,
    asked: answer.asked.map(readable),
    stored: answer.stored.map((note) => ({
      ...note,
      key: readable(note.key),
      surrogateKeys: note.surrogateKeys.map(readable),
    })),
  };
}

/** Bytes as the UTF-8 that they mostly are. */
function asText(bytes: string): string {
  return /^[\x00-\x7f]*$/.test(bytes) ? bytes : fromByteString(bytes);
}
