import type { FixtureHost } from "./fixtures.ts";

/** What a target must offer for a case to run there; a case that lacks one is skipped with that reason. */
export type Capability =
  /** HTTPS can be reached. */
  | "tls"
  /** Requests without TLS reach the service. Where they do not, requests that ask for neither are sent over TLS. */
  | "plain-http"
  /** The platform itself redirects every request without TLS. */
  | "tls-only"
  /** The environment sends HSTS. */
  | "hsts"
  /** Requests pass a shield. */
  | "shield"
  /** A second region is configured. */
  | "second-region"
  /** The runner may publish, write config objects and purge. */
  | "publish"
  /** The runner can stop and start the origins and move the clock. */
  | "faults"
  /** The runner can read the edge's log. */
  | "log"
  /** The runner knows the debug token. */
  | "debug"
  /** The runner can say which country a request comes from. */
  | "country"
  /** The environment limits how often passwords are guessed. */
  | "rate-limiting"
  /** Files of the extensions `mp4` and `zip` are large ones, of which ranges are answered in their own way. */
  | "segmented"
  /** Of large files only the blocks are fetched that were asked for. */
  | "blocks"
  /** The service decides by an answer how it is cached: by its status, by what it says, and what of it is shown when S3 fails. */
  | "http-cache";

export interface RequestSpec {
  /** One of the fixtures' hosts, or any other name below the target's suffix. */
  readonly host: FixtureHost | (string & {});
  /** Sent exactly so. Default `/`. */
  readonly path?: string;
  readonly method?: string;
  /** Values may hold `{etag}`: the last answer's ETag, and `{debug}`: the debug token. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: whatever the target has, without TLS where it has both. */
  readonly tls?: boolean;
  /** Two-letter code of the country that the visitor is in. */
  readonly country?: string;
  /** Host header as sent, where it is not the host itself; `{host}` stands for it. */
  readonly hostHeader?: string;
}

/** `absent`, an exact value, or a regular expression's source that must match somewhere. */
export type HeaderExpectation = null | string | { readonly matches: string };

export interface Expectation {
  readonly status: number;
  /**
   * Values may hold `{http:HOST}`, `{https:HOST}` and `{same:HOST}`: origin of a fixture's host with the public port, by
   * a scheme or by that of the request.
   */
  readonly headers?: Readonly<Record<string, HeaderExpectation>>;
  readonly body?: {
    readonly equals?: string;
    readonly contains?: string;
    readonly lacks?: string;
    readonly bytes?: number;
  };
}

/**
 * A page of the edge's own, whatever its words: those are the operator's to change. Sites of the cases and S3's errors
 * have no such end.
 */
export const BUILT_IN_PAGE = { contains: "</main></html>" } as const;

/** A file or redirect of a site as it lies in the hosting bucket. */
export interface RawObject {
  readonly body?: string;
  /** Fields of S3 besides Content-Type. */
  readonly headers?: {
    readonly cacheControl?: string;
    readonly contentDisposition?: string;
    readonly contentEncoding?: string;
    readonly contentLanguage?: string;
  };
  /** Content-Type; default `text/html; charset=utf-8`. */
  readonly type?: string;
  /** Response headers of its own, `null` = the edge's default of that name is not added. */
  readonly own?: Readonly<Record<string, string | null>>;
  /** Letters of the codec. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** A site as objects, whatever would publish it so. */
export interface RawSite {
  readonly host: string;
  readonly site: string;
  /** Metadata of the host's config by letter; codec version, site and what follows are added. */
  readonly config: Readonly<Record<string, string>>;
  /** By `<release>/<page key>`. */
  readonly objects: Readonly<Record<string, RawObject>>;
  /** What differs from the base release: release, or `-` for removed, by page key. */
  readonly delta?: Readonly<Record<string, string>>;
  /** Directories below the root that have a 404.html. */
  readonly directories?: readonly string[];
  /** Passwords of protected areas by their prefix. */
  readonly passwords?: Readonly<Record<string, string>>;
  /** Rules of the config as they stand in slots. */
  readonly rules?: readonly string[];
  readonly buckets?: {
    /** Release that wrote them. */
    readonly tag: string;
    /** Rules by first path segment; one without rules is listed but does not exist. */
    readonly segments: Readonly<Record<string, readonly string[]>>;
  };
  /** What is purged afterwards: all of the site, or as after a publish only what configs say. Default `all`. */
  readonly purge?: "all" | "configs";
}

export type Act =
  /** Publishes the fixture's site with these files changed. */
  | { readonly do: "publish"; readonly site: string; readonly files: Readonly<Record<string, string>> }
  /** Adds a domain to a fixture's site. */
  | { readonly do: "add-domain"; readonly site: string; readonly host: string }
  | { readonly do: "remove-domain"; readonly host: string }
  /** Replaces a config object's metadata by raw values (letters of the codec) and purges the domain. */
  | { readonly do: "put-config"; readonly host: string; readonly metadata: Readonly<Record<string, string>> }
  /** Writes a site's objects and its host's config as they are, and purges the site. */
  | { readonly do: "put-site"; readonly site: RawSite }
  | {
      readonly do: "origin";
      readonly location: "first" | "second";
      readonly answer: "normal" | "refuse" | "forbid";
    }
  /** Moves time past the end of pages' time to live. */
  | { readonly do: "expire-pages" }
  /** Moves time on by some seconds. */
  | { readonly do: "wait"; readonly seconds: number }
  | { readonly do: "purge-all" };

export type Step =
  | { readonly send: RequestSpec; readonly expect: Expectation }
  | { readonly act: Act }
  /** The log has a line with these fields. */
  | { readonly log: Readonly<Record<string, string | number>> };

export interface ConformanceCase {
  /** `<area>/<situation>`, stable. */
  readonly id: string;
  /** What must be so, as a sentence. */
  readonly title: string;
  /** Section, RFC or document the rule comes from. */
  readonly source: string;
  readonly needs?: readonly Capability[];
  readonly steps: readonly Step[];
}

/** A request and what its answer must be: most of what a case is made of. */
export function get(
  host: RequestSpec["host"],
  path: string,
  expect: Expectation,
  more: Omit<RequestSpec, "host" | "path"> = {},
): Step {
  return { send: { host, path, ...more }, expect };
}
