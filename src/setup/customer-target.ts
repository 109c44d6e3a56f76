import type { AccountClient, TlsTarget } from "../fastly/account-client.ts";
import { SitefleetError } from "../lib/errors.ts";

/** Where customers point their domains. */
export interface CustomerTarget {
  /** Host name for a CNAME record; `undefined` when the account has no TLS configuration that tells one. */
  readonly cname: string | undefined;
  /** Addresses for domains that cannot have a CNAME, as a zone's own name. */
  readonly addresses: readonly string[];
  /** Name of the TLS configuration that it is of. */
  readonly source: string | undefined;
  /** What to do where nothing is known. */
  readonly note: string | undefined;
}

/**
 * Asks Fastly for the records of the account's TLS configurations (reference/api/tls/custom-certs/configurations). Without
 * one there is no host name that serves customers' domains over TLS: `nonssl.global.fastly.net` would serve them over
 * HTTP alone (guides, "Working with CNAME records and your DNS provider").
 */
export async function readCustomerTarget(
  account: Pick<AccountClient, "listTlsTargets">,
): Promise<CustomerTarget> {
  let targets: readonly TlsTarget[];
  try {
    targets = await account.listTlsTargets();
  } catch (error) {
    // It is told after a deploy, which is done whatever becomes of this.
    if (!(error instanceof SitefleetError) || error.kind !== "remote") throw error;
    const isClosed = error.code === "fastly/unauthorized";
    return unknown(isClosed ? "the token may not read the account's TLS configurations" : error.message);
  }
  const found = targets.find(({ records }) => records.some(({ type }) => type === "CNAME"));
  if (found === undefined) return unknown("the account has no TLS configuration yet");
  const valuesOf = (...types: readonly string[]): readonly string[] =>
    found.records.filter(({ type }) => types.includes(type)).map(({ value }) => value);
  return {
    cname: valuesOf("CNAME")[0],
    addresses: valuesOf("A", "AAAA"),
    source: found.name,
    note: undefined,
  };
}

function unknown(why: string): CustomerTarget {
  return {
    cname: undefined,
    addresses: [],
    source: undefined,
    note: `${why}; Fastly shows the host name with the TLS configuration of a certificate. Without TLS it is nonssl.global.fastly.net`,
  };
}

/** For people, one line or two. */
export function formatTarget(target: CustomerTarget): string {
  const { cname, addresses, note } = target;
  if (cname === undefined) return `customers' domains: ${note ?? "not known"}`;
  const apex = addresses.length === 0 ? "" : `, or without CNAME to ${addresses.join(", ")}`;
  return `customers point their domains to: CNAME ${cname}${apex}`;
}
