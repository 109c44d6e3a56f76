import { randomBytes } from "node:crypto";
import type { AclChange, FastlyClient } from "../../fastly/client.ts";
import { RemoteError } from "../../fastly/remote-error.ts";
import type { Acl, AclEntry } from "../../fastly/wire.ts";
import { requireTable } from "../live/tables.ts";
import type { ServiceTables } from "../live/tables.ts";
import { SitefleetError, assertDefined } from "../../lib/errors.ts";
import type { DeployPlan, TableStep } from "../plan/deploy-plan.ts";
import { PRIVATE_DICTIONARY } from "../../render/constants.ts";
import { STATE_DICTIONARY } from "../service/desired.ts";
import type { PrivateItem } from "../service/tables.ts";
import { digestTable, digestedItems, entryLines, itemLines } from "../plan/plan-tables.ts";
import type { AclContent, AclRule, DictionaryContent } from "../service/service-content.ts";
import { digestItems, digestKey, formatRecord, parseState, uniteRecords } from "../live/state.ts";

export interface TableJob {
  readonly client: FastlyClient;
  readonly serviceId: string;
  readonly plan: DeployPlan;
  readonly privateItems: readonly PrivateItem[];
  readonly progress: (line: string) => void;
  /** Of the version that is about to be live, or is. */
  readonly tables: ServiceTables;
  readonly acls: readonly Acl[];
  /** Gets a line for each table before it is written: what stays changed when a version is put back. */
  readonly lasting: string[];
}

type Step<Do extends TableStep["do"]> = Extract<TableStep, { readonly do: Do }>;

/**
 * Writes what has no version: private items, items and entries. What is remembered of it is written first and holds
 * the old state and the new one until the deploy is verified, so that a run that is cut off leaves nothing that would
 * look as if it had been made by hand.
 * @throws SitefleetError `deploy/changed-meanwhile` when a table is not as it was planned against; `fastly/…`
 */
export async function writeTables(job: TableJob): Promise<void> {
  for (const step of job.plan.steps) if (step.do === "put-record") await writeRecord(job, step);
  for (const step of job.plan.steps) {
    if (step.do === "put-private-items") await writePrivate(job, step);
  }
  const { dictionaries, acls } = job.plan.content;
  for (const dictionary of dictionaries) await writeItems(job, dictionary);
  for (const acl of acls) await writeEntries(job, acl);
}

/**
 * Whether a table is not live yet. An earlier run may have made it in its draft and filled it, so it is brought to
 * what is wanted whatever is in it.
 */
function isNew(plan: DeployPlan, kind: "dictionary" | "acl", name: string): boolean {
  const isMade = plan.steps.some(
    (step) => step.do === "put" && step.kind === kind && step.object.name === name,
  );
  return plan.baseVersion === null || isMade;
}

async function writeRecord(job: TableJob, { record }: Step<"put-record">): Promise<void> {
  const state = requireTable(job.tables, STATE_DICTIONARY);
  const before = parseState(await state.list()).record;
  await state.put(formatRecord(uniteRecords(before, record)));
}

async function writePrivate(job: TableJob, step: Step<"put-private-items">): Promise<void> {
  const { privateItems, progress, lasting } = job;
  const table = requireTable(job.tables, step.dictionary);
  const items = privateItems.filter(({ dictionary }) => dictionary === step.dictionary);
  lasting.push(describeLasting(items, step));
  await table.put(items);
  await table.remove(step.remove);
  const salted = { dictionaryId: await table.identity(), salt: randomBytes(16).toString("hex") };
  const digest = digestItems(digestedItems(privateItems, step.dictionary), salted);
  await requireTable(job.tables, STATE_DICTIONARY).put([{ key: digestKey(step.dictionary), value: digest }]);
  progress(`private items written: ${items.map(({ key }) => key).join(", ")}`);
}

/** What cannot be undone: whichever version is live reads these values, and nobody can read them to put them back. */
function describeLasting(items: readonly PrivateItem[], step: Step<"put-private-items">): string {
  const names = items.map(({ key, value: { source } }) =>
    source === undefined ? key : `${key} (${source})`,
  );
  const gone = step.remove.length === 0 ? "" : `, and ${step.remove.join(", ")} stay removed`;
  const of = step.dictionary === PRIVATE_DICTIONARY ? "" : ` of "${step.dictionary}"`;
  return `the private items${of} keep their new values, which every version reads: ${names.join(", ")}${gone}; Fastly does not tell the former ones, so where one is wrong set the right value and run \`sitefleet deploy apply\` again`;
}

async function writeItems(job: TableJob, { name, items: wanted }: DictionaryContent): Promise<void> {
  const step = job.plan.steps.find((one) => one.do === "put-items" && one.dictionary === name);
  const fresh = isNew(job.plan, "dictionary", name);
  if (wanted === undefined || (!fresh && step?.do !== "put-items")) return;
  const table = requireTable(job.tables, name);
  const found = await table.list();
  const items = found.map(({ item_key, item_value }) => ({ key: item_key, value: item_value }));
  if (!fresh && step?.do === "put-items") {
    refuseOtherTable(`dictionary "${name}"`, step.seen, digestTable(itemLines(items)));
  }
  const present = new Map(items.map(({ key, value }) => [key, value]));
  const keys = new Set(wanted.map(({ key }) => key));
  job.lasting.push(`the items of dictionary "${name}" keep their new values`);
  await table.put(wanted.filter(({ key, value }) => present.get(key) !== value));
  await table.remove([...present.keys()].filter((key) => !keys.has(key)));
  job.progress(`items of dictionary "${name}" written`);
}

/** Tries of a batch whose answer may have got lost. */
const MOST_TRIES = 5;

/** Batches of entries are never sent again unseen: each try starts from the entries that are there. */
async function writeEntries(job: TableJob, { name, entries: wanted }: AclContent): Promise<void> {
  const step = job.plan.steps.find((one) => one.do === "put-entries" && one.acl === name);
  const fresh = isNew(job.plan, "acl", name);
  if (!fresh && step?.do !== "put-entries") return;
  const acl = job.acls.find((one) => one.name === name);
  assertDefined(acl, `ACL ${name}`);
  const ref = { serviceId: job.serviceId, aclId: acl.id };
  for (let attempt = 1; ; attempt += 1) {
    const found = await job.client.listEntries(ref);
    if (attempt === 1 && !fresh && step?.do === "put-entries") {
      refuseOtherTable(`ACL "${name}"`, step.seen, digestTable(entryLines(found)));
    }
    if (attempt === 1) job.lasting.push(`the entries of ACL "${name}" stay as they are now`);
    try {
      await job.client.changeEntries(ref, entryChanges(wanted, found));
      break;
    } catch (error) {
      const isLost = error instanceof RemoteError && error.landed === "unknown";
      if (!isLost || attempt === MOST_TRIES) throw error;
    }
  }
  job.progress(`entries of ACL "${name}" written`);
}

/** What makes the entries that are there into those that are wanted. */
function entryChanges(wanted: readonly AclRule[], found: readonly AclEntry[]): readonly AclChange[] {
  const lineOf = (entry: AclRule): string => entryLines([entry]).join("");
  const [wantedLines, foundLines] = [new Set(entryLines(wanted)), new Set(entryLines(found))];
  return [
    ...found
      .filter((entry) => !wantedLines.has(lineOf(entry)))
      .map(({ id }) => ({ op: "delete", id }) as const),
    ...wanted
      .filter((entry) => !foundLines.has(lineOf(entry)))
      .map(({ negated, ...rest }) => ({ op: "create", ...rest, negated: negated ? 1 : 0 }) as const),
  ];
}

function refuseOtherTable(what: string, seen: string | null, found: string): void {
  if (seen === null || seen === found) return;
  throw new SitefleetError("deploy/changed-meanwhile", `${what} was changed after the plan was made`, {
    hint: "look at what changed with `sitefleet deploy plan`, then apply again",
  });
}
