import type { Program } from "../vcl/runtime.ts";
import type { ComputeContent } from "./compute-content.ts";

/** What stands before each line that is sent to a logging endpoint (`message_type`). */
export const LOG_FORMATS = ["classic", "loggly", "logplex", "blank"] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

/** A logging endpoint of a version: what VCL calls it, and how its lines begin. */
export interface LogEndpoint {
  readonly name: string;
  readonly format: LogFormat;
}

/** One service as the edge runs it: made by the control plane at activation. */
export interface ActiveService {
  readonly id: string;
  readonly name: string;
  readonly version: number;
  /** Lower-case host names; `*.example.com` covers every name below it (one label or more, longest match wins). */
  readonly domains: readonly string[];
  readonly program: Program;
  /** The version's logging endpoints; lines that VCL logs for others go nowhere. Missing = none. */
  readonly logEndpoints?: readonly LogEndpoint[];
  /** Whether the service has the product that `return(upgrade)` needs. Missing = yes. */
  readonly websockets?: boolean;
  /** Values of private dictionaries as they are now, byte strings; whoever shows a request covers them. Missing = none. */
  secrets?(): readonly string[];
}

/** One Compute service as the edge runs it: made by the control plane at activation. */
export interface ActiveComputeService {
  readonly id: string;
  readonly name: string;
  readonly version: number;
  /** As those of `ActiveService`. */
  readonly domains: readonly string[];
  /** The version's logging endpoints, by the names that its program opens. */
  readonly logEndpoints: readonly LogEndpoint[];
  readonly content: ComputeContent;
}

/** What to purge (reference/api/purging). `url` is host + path + query without scheme. */
export type PurgeScope =
  | { readonly kind: "keys"; readonly keys: readonly string[] }
  | { readonly kind: "url"; readonly host: string; readonly pathAndQuery: string }
  | { readonly kind: "all" };

export interface PurgeRequest {
  readonly serviceId: string;
  readonly scope: PurgeScope;
  /** Mark stale instead of removing (`Fastly-Soft-Purge: 1`). */
  readonly soft: boolean;
}

/** The edge as the control plane sees it. */
export interface EdgeControl {
  /** Serve this version from the next request on; requests under way finish on the old one. */
  activate(service: ActiveService): void;
  /**
   * Serve this version of a Compute service from the next request on. Missing: an edge that runs none, and the versions
   * that are activated say so in a warning.
   */
  activateCompute?(service: ActiveComputeService): void;
  /** Of either kind. */
  deactivate(serviceId: string): void;
  purge(request: PurgeRequest): Promise<void>;
  /** Every Host that no service claims goes to this service; `null` = answer "unknown domain". */
  pin(serviceId: string | null): void;
}
