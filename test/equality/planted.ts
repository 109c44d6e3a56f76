import { answerVisitor } from "../../compute/src/app.ts";
import type {
  Candidate,
  OriginInit,
  Platform,
  ReadThroughInit,
  Storing,
  Visitor,
} from "../../compute/src/platform.ts";
import type { ComputeProgram } from "../../src/mirror/compute/serve.ts";
import type { VclChange } from "./settings.ts";

/** A mistake in one of the two targets. */
export interface Plant {
  readonly name: string;
  /** Index of the settings under which it can show. */
  readonly setting: number;
  readonly vcl?: VclChange;
  readonly program?: ComputeProgram;
}

/** VCL with a text of it replaced wherever it stands. */
function replaced(text: string, by: string): VclChange {
  return (content) => {
    if (!content.includes(text)) throw new Error(`the VCL has no ${text}`);
    return content.replaceAll(text, by);
  };
}

/** The app, whose answers are changed. */
function answering(change: (response: Response, visitor: Visitor) => Response): ComputeProgram {
  return async (visitor, platform) => change(await answerVisitor(visitor, platform), visitor);
}

/** The app, to which visitors look otherwise. */
function seeing(change: (visitor: Visitor) => Partial<Visitor>): ComputeProgram {
  return (visitor, platform) => answerVisitor({ ...visitor, ...change(visitor) }, platform);
}

/** The app, which fetches otherwise. */
function fetching(change: (init: OriginInit, platform: Platform) => Partial<OriginInit>): ComputeProgram {
  return (visitor, platform) =>
    answerVisitor(visitor, {
      ...platform,
      fetch: (url, init) => platform.fetch(url, { ...init, ...change(init, platform) }),
    });
}

/** The app, which stores otherwise: `before` sees the answer as it came, `after` as it would be stored. */
function storing(hooks: {
  readonly before?: (candidate: Candidate) => void;
  readonly after?: (candidate: Candidate) => void;
}): ComputeProgram {
  return (visitor, platform) => {
    const CacheOverride = class extends platform.CacheOverride {
      constructor(mode: "override", init: ReadThroughInit) {
        super(mode, { ...init, afterSend: (candidate) => settle(candidate, init) });
      }
    };
    return answerVisitor(visitor, { ...platform, CacheOverride });
  };

  async function settle(candidate: Candidate, { afterSend }: ReadThroughInit): Promise<Storing> {
    hooks.before?.(candidate);
    const said = await afterSend?.(candidate);
    hooks.after?.(candidate);
    return said ?? { cache: true };
  }
}

/** The app without the HTTP cache, which has things kept otherwise. */
function keeping(change: (init: ReadThroughInit) => ReadThroughInit): ComputeProgram {
  return (visitor, platform) => {
    const CacheOverride = class extends platform.CacheOverride {
      constructor(mode: "override", init: ReadThroughInit) {
        super(mode, change(init));
      }
    };
    return answerVisitor(visitor, { ...platform, CacheOverride });
  };
}

function withHeaders(response: Response, change: (headers: Headers) => void): Response {
  const headers = new Headers(response.headers);
  change(headers);
  return new Response(response.body, { status: response.status, headers });
}

function without(...names: readonly string[]): ComputeProgram {
  return answering((response) =>
    withHeaders(response, (headers) => {
      for (const name of names) headers.delete(name);
    }),
  );
}

function requestHeaders(change: (headers: Headers) => void): ComputeProgram {
  return seeing((visitor) => {
    const headers = new Headers(visitor.headers);
    change(headers);
    return { headers };
  });
}

/** Shows what is missing as if it were there. */
const missingShown = answering((response) =>
  response.status === 404
    ? new Response(response.body, { status: 200, headers: response.headers })
    : response,
);

/** Mistakes that the search has to find, each by itself. */
export const PLANTS: readonly Plant[] = [
  {
    name: "a missing page has status 200",
    setting: 0,
    program: missingShown,
  },
  { name: "Vary is forgotten", setting: 0, program: without("vary") },
  { name: "noindex is forgotten", setting: 0, program: without("x-robots-tag") },
  {
    name: "a 304 has a Content-Type",
    setting: 0,
    program: answering((response) =>
      response.status === 304
        ? withHeaders(response, (headers) => headers.set("Content-Type", "text/html"))
        : response,
    ),
  },
  {
    name: "a redirect of another spelling loses its query",
    setting: 0,
    program: answering((response) =>
      response.status === 308
        ? withHeaders(response, (headers) =>
            headers.set("Location", (headers.get("location") ?? "").replace(/\?.*$/, "")),
          )
        : response,
    ),
  },
  {
    name: "an answer to HEAD has no length",
    setting: 0,
    program: answering((response, { method }) =>
      method === "HEAD" ? withHeaders(response, (headers) => headers.delete("content-length")) : response,
    ),
  },
  {
    name: "releases have no surrogate key",
    setting: 0,
    program: storing({
      after(candidate) {
        candidate.surrogateKeys = candidate.surrogateKeys?.filter((key) => !key.startsWith("r:"));
      },
    }),
  },
  {
    name: "what is missing is not shown stale",
    setting: 0,
    program: storing({
      after(candidate) {
        if (candidate.status === 404) candidate.staleIfError = 0;
      },
    }),
  },
  {
    name: "a config is kept a second too long",
    setting: 0,
    program: storing({
      after(candidate) {
        if (candidate.surrogateKeys?.some((key) => key.startsWith("d:")))
          candidate.ttl = (candidate.ttl ?? 0) + 1;
      },
    }),
  },
  {
    name: "a 403 of S3 is not found",
    setting: 0,
    program: storing({
      before(candidate) {
        if (candidate.status === 403) candidate.status = 404;
      },
    }),
  },
  {
    name: "cache keys have no case",
    setting: 0,
    program: fetching(({ cacheKey }) => ({ cacheKey: cacheKey.toLowerCase() })),
  },
  {
    name: "a plus sign in a path is a blank",
    setting: 0,
    program: seeing(({ target }) => ({
      target: target.replace(/^[^?]*/, (path) => path.replaceAll("+", "%20")),
    })),
  },
  {
    name: "the EU's outermost regions are outside",
    setting: 0,
    program: seeing(({ country }) => ({ country: country === "GP" ? "US" : country })),
  },
  {
    name: "q=0 is overlooked",
    setting: 0,
    program: requestHeaders((headers) => {
      const accepted = headers.get("accept-encoding");
      if (accepted !== null) headers.set("Accept-Encoding", accepted.replaceAll(";q=0", ""));
    }),
  },
  {
    name: "If-Range is overlooked",
    setting: 0,
    program: requestHeaders((headers) => headers.delete("if-range")),
  },
  {
    name: "the second region's answers are kept as long as the first one's",
    setting: 1,
    vcl: replaced(
      "beresp.http.SF-Region && beresp.ttl > 60s",
      "beresp.http.SF-Region && beresp.ttl > 99999s",
    ),
  },
  { name: "HSTS goes out over plain HTTP", setting: 0, vcl: replaced("fastly_info.edge.is_tls && ", "") },
  {
    name: "a host expires a second late",
    setting: 0,
    vcl: replaced(
      "!time.is_after(std.integer2time(std.atoi(req.http.SF-Config-O)), now)",
      "time.is_after(now, std.integer2time(std.atoi(req.http.SF-Config-O)))",
    ),
  },
  { name: "the delta list is ignored", setting: 0, vcl: replaced("call sf_locate_change;", "") },
  {
    name: "an area's prefix is not compared",
    setting: 0,
    vcl: replaced("std.prefixof(var.sf_inside, re.group.2)", 'std.prefixof(var.sf_inside, "/")'),
  },
  {
    name: "rules without `!` are tried before the page",
    setting: 0,
    vcl: replaced(
      '!req.http.SF-Rules-Late && var.sf_rule ~ "^!"',
      '!req.http.SF-Rules-Late && var.sf_rule ~ "."',
    ),
  },
  {
    name: "headers that publishing refuses are taken from objects",
    setting: 0,
    vcl: replaced("!table.contains(sf_refused_headers, std.tolower(var.sf_name))", "var.sf_name"),
  },
  {
    name: "every password is right",
    setting: 0,
    vcl: replaced("!digest.secure_is_equal(var.sf_verifier,", 'digest.secure_is_equal("none",'),
  },
  {
    name: "guesses of passwords are not counted",
    setting: 2,
    vcl: replaced(
      "ratelimit.check_rate(var.sf_guesser, sf_guesses, 300,",
      "ratelimit.check_rate(var.sf_guesser, sf_guesses, 1,",
    ),
  },
  {
    name: "without the HTTP cache a config is kept a second too long",
    setting: 4,
    program: keeping((init) =>
      /(?:^| )d:/.test(init.surrogateKey ?? "") ? { ...init, ttl: (init.ttl ?? 0) + 1 } : init,
    ),
  },
  {
    name: "without the HTTP cache releases have no surrogate key",
    setting: 4,
    program: keeping((init) => ({ ...init, surrogateKey: (init.surrogateKey ?? "").replace(/ r:\S+/, "") })),
  },
  {
    name: "without the HTTP cache a missing page is shown as one",
    setting: 5,
    program: missingShown,
  },
  {
    name: "each address of a network of IPv6 guesses passwords for itself",
    setting: 2,
    program: seeing(({ address }) => ({ address: address.replaceAll(":", "-") })),
  },
  {
    name: "a range far in a file begins a byte late",
    setting: 0,
    program: fetching(({ headers }) => {
      const [, first] = /^bytes=(\d{7,})-/.exec(headers.get("range") ?? "") ?? [];
      if (first === undefined) return {};
      const changed = new Headers(headers);
      changed.set("Range", (headers.get("range") ?? "").replace(first, String(Number(first) + 1)));
      return { headers: changed };
    }),
  },
  {
    name: "a region that its health check finds unwell is asked all the same",
    setting: 1,
    program: (visitor, platform) => answerVisitor(visitor, { ...platform, healthOf: () => "unknown" }),
  },
  {
    name: "a cookie of the bucket goes out",
    setting: 0,
    vcl: replaced('"Date", "Surrogate-Key"', '"Date", "Surrogate-Key", "Set-Cookie"'),
  },
  {
    name: "what the bucket says of caching decides how long something is kept",
    setting: 0,
    program: storing({
      after(candidate) {
        if (candidate.headers.get("cache-control")?.includes("no-store") === true) candidate.ttl = 5;
      },
    }),
  },
  {
    name: "a host keeps its port",
    setting: 0,
    vcl: replaced(String.raw`"\.?(?::[0-9]+)?$"`, String.raw`"\.?$"`),
  },
  {
    name: "a no-break space at the end of metadata is a blank",
    setting: 0,
    program: storing({
      after({ headers }) {
        headers.forEach((value, name) => headers.set(name, value.trim()));
      },
    }),
  },
  {
    name: "the eighth header of a page is forgotten",
    setting: 0,
    vcl: replaced(String.raw`x-amz-meta-h ~ "(?:^|\|)7=`, String.raw`x-amz-meta-h ~ "(?:^|\|)no=`),
  },
  {
    name: "characters of four bytes are others",
    setting: 0,
    program: seeing(({ target }) => ({ target: target.replace(/%f0%9f/gi, "%F0%9E") })),
  },
];
