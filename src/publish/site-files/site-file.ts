import type { HeaderRule } from "../../site/headers-file.ts";
import type { SlashPolicy } from "../../site/page-key.ts";
import { DEFAULT_STATUS, statusOf, statusProblem } from "../../site/redirect-line.ts";
import { makeRule, ruleLine } from "../../site/redirect-rule.ts";
import type { RedirectRule, RuleSource } from "../../site/redirect-rule.ts";
import { LINE_LIMIT } from "../../site/redirects-file.ts";
import type { RuleNote } from "../../site/redirects-file.ts";

/** What a file that configures a site says. */
export interface SiteFile {
  readonly redirects: readonly RedirectRule[];
  readonly headers: readonly HeaderRule[];
  readonly trailingSlash: SlashPolicy | undefined;
  /** Folder to publish, relative to the file, without `.` and `..`. */
  readonly publishDir: string | undefined;
  /** What cannot be used: an error, or, where the caller is told to be lenient, a warning. */
  readonly problems: readonly RuleNote[];
  readonly warnings: readonly RuleNote[];
}

export const NOTHING: SiteFile = {
  redirects: [],
  headers: [],
  trailingSlash: undefined,
  publishDir: undefined,
  problems: [],
  warnings: [],
};

/** A redirect as the fields of a structured file say it. */
export interface RuleFields {
  readonly source: RuleSource;
  readonly from: string;
  /** Absent = the path itself, which only `/…/*` with status 200 may have. */
  readonly to: string | undefined;
  readonly query: readonly (readonly [name: string, value: string])[];
  readonly status: number | undefined;
  readonly forced: boolean;
}

export type FieldsRule =
  | { readonly kind: "ok"; readonly rule: RedirectRule }
  | { readonly kind: "refused"; readonly note: RuleNote };

/** Builds a rule whose text is a line of a `_redirects` file that says the same. */
export function ruleOf(fields: RuleFields): FieldsRule {
  const { source, from, query, forced } = fields;
  const text = [from, ...query.map(([name, value]) => `${name}=${value}`), fields.to ?? ""].join(" ").trim();
  const status = statusOf(String(fields.status ?? DEFAULT_STATUS));
  if (status === undefined) return refused(fields, text, statusProblem(String(fields.status)));
  const to =
    fields.to ?? (status === 200 && from.endsWith("/*") ? from.replace(/\/\*$/, "/:splat") : undefined);
  if (from.trim() === "") return refused(fields, text, "has no source");
  if (to === undefined || to === "") return refused(fields, text, "has no destination");
  if (!/^(?:\/|https?:\/\/)/.test(to)) {
    return refused(fields, text, "has a destination that is neither a path nor an http(s) URL");
  }
  const words = { from: from.trim(), query, to: to.trim(), status, forced };
  const line = ruleLine(words);
  if (line.length > LINE_LIMIT) return refused(fields, text, `has more than ${LINE_LIMIT} characters`);
  const made = makeRule({ source, text: line, ...words });
  if (made.kind === "ok") return made;
  return refused(fields, text, made.kind === "refused" ? made.reason : "is empty");
}

function refused(fields: RuleFields, text: string, reason: string): FieldsRule {
  return { kind: "refused", note: { source: fields.source, text, reason } };
}

/** A note about a setting that is no rule. */
export function settingNote(source: RuleSource, text: string, reason: string): RuleNote {
  return { what: "setting", source, text, reason };
}

/** A folder inside the one of the file, or `undefined` when the path leads out of it. */
export function innerFolder(...paths: readonly string[]): string | undefined {
  const segments = paths
    .join("/")
    .split("/")
    .filter((segment) => segment !== "" && segment !== ".");
  const isInner = segments.every((segment) => segment !== ".." && !/[\\\u0000-\u001f\u007f]/.test(segment));
  return isInner ? segments.join("/") : undefined;
}
