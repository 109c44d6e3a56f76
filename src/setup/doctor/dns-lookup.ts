import { Resolver } from "node:dns/promises";
import { errnoOf } from "../../lib/caught.ts";

/** What DNS says of a host. */
export interface HostRecords {
  /** Target of the host's own CNAME record. */
  readonly cname: string | undefined;
  /** IPv4 and IPv6 addresses, behind whatever CNAMEs there are. */
  readonly addresses: readonly string[];
}

/** Asks DNS; tests have their own. */
export interface DnsLookup {
  /**
   * Resolves to `undefined` when nothing answers.
   * A name that does not exist has no records.
   */
  lookUp(host: string): Promise<HostRecords | undefined>;
}

const TIMEOUT_MS = 3_000;
const TRIES = 2;
/** The name has no such records, or does not exist. */
const EMPTY: ReadonlySet<string> = new Set(["ENODATA", "ENOTFOUND"]);

/** The machine's own name servers. */
export function systemDns(): DnsLookup {
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES });
  return {
    async lookUp(host) {
      const [cnames, v4, v6] = await Promise.all([
        recordsOf(resolver.resolveCname(host)),
        recordsOf(resolver.resolve4(host)),
        recordsOf(resolver.resolve6(host)),
      ]);
      if (cnames === undefined || v4 === undefined || v6 === undefined) return undefined;
      return { cname: cnames[0], addresses: [...v4, ...v6] };
    },
  };
}

/** `undefined` when no name server answered, or none in a way that could be understood. */
async function recordsOf(asked: Promise<readonly string[]>): Promise<readonly string[] | undefined> {
  try {
    return await asked;
  } catch (error) {
    const code = errnoOf(error);
    if (code === undefined) throw error;
    return EMPTY.has(code) ? [] : undefined;
  }
}
