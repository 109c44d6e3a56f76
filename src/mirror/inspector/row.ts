import { assertNever } from "../../lib/errors.ts";
import type { WatchedService } from "../edge/edge-watch.ts";
import { textShower } from "../edge/shown-text.ts";
import type { PurgeRequest } from "../service.ts";

/** One request at one POP, as a row. Times are milliseconds. */
export interface RequestRow {
  readonly kind: "request";
  /** Grows with each row, also from one run of the mirror to the next; a trace has the same. */
  readonly id: number;
  /** Since the Unix epoch. */
  readonly at: number;
  readonly pop: string;
  readonly isShield: boolean;
  /** Name of the service; `null`: none has this Host. */
  readonly service: string | null;
  readonly method: string;
  readonly host: string;
  readonly url: string;
  readonly status: number;
  /** `fastly_info.state`. */
  readonly state: string;
  readonly restarts: number;
  readonly bytes: number;
  readonly ms: number;
  /** Surrogate keys of what was delivered, the first eight. */
  readonly keys: readonly string[];
  /** Whether its trace can be had. */
  readonly traced: boolean;
}

/** One purge, as a row. */
export interface PurgeRow {
  readonly kind: "purge";
  readonly id: number;
  readonly at: number;
  /** Name of the service; `null`: none of this id is active. */
  readonly service: string | null;
  readonly serviceId: string;
  /** `all`, `url host/path`, or `key K`; long lists are cut. */
  readonly what: string;
  readonly soft: boolean;
}

export type Row = RequestRow | PurgeRow;

/** A request as it is kept until somebody asks for its row: texts are still the bytes that came. */
export interface KeptRequest extends Omit<RequestRow, "service" | "keys"> {
  readonly service: WatchedService | null;
  /** The first `Surrogate-Key` line; empty = none. */
  readonly surrogateKeys: string;
}

export interface KeptPurge extends Pick<PurgeRow, "kind" | "id" | "at"> {
  readonly request: PurgeRequest;
  readonly serviceName: string | null;
}

export type KeptRow = KeptRequest | KeptPurge;

const MAX_KEYS = 8;
const MAX_TEXT = 1_000;

export function requestRow(kept: KeptRequest): RequestRow {
  const { service, surrogateKeys, method, host, url, ...rest } = kept;
  const show = textShower(service?.secrets?.() ?? [], MAX_TEXT);
  const keys = surrogateKeys.split(/[ \t]+/, MAX_KEYS + 1).filter((key) => key !== "");
  return {
    ...rest,
    service: service?.name ?? null,
    method: show(method),
    host: show(host),
    url: show(url),
    keys: keys.slice(0, MAX_KEYS).map(show),
  };
}

export function purgeRow({ kind, id, at, request, serviceName }: KeptPurge): PurgeRow {
  const { serviceId, scope, soft } = request;
  const what = purgeText(scope).slice(0, MAX_TEXT);
  return { kind, id, at, service: serviceName, serviceId, what, soft };
}

function purgeText(scope: PurgeRequest["scope"]): string {
  switch (scope.kind) {
    case "all":
      return "all";
    case "url":
      return `url ${scope.host}${scope.pathAndQuery}`;
    case "keys": {
      const more = scope.keys.length > MAX_KEYS ? ` and ${scope.keys.length - MAX_KEYS} more` : "";
      return `key ${scope.keys.slice(0, MAX_KEYS).join(" ")}${more}`;
    }
    default:
      return assertNever(scope);
  }
}
