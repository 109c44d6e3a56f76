import { randomBytes } from "node:crypto";
import type { AclChange, FastlyClient } from "../../fastly/client.ts";
import { RemoteError } from "../../fastly/remote-error.ts";
import type { Acl, AclEntry, Dictionary } from "../../fastly/wire.ts";
import { SitefleetError, assertDefined } from "../../lib/errors.ts";
import type { DeployPlan, TableStep } from "../plan/deploy-plan.ts";
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
  readonly dictionaries: readonly Dictionary[];
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
  const ref = dictionaryRef(job, STATE_DICTIONARY);
  const before = parseState(await job.client.listItems(ref)).record;
  await job.client.putItems(ref, formatRecord(uniteRecords(before, record)));
}

async function writePrivate(job: TableJob, step: Step<"put-private-items">): Promise<void> {
  const { client, privateItems, progress, lasting } = job;
  const ref = dictionaryRef(job, step.dictionary);
  const items = privateItems.filter(({ dictionary }) => dictionary === step.dictionary);
  lasting.push(`the private items keep their new values: Fastly does not tell the former ones`);
  await client.putItems(ref, items);
  await client.removeItems(ref, step.remove);
  const salted = { dictionaryId: ref.dictionaryId, salt: randomBytes(16).toString("hex") };
  const digest = digestItems(digestedItems(privateItems, step.dictionary), salted);
  await client.putItems(dictionaryRef(job, STATE_DICTIONARY), [
    { key: digestKey(step.dictionary), value: digest },
  ]);
  progress(`private items written: ${items.map(({ key }) => key).join(", ")}`);
}

async function writeItems(job: TableJob, { name, items: wanted }: DictionaryContent): Promise<void> {
  const step = job.plan.steps.find((one) => one.do === "put-items" && one.dictionary === name);
  const fresh = isNew(job.plan, "dictionary", name);
  if (wanted === undefined || (!fresh && step?.do !== "put-items")) return;
  const ref = dictionaryRef(job, name);
  const found = await job.client.listItems(ref);
  const items = found.map(({ item_key, item_value }) => ({ key: item_key, value: item_value }));
  if (!fresh && step?.do === "put-items") {
    refuseOtherTable(`dictionary "${name}"`, step.seen, digestTable(itemLines(items)));
  }
  const present = new Map(items.map(({ key, value }) => [key, value]));
  const keys = new Set(wanted.map(({ key }) => key));
  job.lasting.push(`the items of dictionary "${name}" keep their new values`);
  await job.client.putItems(
    ref,
    wanted.filter(({ key, value }) => present.get(key) !== value),
  );
  await job.client.removeItems(
    ref,
    [...present.keys()].filter((key) => !keys.has(key)),
  );
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

function dictionaryRef(
  job: TableJob,
  name: string,
): { readonly serviceId: string; readonly dictionaryId: string } {
  const found = job.dictionaries.find((one) => one.name === name);
  assertDefined(found, `dictionary ${name}`);
  return { serviceId: job.serviceId, dictionaryId: found.id };
}
