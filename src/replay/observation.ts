import type { HeaderList } from "../http/header-list.ts";
import type { StoreAsk } from "./store-ask.ts";

/** An object that the edge stored while it answered. Times in seconds. */
export interface StoredNote {
  readonly pop: string;
  /** What the cache calls it, without the service's id. */
  readonly key: string;
  readonly status: number;
  readonly ttl: number;
  readonly staleIfError: number;
  readonly staleWhileRevalidate: number;
  readonly surrogateKeys: readonly string[];
  /** Request headers, lower case, by which later requests choose this variant. */
  readonly vary: readonly string[];
  /** Whether its body may have edge side includes. */
  readonly esi: boolean;
  /** Only a note that the key is not to be cached. */
  readonly hitForPass: boolean;
}

/** All that is seen of one answer of one side. */
export interface Observation {
  readonly status: number;
  readonly reason: string;
  readonly headers: HeaderList;
  readonly body: Buffer;
  /** `null` where no service has the host. */
  readonly restarts: number | null;
  /** What was asked of backends and what they said: `hosting local/production/demo/a/index.html -> 200`. */
  readonly asked: readonly string[];
  /** The same, each with what it is made of. */
  readonly asks: readonly StoreAsk[];
  readonly stored: readonly StoredNote[];
  /** Lines that VCL logged. */
  readonly logged: readonly string[];
}
