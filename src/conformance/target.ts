import type { Act, Capability } from "./case.ts";

/** An edge that cases run against: addresses, and what the runner can do besides sending requests. */
export interface ConformanceTarget {
  /** Base URL that plain requests are sent to; the Host header carries the fixture's host. */
  readonly http: string;
  /** Base URL for TLS, where it can be reached. */
  readonly https?: string;
  /** PEM of a CA to trust besides the system's. */
  readonly ca?: string;
  /** Fixtures live at `<label>.<hostSuffix>`. */
  readonly hostSuffix: string;
  readonly publicPorts: { readonly http: number; readonly https: number };
  readonly capabilities: ReadonlySet<Capability>;
  /** Value of the debug header, with capability `debug`. */
  readonly debugToken?: string;
  /** Header by which a client says which country it is in, with capability `country`. */
  readonly countryHeader?: string;
  /** Carries out acts, with capabilities `publish` and `faults`. */
  readonly act?: (act: Act) => Promise<void>;
  /** Lines logged so far as parsed JSON, with capability `log`. */
  readonly readLog?: () => Promise<readonly Readonly<Record<string, unknown>>[]>;
}

/** Full name of a fixture's host at a target. */
export function hostAt(target: ConformanceTarget, label: string): string {
  return `${label}.${target.hostSuffix}`;
}
