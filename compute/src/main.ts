/// <reference types="@fastly/js-compute" />
import { Backend } from "fastly:backend";
import { CacheOverride } from "fastly:cache-override";
import { ConfigStore } from "fastly:config-store";
import { EdgeRateLimiter, PenaltyBox, RateCounter } from "fastly:edge-rate-limiter";
import { env } from "fastly:env";
import { Logger } from "fastly:logger";
import { SecretStore } from "fastly:secret-store";

import { answerVisitor } from "./app.ts";
import type { Platform, Visitor } from "./platform.ts";
import { rehearse } from "./rehearsal.ts";

declare global {
  /** What the types of `@fastly/js-compute` leave out of an answer in `afterSend` (CHANGELOG, 3.43.0). */
  interface Response {
    staleIfError: number | undefined;
    staleIfErrorAvailable(): boolean;
  }
}

/** Fastly takes whole minutes. */
class MinuteRateLimiter {
  readonly #limiter: EdgeRateLimiter;

  constructor(counter: object, box: object) {
    if (!(counter instanceof RateCounter) || !(box instanceof PenaltyBox)) {
      throw new TypeError("a rate limiter is made of Fastly's own counter and box");
    }
    this.#limiter = new EdgeRateLimiter(counter, box);
  }

  checkRate(...[entry, delta, window, limit, seconds]: Parameters<EdgeRateLimiter["checkRate"]>): boolean {
    return this.#limiter.checkRate(entry, delta, window, limit, seconds / 60);
  }
}

const platform: Platform = {
  fetch: (url, init) => fetch(url, init),
  CacheOverride,
  ConfigStore,
  SecretStore,
  Logger,
  RateCounter,
  PenaltyBox,
  EdgeRateLimiter: MinuteRateLimiter,
  healthOf: (backend) => Backend.fromName(backend).health(),
  env,
  now: () => Date.now(),
  // oxlint-disable-next-line no-console -- Fastly shows it to `fastly log-tail`
  stderr: (line) => console.error(line),
};

function visitorOf({ request, client }: FetchEvent): Visitor {
  return {
    method: request.method,
    target: targetOf(request.url),
    headers: request.headers,
    address: client.address,
    // Looked up for the few who ask.
    get country() {
      return client.geo?.country_code?.toUpperCase() ?? "";
    },
    isTls: client.tlsProtocol !== null,
    requestId: client.requestId,
  };
}

/** Path and query. Fastly's runtime has the URL as it was sent, and not yet in its one spelling. */
function targetOf(url: string): string {
  const host = url.indexOf("://") + 3;
  const slash = url.indexOf("/", host);
  const mark = url.indexOf("?", host);
  if (mark === -1 || (slash !== -1 && slash < mark)) return slash === -1 ? "" : url.slice(slash);
  return url.slice(mark);
}

async function answer(event: FetchEvent): Promise<Response> {
  const response = await answerVisitor(visitorOf(event), platform);
  // The app knows the length also of what it streams, and of what it does not send for HEAD.
  if (response.headers.has("content-length")) response.setManualFramingHeaders(true);
  return response;
}

addEventListener("fetch", (event) => event.respondWith(answer(event)));
// While the package is built: the engine is left as this leaves it. The build looks for the word, because a rehearsal that
// waits for something would go on within a visitor's request.
// oxlint-disable-next-line no-console -- nobody but the build hears it
void rehearse().then(() => console.log("ready"));
