import { isIPv4 } from "node:net";
import { HeaderList } from "../../http/header-list.ts";
import type { HeaderLine } from "../../http/header-list.ts";
import { readFrontRequest } from "./front-request.ts";
import type { FrontContext, FrontRequest } from "./front-request.ts";
import { TEST_POP_HEADER } from "./geo.ts";

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

/**
 * The request as the front would hand it to the first POP, or why it would refuse it. Over TLS it is one of HTTP/2, as
 * browsers make them, unless it asks for another protocol, which HTTP/2 cannot.
 */
export function clientRequest(call: ClientCall, context: FrontContext): FrontRequest {
  const { method, url, country, pop } = call;
  const headers = HeaderList.from(call.headers);
  if (!headers.has("Host")) headers.set("Host", url.host);
  if (country !== undefined) headers.set(context.countryHeader, country);
  if (pop !== undefined) headers.set(TEST_POP_HEADER, pop);
  const isTls = url.protocol === "https:";
  const tls = isTls
    ? {
        protocol: "TLSv1.3",
        cipher: "TLS_AES_256_GCM_SHA384",
        servername: isAddress(url.hostname) ? null : url.hostname,
      }
    : null;
  const version = isTls && !headers.has("Upgrade") ? "2" : "1.1";
  const message = {
    method,
    target: `${url.pathname}${url.search}`,
    version,
    headers,
    hasBody: false,
    chunks: () => none(),
    client: { ip: LOCAL, port: 0, tls },
    requests: 1,
  };
  return readFrontRequest(message, context);
}

/** An IP address is no name that a handshake could ask for (RFC 6066 §3). */
function isAddress(hostname: string): boolean {
  return hostname.startsWith("[") || isIPv4(hostname);
}

async function* none(): AsyncGenerator<never> {}
