import { appSettingsFields } from "../../deploy/compute/app-settings.ts";
import { storeOf } from "../../deploy/compute/stores.ts";
import type { LiveService } from "../../deploy/live/live.ts";
import type { ReadVersion } from "../../deploy/live/read-version.ts";
import { EMPTY_COMPUTE } from "../../deploy/service/compute-content.ts";
import type { ComputeContent } from "../../deploy/service/compute-content.ts";
import type { DesiredService } from "../../deploy/service/desired.ts";
import type { DeploySession } from "../../fleet/deploy-session.ts";
import {
  EDGE_SETTINGS_FORMAT,
  EDGE_SETTINGS_ITEM,
  EDGE_SETTINGS_LIMIT,
  EDGE_STORES,
  edgeSettingsItem,
} from "../../site/edge-settings.ts";
import { checked, fail, ok, skipped, warn } from "./check.ts";
import type { CheckResult } from "./check.ts";

/** What the checks of a Compute service's active version look at. */
interface ComputeJob {
  readonly session: DeploySession;
  readonly live: LiveService;
  readonly active: ReadVersion;
  readonly found: ComputeContent;
  readonly wanted: ComputeContent;
  /** The command that sets right what a deploy writes. */
  readonly apply: string;
}

/**
 * What only a Compute service has: its package, both stores under the names that the app opens, what is in them, and its
 * backends. What is missing or cannot be read makes the app answer every request with 500, and say why in the log alone.
 */
export async function checkCompute(
  session: DeploySession,
  live: LiveService,
): Promise<readonly CheckResult[]> {
  const { desired, fleet } = session;
  const { active } = live;
  if (active === undefined) return [skipped("compute", "no version is active")];
  const job: ComputeJob = {
    session,
    live,
    active,
    found: active.content.compute ?? EMPTY_COMPUTE,
    wanted: desired.content.compute ?? EMPTY_COMPUTE,
    apply: `sitefleet deploy apply --env ${fleet.environment.name}`,
  };
  const secrets = await checked("compute/secrets", () => checkStoredSecrets(job));
  const rest = [checkPackage(job), checkLinks(job), checkSettings(job), checkHttpCache(job)];
  return [...rest, ...secrets, checkBackends(job), ...checkUnused(desired)];
}

function checkPackage({ active, found, wanted, session, apply }: ComputeJob): CheckResult {
  const id = "compute/package";
  const version = `version ${active.number}`;
  if (found.package === null) return fail(id, `${version} has no package`, `upload it: ${apply}`);
  const { filesHash, size } = found.package;
  const told = `${version} runs the package ${filesHash.slice(0, 12)}, ${size} bytes`;
  if (filesHash === wanted.package?.filesHash) return ok(id, told);
  const own = session.desired.package?.path ?? "the package";
  return warn(id, `${told}: another one than ${own}`, `upload that one: ${apply}`);
}

/** The app opens its stores by names that are the same in every service; which stores these are is said by links. */
function checkLinks({ active, found, wanted, apply }: ComputeJob): CheckResult {
  const id = "compute/stores";
  const wrong = wanted.links.flatMap(({ name, store }) => {
    const link = found.links.find((one) => one.name === name);
    if (link === undefined) return [`no store is linked as "${name}"`];
    return link.store === store ? [] : [`"${name}" is ${sayStore(link.store)}, not "${store}"`];
  });
  const version = `version ${active.number}`;
  // What a version lacks somebody took out of it by hand, which no other deploy undoes.
  if (wrong.length > 0) return fail(id, `${version}: ${wrong.join("; ")}`, `link them: ${apply} --overwrite`);
  return ok(id, `${version} opens ${wanted.links.map(({ store }) => `"${store}"`).join(" and ")}`);
}

/** A link tells its store by id: without a name it is none of the service's, and in most cases deleted. */
function sayStore(store: string): string {
  const [, id] = /^\((.*)\)$/.exec(store) ?? [];
  return id === undefined ? `"${store}"` : `a store that is gone or not this service's (${id})`;
}

/** From this share of what an item may have on there is little room for another suffix or region. */
const NEARLY_FULL = 0.9;

function checkSettings({ active, live, found, wanted, apply }: ComputeJob): CheckResult {
  const id = "compute/settings";
  const { settings } = found;
  // An item that was changed by hand is drift, which no other deploy undoes.
  const write = `write it: ${apply} --overwrite`;
  if (!found.links.some(({ name }) => name === EDGE_STORES.settings))
    return skipped(id, "no Config Store is linked");
  if (storeOf(live.stores, "settings") === undefined) return fail(id, "there is no Config Store", write);
  const item = `the item "${edgeSettingsItem(active.number)}"`;
  if (settings === null)
    return fail(id, `neither ${item} nor "${EDGE_SETTINGS_ITEM}" is in the Config Store`, write);
  if (settings === "") return fail(id, `${item} is empty`, write);
  const fields = appSettingsFields(settings);
  const { format } = fields;
  if (format === undefined) return fail(id, `${item} is not what a deploy writes`, write);
  if (format !== String(EDGE_SETTINGS_FORMAT)) {
    const found = `${item} has the format ${format}, and the app of this program reads ${EDGE_SETTINGS_FORMAT}`;
    return fail(id, found, `deploy with the sitefleet that wrote it, or ${write}`);
  }
  const missing = Object.keys(appSettingsFields(wanted.settings)).filter(
    (name) => !name.includes("[") && !Object.hasOwn(fields, name),
  );
  if (missing.length > 0) return fail(id, `${item} lacks ${missing.join(", ")}`, write);
  const length = Buffer.byteLength(settings);
  const told = `format ${format}, ${length} of ${EDGE_SETTINGS_LIMIT} characters`;
  if (length < EDGE_SETTINGS_LIMIT * NEARLY_FULL) return ok(id, told);
  return warn(id, told, "shorten `hostSuffixes` or `segmented.extensions` before a deploy is refused");
}

/** Whether Fastly has enabled it for a service is told by no API: only the app finds out, and `edge/answer` with it. */
function checkHttpCache({ found, session }: ComputeJob): CheckResult {
  const id = "compute/http-cache";
  const { httpCache } = session.fleet.environment.compute;
  const live = appSettingsFields(found.settings)["httpCache"];
  if (live !== undefined && live !== String(httpCache)) {
    const said = `the edge has ${live}, the settings say ${String(httpCache)}`;
    return fail(id, said, `deploy it: sitefleet deploy apply --env ${session.fleet.environment.name}`);
  }
  if (httpCache) return ok(id, "used; where the service had none, edge/answer would fail");
  return warn(
    id,
    "not used: one time to live for all answers, nothing stale while S3 is in trouble",
    "have Fastly enable the HTTP cache for the service, then set `compute.httpCache` to true",
  );
}

async function checkStoredSecrets({ live, session, apply }: ComputeJob): Promise<CheckResult> {
  const id = "compute/secrets";
  const store = storeOf(live.stores, "private");
  if (store === undefined) return fail(id, "there is no Secret Store", `make it: ${apply}`);
  const entries = await session.client.stores.listSecrets(store.id);
  const names = session.desired.privateItems.map(({ key }) => key);
  const missing = names.filter((name) => !entries.some((entry) => entry.name === name));
  if (missing.length > 0)
    return fail(id, `"${store.name}" lacks ${missing.join(", ")}`, `write them: ${apply}`);
  const told = names.map((name) => {
    const digest = entries.find((entry) => entry.name === name)?.digest ?? "";
    return `${name} (${digest.slice(0, 8)})`;
  });
  return ok(id, `"${store.name}" has ${told.join(", ")}`);
}

function checkBackends({ active, session, apply }: ComputeJob): CheckResult {
  const id = "compute/backends";
  const { backends } = active.content;
  const missing = session.desired.content.backends.filter(
    ({ name }) => !backends.some((backend) => backend.name === name),
  );
  if (missing.length > 0) {
    const names = missing.map(({ name }) => `"${name}"`).join(", ");
    return fail(
      id,
      `version ${active.number} lacks ${names}, which the app asks`,
      `make them: ${apply} --overwrite`,
    );
  }
  const shielded = backends.filter(({ shield }) => shield !== null && shield !== "");
  if (shielded.length > 0) {
    const names = shielded.map(({ name, shield }) => `"${name}" (${shield})`).join(", ");
    return warn(id, `shielded, which the app does not do: ${names}`, `${apply} --overwrite takes it away`);
  }
  return ok(id, `${backends.map(({ name }) => name).join(", ")}, without a shield`);
}

/** What the settings say and only VCL does. */
function checkUnused({ notes }: DesiredService): readonly CheckResult[] {
  return notes.map((note) =>
    warn(
      "compute/without-effect",
      note,
      "take it out of the settings, or take a service with target `vcl` (docs/compute.md)",
    ),
  );
}
