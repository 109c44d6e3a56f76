import { resolve } from "node:path";
import { domainToASCII } from "node:url";
import { z } from "zod";

import { parseJson } from "../../lib/json.ts";
import { DURATION_FORM, parseDuration } from "../../lib/duration.ts";
import { SitefleetError } from "../../lib/errors.ts";
import {
  DEFAULT_SITE_ENV,
  checkDomainName,
  parsePreviewName,
  siteEnvOf,
  siteUidProblem,
} from "../../site/names.ts";
import { LONGEST_PREVIEW_MS } from "../previews/previews.ts";
import type { PublishDeps, SiteRef } from "../publish-deps.ts";
import type { PreviewInput } from "../previews/publish-preview.ts";
import { siteEnvsOf } from "../site-list.ts";

/** One line of a batch. */
export interface BatchEntry extends SiteRef {
  /** Line in the file, from 1. */
  readonly line: number;
  /** The folder, absolute. */
  readonly dir: string;
  readonly domains: readonly string[];
  readonly preview: PreviewInput | undefined;
}

const lineSchema = z.strictObject({
  site: z.string(),
  dir: z.string().min(1),
  domains: z.array(z.string()).optional(),
  siteEnv: z.string().optional(),
  preview: z.string().optional(),
  expires: z.string().optional(),
});
type Line = z.output<typeof lineSchema>;

const DETAIL_LIMIT = 100;
const EXAMPLE = '{"site": "acme", "dir": "out/acme", "domains": ["www.example.com"]}';

/**
 * Reads a batch, one JSON object a line: `{"site": "acme", "dir": "out/acme", "domains": ["www.example.com"]}`, with
 * `siteEnv`, `preview` and `expires` as on the command line. Empty lines are left out. Only what the lines themselves say
 * is looked at: a folder that is missing is told when its line is published, and stops no other.
 * @param input.root what relative folders are relative to
 * @throws SitefleetError `publish/invalid-batch` with every line that is wrong; nothing was written by then
 */
export async function readBatch(
  deps: PublishDeps,
  input: { readonly text: string; readonly root: string },
): Promise<readonly BatchEntry[]> {
  const problems: string[] = [];
  const entries: BatchEntry[] = [];
  for (const [index, text] of input.text.split(/\r?\n/).entries()) {
    if (text.trim() === "") continue;
    const read = readLine(deps, { text, line: index + 1, root: input.root });
    if (typeof read === "string") problems.push(`line ${index + 1}: ${read}`);
    else entries.push(read);
  }
  problems.push(...repeated(entries));
  if (problems.length === 0) return entries;
  const more = problems.length - DETAIL_LIMIT;
  throw new SitefleetError(
    "publish/invalid-batch",
    problems.length === 1 ? (problems[0] ?? "") : `${problems.length} lines of the batch are wrong`,
    {
      details: [...problems.slice(0, DETAIL_LIMIT), ...(more > 0 ? [`and ${more} more`] : [])],
      hint: `nothing was published; one object a line: ${EXAMPLE}`,
    },
  );
}

function readLine(
  deps: PublishDeps,
  input: { readonly text: string; readonly line: number; readonly root: string },
): BatchEntry | string {
  const json = parseJson(input.text);
  if (json === undefined) return "is not JSON";
  const parsed = lineSchema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = issue === undefined || issue.path.length === 0 ? "" : `"${issue.path.join(".")}" `;
    return `${where}${issue?.message ?? "is not a JSON object"}`;
  }
  const { data } = parsed;
  const { domains = [] } = data;
  const [first] = domains;
  const siteEnv =
    data.siteEnv ??
    (first === undefined ? DEFAULT_SITE_ENV : siteEnvOf(first, deps.environment.hostSuffixes));
  const problem = lineProblem(deps, data, siteEnv);
  if (problem !== undefined) return problem;
  const preview = previewOf(data);
  if (typeof preview === "string") return preview;
  return { site: data.site, siteEnv, dir: resolve(input.root, data.dir), domains, preview, line: input.line };
}

function lineProblem(deps: PublishDeps, data: Line, siteEnv: string): string | undefined {
  const uidProblem = siteUidProblem(data.site);
  if (uidProblem !== undefined) return `site uid "${data.site}" ${uidProblem}`;
  if (!siteEnvsOf(deps).includes(siteEnv)) return `there is no website environment "${siteEnv}"`;
  for (const domain of data.domains ?? []) {
    const check = checkDomainName(domain, domainToASCII);
    if (check.kind === "refused") return `domain "${domain}" ${check.reason}`;
  }
  return data.preview !== undefined && (data.domains ?? []).length > 0
    ? "a preview has a host of its own, so it goes with no domains"
    : undefined;
}

function previewOf({ preview: name, expires }: Line): PreviewInput | undefined | string {
  if (name === undefined) return expires === undefined ? undefined : '"expires" needs "preview"';
  const lifetime = expires === undefined ? undefined : parseDuration(expires);
  if (expires !== undefined && (!lifetime || lifetime > LONGEST_PREVIEW_MS)) {
    return `"expires" is "${expires}", which is not ${DURATION_FORM}, and at most 365d`;
  }
  try {
    return { name: parsePreviewName(name), lifetime };
  } catch (error) {
    if (error instanceof SitefleetError) return error.message;
    throw error;
  }
}

/** What two lines say about one thing: whichever came last would win, and nobody would know. */
function repeated(entries: readonly BatchEntry[]): readonly string[] {
  const seen = new Map<string, number>();
  const problems: string[] = [];
  for (const { site, siteEnv, domains, preview, line } of entries) {
    const place = preview === undefined ? `site ${site} (${siteEnv})` : `preview ${preview.name} of ${site}`;
    for (const thing of [place, ...domains.map((domain) => `domain ${domain}`)]) {
      const former = seen.get(thing);
      if (former === undefined) seen.set(thing, line);
      else problems.push(`line ${line}: ${thing} is on line ${former} already`);
    }
  }
  return problems;
}
