import { createHmac, randomBytes } from "node:crypto";

import { SitefleetError } from "../lib/errors.ts";
import type { SiteRecord } from "../site/model.ts";
import { decodePath, encodePath } from "../site/page-key.ts";
import { areasProblem, inAreaOrder } from "../site/protected-areas.ts";
import type { ProtectedArea } from "../site/protected-areas.ts";
import { commitChange } from "./commit.ts";
import type { CommitReport } from "./commit.ts";
import { refuseOpenRelease, sameAreas } from "./protected-aliases.ts";
import type { PublishDeps, SiteRef } from "./publish-deps.ts";
import { changedMeanwhile, readSite } from "./record-store.ts";
import { shownReleases } from "./release/shown-releases.ts";

/** Shortest password: the verifier can be read by whoever may read the config bucket, and one HMAC is quickly guessed. */
const SHORTEST = 8;
/** Longest, in bytes of UTF-8: with a user name its Basic credentials stay below what the edge reads. */
const LONGEST = 256;

export interface ProtectSite {
  /** URL path, encoded or not, of what is protected: `/` = the whole site, `/docs` = all below `/docs/` and `/docs` itself. */
  readonly path: string;
  readonly password: string;
}

/**
 * Asks visitors for a password, on all of a site or below a path; for a path that has one already it is the new one.
 * @returns the report, and the area's prefix as the edge knows it
 * @throws SitefleetError `site/invalid-password`, `site/invalid-setting` for a path or a number of areas that cannot be,
 * or where a rule would show what is protected at a path that is not
 */
export async function protectSite(
  deps: PublishDeps,
  ref: SiteRef,
  { path, password }: ProtectSite,
): Promise<CommitReport & { readonly prefix: string }> {
  const area = makeArea(areaPrefix(path), password);
  const known = await readSite(deps, ref);
  const shown = [...shownReleases(known.record)];
  for (const release of shown) {
    await refuseOpenRelease(deps, ref, { record: withArea(known.record, area), release });
  }
  const report = await commitChange(deps, ref, {
    reason: `protect ${area.prefix}`,
    known,
    apply(record) {
      const isSame = sameAreas(record, known.record) || sameAreas(record, withArea(known.record, area));
      if (!isSame || [...shownReleases(record)].join() !== shown.join()) {
        throw changedMeanwhile(
          ref,
          "other releases are shown, or other paths protected, than were looked at",
        );
      }
      return withArea(record, area);
    },
  });
  return { ...report, prefix: area.prefix };
}

/**
 * Lifts the protection of one path, or of all of a site. Where a wider area is around the path, its password is asked for
 * from then on.
 * @param path as in `protectSite`; `undefined` = every area
 * @throws SitefleetError `site/not-protected`
 */
export async function unprotectSite(
  deps: PublishDeps,
  ref: SiteRef,
  path: string | undefined,
): Promise<CommitReport> {
  const prefix = path === undefined ? undefined : areaPrefix(path);
  let lifted = false;
  return commitChange(deps, ref, {
    reason: `unprotect ${prefix ?? "the site"}`,
    apply(record) {
      const kept = record.protectedAreas.filter((area) => prefix !== undefined && area.prefix !== prefix);
      // A second attempt sees its own result, which has nothing left to lift.
      if (kept.length === record.protectedAreas.length && !lifted) throw notProtected(record, prefix);
      lifted = true;
      return { ...record, protectedAreas: kept };
    },
  });
}

/** An area with a salt of its own; neither password nor anything that shortens guessing it is kept. */
export function makeArea(prefix: string, password: string): ProtectedArea {
  const reason = passwordProblem(password);
  if (reason !== undefined) {
    throw new SitefleetError("site/invalid-password", `the password ${reason}`, {
      hint: `${SHORTEST} characters or more, no control characters, at most ${LONGEST} bytes`,
    });
  }
  const salt = randomBytes(16).toString("hex");
  return { prefix, salt, verifier: verifierOf(salt, password) };
}

/** What the edge computes from a password that somebody sends (RFC 7617 section 2.1: UTF-8, normalised to NFC). */
export function verifierOf(salt: string, password: string): string {
  return createHmac("sha256", salt).update(password.normalize("NFC"), "utf8").digest("hex");
}

function passwordProblem(password: string): string | undefined {
  if (password.length < SHORTEST) return `is shorter than ${SHORTEST} characters`;
  if (Buffer.byteLength(password.normalize("NFC")) > LONGEST) return `is longer than ${LONGEST} bytes`;
  // RFC 7617 section 2: neither part of the credentials may hold them.
  if (/[\u0000-\u001f\u007f-\u009f]/.test(password)) return "has a control character";
  if (/\p{Surrogate}/u.test(password)) return "is not Unicode text";
  return undefined;
}

/**
 * The prefix of an area, from a path as people write it: every spelling of a page's path is the same one.
 * @throws SitefleetError `site/invalid-setting`
 */
export function areaPrefix(path: string): string {
  const decoded = decodePath(path.startsWith("/") ? path : `/${path}`);
  if (decoded.kind === "refused") {
    throw new SitefleetError("site/invalid-setting", `the path "${path}" ${decoded.reason}`, {
      hint: "a path of the site such as /docs/, or / for all of it",
    });
  }
  const stem = decoded.path.normalize("NFC").replace(/(?:\/|\/index\.html|\.html)$/, "");
  // Their page is the front page, which would go on being shown at `/`.
  if (stem === "/index" || stem === "/" || (stem === "" && decoded.path !== "/")) {
    throw new SitefleetError("site/invalid-setting", `the path "${path}" is that of the front page`, {
      hint: "protect / to protect the whole site",
    });
  }
  return `${encodePath(stem)}/`;
}

/** @throws SitefleetError `site/invalid-setting` when there would be too many */
function withArea(record: SiteRecord, area: ProtectedArea): SiteRecord {
  const others = record.protectedAreas.filter(({ prefix }) => prefix !== area.prefix);
  const protectedAreas = [...inAreaOrder([...others, area])];
  const reason = areasProblem(protectedAreas);
  if (reason === undefined) return { ...record, protectedAreas };
  throw new SitefleetError("site/invalid-setting", `site "${record.site}" ${reason}`, {
    hint: `lift one first: ${others.map(({ prefix }) => prefix).join(", ")}`,
  });
}

function notProtected(record: SiteRecord, prefix: string | undefined): SitefleetError {
  const prefixes = record.protectedAreas.map((area) => area.prefix).join(", ") || "none";
  const what = prefix === undefined ? "asks for no password" : `asks for no password of its own at ${prefix}`;
  return new SitefleetError("site/not-protected", `site "${record.site}" ${what}`, {
    hint: `its protected paths: ${prefixes}`,
  });
}
