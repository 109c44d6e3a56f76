import { EDGE_LIMITS } from "./edge-limits.ts";

/** Names and numbers that the edge has in both targets: templates take them through `template-values.ts`. */

/** Request header whose right value makes the edge tell its revision in `SF-Revision` and the version's number in `SF-Version`. */
export const DEBUG_HEADER = "Sitefleet-Debug";

/** The debug header's value is the SHA-256 (hex) of this and the config segment. */
export const DEBUG_PREFIX = "sitefleet-debug:";

/** Request header of who knows the debug token: `shield` makes the edge look past its own cache. */
export const PROBE_HEADER = "Sitefleet-Probe";

/** Bytes of what a client sends that is read at all. */
export const LIMITS = { url: EDGE_LIMITS.url, path: EDGE_LIMITS.path, authorization: 1_024 } as const;

/** SHA-256 of nothing: the payload hash of a GET. */
export const EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/** Request headers that are meant for a page only and wait while configs and rules are read (RFC 9110 sections 13, 14). */
export const CONDITIONS = ["If-None-Match", "If-Modified-Since", "Range", "If-Range"] as const;

/** How many directories upwards a 404.html is looked for before the root's. */
export const DIRECTORY_LEVELS = 8;

/** Seconds for which an address that guessed too often is not listened to; Fastly takes whole minutes, 1 to 60. */
export const GUESS_PENALTY = 300;

/** Seconds for which what the second region says of a host, or that it lacks a page, and what it says of a page may be kept. */
export const SECOND_REGION_TTL = { brief: 60, page: 600 } as const;

/**
 * The EU's 27 members, and those parts of them that have a country code of their own and in which EU law applies (the
 * outermost regions, article 349 TFEU, and Åland). Not here: the rest of the EEA, and overseas territories that EU law
 * does not reach, such as Greenland or New Caledonia.
 */
export const EU_COUNTRIES =
  "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK AX GF GP MF MQ RE YT".split(
    " ",
  );
