import { forTerminal } from "../lib/terminal-text.ts";
import type { ReplayChange } from "./change.ts";
import type { ChangeGroup, ReplaySummary } from "./tally.ts";

/** Changes that are shown in full. */
const SHOWN = 20;
/** Characters of a value that are shown; the file of changes has all of it. */
const MAX_VALUE = 300;
const MAX_LINES = 6;

/** What a replay found, for people: the first changes by kind with before and after, then the counts. */
export function formatReplay(summary: ReplaySummary): string {
  const { changes, badLines, ungrouped } = summary;
  const shown = chooseShown(changes);
  const blocks = changes.flatMap((group) => formatGroup(group, shown));
  const bad = badLines.first.map(({ line, reason }) => `  line ${line}: ${reason}`);
  const more = badLines.count - badLines.first.length;
  return forTerminal(
    [
      ...blocks,
      ...(ungrouped > 0 ? [`${count(ungrouped, "more answer")} in other ways`, ""] : []),
      ...(badLines.count > 0 ? [`${count(badLines.count, "line")} not replayed:`, ...bad] : []),
      ...(more > 0 ? [`  and ${more} more`] : []),
      ...totals(summary),
    ].join("\n"),
  );
}

/** One example of every kind first, then more of the most frequent ones. */
function chooseShown(groups: readonly ChangeGroup[]): ReadonlySet<ReplayChange> {
  const rounds = Math.max(0, ...groups.map(({ examples }) => examples.length));
  const all = Array.from({ length: rounds }, (_, round) =>
    groups.flatMap(({ examples }) => examples.slice(round, round + 1)),
  ).flat();
  return new Set(all.slice(0, SHOWN));
}

function formatGroup(group: ChangeGroup, shown: ReadonlySet<ReplayChange>): readonly string[] {
  const { what, answers, sites, examples } = group;
  const head = `${what}: ${count(answers, "answer")} of ${count(sites, "site")}`;
  return [head, ...examples.filter((change) => shown.has(change)).flatMap(formatChange), ""];
}

function formatChange({ site, request, differences }: ReplayChange): readonly string[] {
  const whose = site === null ? "no site" : `${site.siteEnv}/${site.site}`;
  const line = request.line === null ? "" : `, line ${request.line}`;
  const from = request.country === null ? "" : ` from ${request.country}`;
  const head = `  ${whose}: ${request.method} ${cut(request.url)}${from} (${request.about}${line})`;
  return [
    head,
    ...differences.flatMap(({ what, before, after }) => [
      `    ${what}`,
      ...valueLines("-", before),
      ...valueLines("+", after),
    ]),
  ];
}

function valueLines(sign: string, value: string): readonly string[] {
  if (value === "") return [`      ${sign} (none)`];
  const lines = value.split("\n");
  const shown = lines.slice(0, MAX_LINES).map((line) => `      ${sign} ${cut(line)}`);
  const more = lines.length - MAX_LINES;
  return more > 0 ? [...shown, `      ${sign} and ${more} more lines`] : shown;
}

function cut(text: string): string {
  return text.length > MAX_VALUE ? `${text.slice(0, MAX_VALUE)}...` : text;
}

function totals({ sites, requests }: ReplaySummary): readonly string[] {
  const logged =
    requests.loggedOtherwise > 0 ? `, ${requests.loggedOtherwise} answered alike and logged otherwise` : "";
  const refused = requests.refused > 0 ? `; ${requests.refused} refused before any VCL` : "";
  const strangers =
    requests.withoutSite > 0 ? ` (${requests.withoutSite} of them for hosts without a site)` : "";
  return [
    `Replay: ${count(requests.pairs, "request")} answered by both versions${refused}`,
    `  ${requests.changed} answered otherwise${strangers}${logged}`,
    `  ${count(sites.replayed, "site")}: ${sites.unaffected} unaffected, ${sites.changed} changed`,
  ];
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}
