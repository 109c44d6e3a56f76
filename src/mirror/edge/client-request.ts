import { HeaderList } from "../../http/header-list.ts";
import type { HeaderLine } from "../../http/header-list.ts";
import { findCountry } from "./countries.ts";
import { prepareHeaders } from "./front-request.ts";
import type { FrontRequest } from "./front-request.ts";
import type { Pop } from "./parts.ts";
import { checkRequest } from "./request-checks.ts";

/** A request that no connection brought: what `curl` would be told. */
export interface ClientCall {
  readonly method: string;
  /** `http:` or `https:`. */
  readonly url: URL;
  readonly headers: readonly HeaderLine[];
  /** ISO 3166-1 alpha-2 or alpha-3; missing = where all visitors are. */
  readonly country?: string;
  /** Code of the POP that it reaches; missing = the one that clients reach unasked. */
  readonly pop?: string;
}

const LOCAL = "127.0.0.1";

/** The request as the front would hand it to the first POP, or why it would refuse it. */
export function clientRequest(call: ClientCall, pop: Pop): FrontRequest {
  const { method, url } = call;
  const headers = HeaderList.from(call.headers);
  if (!headers.has("Host")) headers.set("Host", url.host);
  const checked = checkRequest({ method, target: `${url.pathname}${url.search}`, version: "1.1", headers });
  if (!checked.ok) return checked;
  const country = call.country === undefined ? undefined : findCountry(call.country);
  if (call.country !== undefined && country === undefined) {
    return { ok: false, status: 400, reason: `"${call.country}" is no ISO 3166-1 country code` };
  }
  const isTls = url.protocol === "https:";
  prepareHeaders(headers, { host: checked.host, ip: LOCAL, isTls, identity: pop.identity });
  const tls = isTls
    ? { protocol: "TLSv1.3", cipher: "TLS_AES_256_GCM_SHA384", servername: url.hostname }
    : null;
  return {
    ok: true,
    pop,
    request: {
      method: checked.method,
      url: checked.url,
      proto: "HTTP/1.1",
      headers,
      body: null,
      connection: {
        ip: LOCAL,
        port: 0,
        requests: 1,
        tls,
        edgeIsTls: isTls,
        ...(country === undefined ? {} : { country }),
      },
      trustedPurge: false,
    },
  };
}
