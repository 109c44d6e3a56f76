import { checkServerIdentity } from "node:tls";
import type { PeerCertificate } from "node:tls";
import type { HeaderList } from "../../http/header-list.ts";
import type { BackendSpec } from "../../vcl/runtime.ts";
import { endToEndHeaders } from "./hop-by-hop.ts";

interface TlsOptions {
  readonly rejectUnauthorized: boolean;
  readonly servername: string;
  checkServerIdentity(asked: string, certificate: PeerCertificate): Error | undefined;
}

/** How the TLS connection to a backend is made and whom it must be with. */
export function tlsOptions(spec: BackendSpec): TlsOptions {
  const asked = spec.sslSniHostname ?? spec.sslCertHostname ?? spec.host;
  const expected = spec.sslCertHostname ?? asked;
  return {
    rejectUnauthorized: spec.sslCheckCert,
    // An IP address is no SNI name (RFC 6066 §3): an empty one sends none.
    servername: isIp(asked) ? "" : asked,
    checkServerIdentity: (_asked, certificate) => checkServerIdentity(expected, certificate),
  };
}

/** The same for a client of HTTP/1.1 only: HTTP/2 has no Upgrade (RFC 9113 §8.6) and no request line. */
export function http1TlsOptions(spec: BackendSpec): TlsOptions & { readonly ALPNProtocols: string[] } {
  return { ...tlsOptions(spec), ALPNProtocols: ["http/1.1"] };
}

/** Header lines for a backend; its own Host where it always wants that. */
export function requestHeaders(spec: BackendSpec, headers: HeaderList): HeaderList {
  const sent = endToEndHeaders(headers);
  if (spec.alwaysUseHostHeader) sent.set("Host", spec.hostHeader ?? spec.host);
  return sent;
}

/** Whether a host is an address, not a name. */
export function isIp(host: string): boolean {
  return /^\d+\.\d+\.\d+\.\d+$/.test(host) || host.includes(":");
}
