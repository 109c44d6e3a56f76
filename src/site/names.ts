import { SitefleetError } from "../lib/errors.ts";

const SITE_UID = /^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/;
const RELEASE_ID = /^(?:0|[1-9a-z][0-9a-z]{0,3})$/;
const DOMAIN_LABEL = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;
/** Largest number that four base-36 digits hold. */
export const LAST_RELEASE_NUMBER = 36 ** 4 - 1;
/** The release that never has an object: what a domain shows before the first publish. */
export const EMPTY_RELEASE = "0";
/** Website environment of every host that no suffix claims. */
export const DEFAULT_SITE_ENV = "production";

/** Why `text` is no site uid, or `undefined` when it is one. */
export function siteUidProblem(text: string): string | undefined {
  if (text === "") return "is empty";
  if (text.length > 40) return `has ${text.length} characters, the limit is 40`;
  if (text.includes("--")) return "contains `--`, which separates preview names from sites";
  if (!SITE_UID.test(text)) {
    return "may hold only a-z, 0-9 and `-`, and must begin and end with a letter or digit";
  }
  return undefined;
}

/**
 * Checks a site uid.
 * @throws SitefleetError `site/invalid-name`
 */
export function parseSiteUid(text: string): string {
  const problem = siteUidProblem(text);
  if (problem === undefined) return text;
  throw new SitefleetError("site/invalid-name", `site uid "${printable(text)}" ${problem}`, {
    hint: "choose a uid such as `acme-shop`",
  });
}

/** Whether `text` is a release id: a base-36 counter of at most 4 digits without leading zeros. */
export function isReleaseId(text: string): boolean {
  return RELEASE_ID.test(text);
}

/**
 * The release id of a counter value, 0 to 1,679,615.
 * @throws SitefleetError `release/exhausted` above that
 */
export function releaseIdOf(number: number): string {
  if (number > LAST_RELEASE_NUMBER) {
    throw new SitefleetError(
      "release/exhausted",
      `release number ${number} does not fit in four base-36 digits`,
      { hint: "publish the site under a new uid and move its domains there" },
    );
  }
  return number.toString(36);
}

/** The counter value of a release id. */
export function releaseNumberOf(id: string): number {
  return Number.parseInt(id, 36);
}

/** Turns a Unicode host name into A-labels; `""` when that is impossible (as `url.domainToASCII` of Node does). */
export type ToAscii = (host: string) => string;

export type DomainNameCheck =
  | { readonly kind: "ok"; readonly name: string }
  | { readonly kind: "refused"; readonly reason: string; readonly suggestion: string | undefined };

/**
 * Checks a domain name as it must be stored: lower-case letters, digits and hyphens (RFC 1123 section 2.1), at most
 * 253 characters, at least two labels. Where another spelling would be accepted it is suggested, never used silently:
 * what is stored must be what the owner typed.
 */
export function checkDomainName(text: string, toAscii: ToAscii): DomainNameCheck {
  const reason = shapeProblem(text) ?? labelProblem(text, toAscii);
  if (reason === undefined) return { kind: "ok", name: text };
  return { kind: "refused", reason, suggestion: suggestDomainName(text, toAscii) };
}

function shapeProblem(text: string): string | undefined {
  if (text === "") return "is empty";
  if (/[\s\u0000-\u001f\u007f]/.test(text)) return "contains white space or control characters";
  if (text.includes("://") || text.includes("/")) return "is a URL or path, not a host name";
  if (text.includes("*")) return "is a wildcard; every host is added by its own name";
  if (text.startsWith("[") || /^[0-9a-f]*:[0-9a-f:.]*:/i.test(text)) return "is an IP address";
  if (text.includes(":")) return "has a port; domains are named without one";
  if (text.endsWith(".")) return "ends with a dot";
  if (/[^\u0000-\u007f]/.test(text)) return "has letters outside ASCII; use its A-label form";
  if (/[A-Z]/.test(text)) return "has upper-case letters";
  if (text.length > 253) return `has ${text.length} characters, the limit is 253`;
  return undefined;
}

function labelProblem(text: string, toAscii: ToAscii): string | undefined {
  const labels = text.split(".");
  const last = labels.at(-1) ?? "";
  // URL parsers read a host whose last label is a number as IPv4 (WHATWG URL, "ends in a number checker").
  if (/^(?:[0-9]+|0x[0-9a-f]*)$/.test(last)) return "is an IP address";
  for (const label of labels) {
    if (label === "") return "has an empty label";
    if (label.length > 63) return `has a label of ${label.length} characters, the limit is 63`;
    if (!DOMAIN_LABEL.test(label)) {
      return `has the label "${label}", which may hold only a-z, 0-9 and inner hyphens`;
    }
  }
  if (labels.length < 2) return "has only one label";
  if (text.includes("xn--") && toAscii(text) !== text) return "has an A-label (xn--) that stands for no name";
  return undefined;
}

function suggestDomainName(text: string, toAscii: ToAscii): string | undefined {
  const bare = text
    .trim()
    .replace(/^[a-z][a-z0-9+.-]*:\/\//i, "")
    .replace(/[/?#].*$/s, "")
    .replace(/:\d*$/, "")
    .replace(/^\*\./, "")
    .replace(/\.$/, "");
  // Only letters, marks, digits, dots and hyphens: an IDNA mapping lets `%` escapes and other forms through.
  if (!/^[\p{L}\p{M}\p{N}.-]+$/u.test(bare)) return undefined;
  const name = toAscii(bare.toLowerCase());
  if (name === "" || name === text) return undefined;
  return shapeProblem(name) === undefined && labelProblem(name, toAscii) === undefined ? name : undefined;
}

/**
 * Checks a domain name and hands it back.
 * @throws SitefleetError `domain/invalid-name` with the reason and, where there is one, the spelling to use
 */
export function parseDomainName(text: string, toAscii: ToAscii): string {
  const check = checkDomainName(text, toAscii);
  if (check.kind === "ok") return check.name;
  const hint = check.suggestion === undefined ? {} : { hint: `did you mean ${check.suggestion}?` };
  throw new SitefleetError("domain/invalid-name", `domain "${printable(text)}" ${check.reason}`, hint);
}

/** Website environment of a host, by the settings' suffix table (longest suffix first). */
export function siteEnvOf(
  host: string,
  suffixes: readonly { readonly suffix: string; readonly siteEnv: string }[],
): string {
  return suffixes.find(({ suffix }) => host.endsWith(suffix))?.siteEnv ?? DEFAULT_SITE_ENV;
}

/** Text for an error message: control characters escaped, cut to 80 characters. */
export function printable(text: string): string {
  const escaped = text.replaceAll(
    /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return escaped.length > 80 ? `${escaped.slice(0, 77)}...` : escaped;
}

/** Longest preview name: with `--` and a site uid of 40 characters it fills a DNS label (RFC 1035 section 2.3.4). */
export const PREVIEW_NAME_LIMIT = 21;
const PREVIEW_NAME = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;

/**
 * Checks the name of a preview.
 * @throws SitefleetError `site/invalid-name`
 */
export function parsePreviewName(text: string): string {
  const problem = previewNameProblem(text);
  if (problem === undefined) return text;
  throw new SitefleetError("site/invalid-name", `preview name "${printable(text)}" ${problem}`, {
    hint: "choose a name such as `pr-42`",
  });
}

function previewNameProblem(text: string): string | undefined {
  if (text.length > PREVIEW_NAME_LIMIT) {
    return `has ${text.length} characters, the limit is ${PREVIEW_NAME_LIMIT}`;
  }
  if (text.includes("--")) return "contains `--`, which separates it from the site";
  if (!PREVIEW_NAME.test(text)) {
    return "may hold only a-z, 0-9 and `-`, and must begin and end with a letter or digit";
  }
  return undefined;
}

/** The host of a preview: `NAME--SITE.<preview domain>`. */
export function previewHost(preview: {
  readonly name: string;
  readonly site: string;
  readonly domain: string;
}): string {
  return `${preview.name}--${preview.site}.${preview.domain}`;
}
