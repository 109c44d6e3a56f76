import type { DeployRecord } from "./deploy-plan.ts";
import { isOwnDictionary } from "../service/desired.ts";
import type { LiveService } from "../live/live.ts";
import { ownedIn, parseFormer } from "../live/ownership.ts";
import type { ServiceContent } from "../service/service-content.ts";
import { NO_RECORD } from "../live/state.ts";
import { writtenDigests } from "../drift/table-drift.ts";
import type { PrivateItem } from "../service/tables.ts";

/** Most dropped objects that are remembered: nobody goes back behind hundreds of them. */
const MOST_FORMER = 200;

/** What sitefleet has to remember once a content is live. */
export function recordOf(
  content: ServiceContent,
  rest: {
    readonly privateItems: readonly PrivateItem[];
    readonly adopted: readonly string[];
    readonly live: LiveService | undefined;
  },
): DeployRecord {
  const owned = [
    ...content.acls.map(({ name }) => `acl/${name}`),
    ...content.dictionaries
      .filter(({ name }) => !isOwnDictionary(name))
      .map(({ name }) => `dictionary/${name}`),
    ...content.snippets.map(({ name }) => `snippet/${name}`),
    ...content.loggings.map(({ kind, name }) => `logging/${kind}/${name}`),
    ...rest.privateItems
      .filter(({ dictionary }) => !isOwnDictionary(dictionary))
      .map(({ dictionary, key }) => `item/${dictionary}/${key}`),
  ];
  return {
    owned: owned.sort(),
    written: writtenDigests(content),
    adopted: [...rest.adopted].sort(),
    former: formerOf(new Set(owned), rest.live),
    kinds: foreignKinds(content, rest.live),
  };
}

/** What was dropped so far and what is dropped now; each with the last version that has it. */
function formerOf(owned: ReadonlySet<string>, live: LiveService | undefined): readonly string[] {
  const base = live?.active?.number;
  if (live === undefined || base === undefined) return [];
  const { record } = live.state;
  const last = new Map<string, number>();
  for (const entry of record.former) {
    const parsed = parseFormer(entry);
    last.set(parsed.name, Math.max(parsed.last, last.get(parsed.name) ?? 0));
  }
  // Items have no version: what is dropped of them is gone in all.
  for (const name of record.owned) if (!name.startsWith("item/")) last.set(name, base);
  return [...last]
    .filter(([name]) => !owned.has(name))
    .sort(([, a], [, b]) => b - a)
    .slice(0, MOST_FORMER)
    .map(([name, version]) => `${name}@${version}`)
    .sort();
}

/** Endpoints of others are looked for in every kind where a hand was at work, and in these ever after. */
function foreignKinds(content: ServiceContent, live: LiveService | undefined): readonly string[] {
  if (!live?.active) return [];
  const owned = ownedIn(live.state.record, live.active.number);
  const others = live.active.content.loggings.filter(
    ({ kind, name }) =>
      !owned.has(`logging/${kind}/${name}`) && !content.loggings.some((one) => one.name === name),
  );
  return [...new Set(others.map(({ kind }) => kind))].sort();
}

/**
 * Whether the record has to be written. One that names too much, as a deploy that was taken back leaves it, is true
 * enough: it is no reason to deploy, and is set right by the next deploy that has one. Adoptions are: one that ended must
 * not come back.
 */
export function recordIsDue(
  record: DeployRecord,
  context: { readonly live: LiveService | undefined; readonly isBusy: boolean },
): boolean {
  const known = context.live?.state.record ?? NO_RECORD;
  if (JSON.stringify(inOrder(known)) === JSON.stringify(inOrder(record))) return false;
  const holds = (all: readonly string[], some: readonly string[]): boolean =>
    some.every((one) => all.includes(one));
  const isTrue =
    holds(known.owned, record.owned) &&
    holds(known.written, record.written) &&
    JSON.stringify(known.adopted) === JSON.stringify(record.adopted);
  return context.isBusy || !isTrue;
}

function inOrder({ owned, written, adopted, former, kinds }: DeployRecord): readonly (readonly string[])[] {
  return [owned, written, adopted, former, kinds];
}
