import { createHash } from "node:crypto";
import type { HeaderList } from "../http/header-list.ts";
import type { BackendSpec } from "../vcl/runtime.ts";

/** What a backend was asked and said. */
export interface AskParts {
  /** What was asked for and how it went: two texts around `->`. */
  readonly what: string;
  readonly outcome: string;
  /** How it was asked; absent where the fault alone decided. */
  readonly way?: {
    readonly spec: BackendSpec;
    readonly url: string;
    /** Of the request as it was sent: nobody writes to it. */
    readonly headers: HeaderList;
  };
}

/** One question to a backend. Its text is made when somebody wants it: of most answers nobody does. */
export class StoreAsk {
  readonly #parts: AskParts;

  constructor(parts: AskParts) {
    this.#parts = parts;
  }

  /** `hosting local/production/demo/a/index.html -> 200 [as 0123abcd]`. */
  get text(): string {
    const { what, outcome, way } = this.#parts;
    const text = `${what} -> ${outcome}`;
    return way === undefined ? text : `${text} [as ${digestOf(way)}]`;
  }

  /** Whether both texts are the same, for one look at what they are made of; `false` also where only the order of lines differs. */
  isLike(other: StoreAsk): boolean {
    const [own, its] = [this.#parts, other.#parts];
    if (own.what !== its.what || own.outcome !== its.outcome) return false;
    if (own.way === undefined || its.way === undefined) return own.way === its.way;
    if (own.way.url !== its.way.url || !own.way.headers.isLike(its.way.headers)) return false;
    const place = placeOf(its.way.spec);
    return placeOf(own.way.spec).every((part, index) => part === place[index]);
  }
}

function placeOf(spec: BackendSpec): readonly (string | number | boolean | null)[] {
  const { host, port, ssl, sslCertHostname, sslSniHostname, hostHeader } = spec;
  return [host, port, ssl, sslCertHostname, sslSniHostname, hostHeader];
}

/**
 * A digest of all else that a store or another backend is asked with: where it is, its Host, the signature and the other
 * headers. A version that signs otherwise, or asks another bucket, would be answered alike here and not at S3.
 */
function digestOf({ spec, url, headers }: NonNullable<AskParts["way"]>): string {
  const lines = [...headers].map(([name, value]) => `${name.toLowerCase()}: ${value}`).sort();
  return createHash("sha256")
    .update(JSON.stringify([[...placeOf(spec), url], lines]))
    .digest("hex")
    .slice(0, 8);
}
