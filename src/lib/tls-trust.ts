import * as tls from "node:tls";
import type { SecureContext } from "node:tls";

/** Contexts by the authority that they trust besides: one has more than a hundred certificates to parse. */
const made = new Map<string, SecureContext>();

/**
 * What TLS connections to a place of an authority of its own are made with: it is trusted there besides all that are
 * trusted anyway. Node's own option `ca` would replace those (Node, /api/tls.html, `tls.createSecureContext`).
 * @param pem the authority's certificate, or several; without one the connection has what it usually has
 */
export function trusting(pem: string | undefined): { readonly secureContext?: SecureContext } {
  return pem === undefined ? {} : { secureContext: contextOf(pem) };
}

function contextOf(pem: string): SecureContext {
  const known = made.get(pem);
  if (known) return known;
  const context = tls.createSecureContext({ ca: [...usualAuthorities(), pem] });
  made.set(pem, context);
  return context;
}

/** Those of NODE_EXTRA_CA_CERTS are among them from Node 22.15 on, which tells all; before it there is only its own list. */
function usualAuthorities(): readonly string[] {
  const [, ask]: readonly unknown[] =
    Object.entries(tls).find(([name]) => name === "getCACertificates") ?? [];
  const told: unknown = typeof ask === "function" ? Reflect.apply(ask, undefined, ["default"]) : undefined;
  return Array.isArray(told) ? told.map(String) : tls.rootCertificates;
}
