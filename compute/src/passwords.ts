import { GUESS_PENALTY } from "../../src/site/edge-names.ts";
import { CASELESS_PATTERNS, EDGE_PATTERNS } from "../../src/site/edge-patterns.ts";
import { AREA_SLOTS } from "../../src/site/metadata.ts";
import type { ProtectedArea } from "../../src/site/protected-areas.ts";
import { unusableConfig } from "./config-lookup.ts";
import { pageAnswer } from "./error-page.ts";
import { hmacSha256, isEqualSecret } from "./lib/digests.ts";
import { toHex } from "./lib/hex.ts";
import { networkOf } from "./lib/networks.ts";
import type { Decision, Visit } from "./visit.ts";

const CREDENTIALS = new RegExp(CASELESS_PATTERNS.credentials, "i");
const CHALLENGE = new RegExp(EDGE_PATTERNS.challenge);
const ENDING = new RegExp(EDGE_PATTERNS.ending);
const AREA = /^([0-9a-f]{32}):([0-9a-f]{64}):(\/(?:[A-Za-z0-9._~%-]+\/)*)$/;

/** Keeps what may be a password (RFC 7617), out of reach of all but this feature. */
export function takeCredentials(visit: Visit): void {
  visit.credentials = CREDENTIALS.exec(visit.headers.get("authorization") ?? "")?.[1];
}

/** Basic authentication by the site's protected areas, before the lookup: a page is cached once, whoever asks. */
export async function checkPassword(visit: Visit): Promise<Decision> {
  const packed = visit.config.protectedAreas;
  if (packed === undefined) return undefined;
  if (CHALLENGE.test(visit.path)) {
    visit.isExempt = true;
    return undefined;
  }
  const areas = readAreas(packed);
  if (areas === undefined) return unusableConfig(visit);
  const area = areaOf(areas, visit.path);
  if (area === undefined) return undefined;
  visit.area = area.prefix;
  visit.isPrivate = true;
  // The publisher's own HEAD requests pass: they check and warm pages, and no content goes with their answers.
  if (visit.isTrusted && visit.visitor.method === "HEAD") return undefined;
  return askPassword(visit, area);
}

async function askPassword(visit: Visit, area: ProtectedArea): Promise<Decision> {
  const { credentials } = visit;
  if (credentials === undefined) return unauthorized(visit);
  const guesses = guessesOf(visit);
  if (guesses?.isListedNow()) return tooManyGuesses(visit);
  if (await isPassword(credentials, area)) return undefined;
  return guesses?.countWrong() ? tooManyGuesses(visit) : unauthorized(visit);
}

async function isPassword(credentials: string, { salt, verifier }: ProtectedArea): Promise<boolean> {
  const given = decodeBase64(credentials);
  const colon = given.indexOf(":");
  if (colon === -1) return false;
  const password = Uint8Array.from(given.slice(colon + 1), (byte) => byte.charCodeAt(0));
  return isEqualSecret(verifier, toHex(await hmacSha256(salt, password)));
}

/** Each byte one character, up to the first zero, where VCL's strings end; empty for what no client that knows base64 writes. */
function decodeBase64(text: string): string {
  const plain = text.replace(/=+$/, "");
  return plain.length % 4 === 1 ? "" : (atob(plain).split("\0")[0] ?? "");
}

/**
 * Counts wrong passwords by network and site; nothing where the environment does not, or the publisher asks, whose own
 * checks send wrong passwords too.
 */
function guessesOf(
  visit: Visit,
): { readonly isListedNow: () => boolean; readonly countWrong: () => boolean } | undefined {
  const { platform, settings, visitor, site } = visit;
  if (!settings.rateLimiting || visit.isTrusted) return undefined;
  const guesser = `${networkOf(visitor.address)} ${site}`;
  const box = new platform.PenaltyBox("sf_guessers");
  const limiter = new platform.EdgeRateLimiter(new platform.RateCounter("sf_guesses"), box);
  return {
    isListedNow: () => box.has(guesser),
    // 20 wrong ones a minute: Fastly counts well from 100 a second on, so that each counts as 300 (functions/rate-limiting).
    countWrong: () => limiter.checkRate(guesser, 300, 60, 100, GUESS_PENALTY),
  };
}

function unauthorized(visit: Visit): Decision {
  visit.phase = "unauthorized";
  return pageAnswer(visit, "unauthorized", {
    status: 401,
    headers: {
      "WWW-Authenticate": `Basic realm="${visit.host}${visit.area ?? ""}", charset="UTF-8"`,
      "X-Robots-Tag": "noindex",
    },
  });
}

function tooManyGuesses(visit: Visit): Decision {
  visit.phase = "too-many-guesses";
  return pageAnswer(visit, "tooManyGuesses", {
    status: 429,
    headers: { "Retry-After": String(GUESS_PENALTY), "X-Robots-Tag": "noindex" },
  });
}

/** Where a page is missing, one from another area is not shown in its place. */
export function keepToArea(visit: Visit): void {
  const packed = visit.config.protectedAreas;
  if (packed === undefined || (visit.phase !== "not-found-page" && visit.phase !== "spa")) return;
  const found = areaOf(readAreas(packed) ?? [], visit.key);
  if (visit.isExempt || (found !== undefined && found.prefix !== visit.area)) visit.phase = "not-found";
}

/** Areas by slots, or `undefined` where the config says what no config says. */
function readAreas(packed: string): readonly ProtectedArea[] | undefined {
  const areas: ProtectedArea[] = [];
  for (const [index, part] of packed.split("|").entries()) {
    const slot = AREA_SLOTS.charAt(index);
    const [, salt, verifier, prefix] = AREA.exec(part.slice(2)) ?? [];
    if (slot === "" || !part.startsWith(`${slot}=`)) return undefined;
    if (salt === undefined || verifier === undefined || prefix === undefined) return undefined;
    areas.push({ salt, verifier, prefix });
  }
  return areas;
}

/** The area that a path lies in: by slots, the longest prefix first; every spelling of a page's path lies in the same one. */
function areaOf(areas: readonly ProtectedArea[], path: string): ProtectedArea | undefined {
  const inside = `${path.replace(ENDING, "")}/`;
  return areas.find(({ prefix }) => inside.startsWith(prefix));
}
