import { EDGE_PATTERNS } from "../../src/site/edge-patterns.ts";
import { CONFIG_METADATA } from "../../src/site/metadata.ts";
import { pageAnswer } from "./error-page.ts";
import { alarm } from "./log.ts";
import { trouble } from "./origin-trouble.ts";
import { noteConfig } from "./probe.ts";
import { headerOf, isReadable, siteOf } from "./metadata.ts";
import { readThrough } from "./read-through.ts";
import type { Stored } from "./read-through.ts";
import { unknownHost } from "./unknown-host.ts";
import type { Answer, ConfigFields, Decision, Visit } from "./visit.ts";

const HOST = new RegExp(EDGE_PATTERNS.host);
const RELEASE = new RegExp(EDGE_PATTERNS.release);

/** Asks the config bucket what the host is: its object's metadata decides all that follows. */
export async function lookUpConfig(visit: Visit): Promise<Decision> {
  const host = (visit.headers.get("host") ?? "").toLowerCase().replace(/\.?(?::[0-9]+)?$/, "");
  if (host.length > 253 || !HOST.test(host)) return pageAnswer(visit, "badRequest", { status: 400 });
  const { environment, hostSuffixes } = visit.settings;
  visit.host = host;
  visit.siteEnv = hostSuffixes.find(({ suffix }) => host.endsWith(suffix))?.siteEnv ?? "production";
  visit.phase = "config";
  const url = `/${environment}/${visit.siteEnv}/${host}`;
  const stored = await readThrough(visit, { bucket: "config", url }, { mayRetry: true });
  await stored.discard();
  await noteConfig(visit, stored, siteOf(stored.headers));
  if (stored.status === 404) return unknownHost(visit);
  if (stored.status !== 200) return trouble(visit);
  return readConfig(visit, stored);
}

function readConfig(visit: Visit, { headers }: Stored): Decision {
  const site = siteOf(headers);
  const config = fieldsOf(headers);
  if (isReadable(headers) && site !== undefined) {
    visit.site = site;
    const { base, release } = config;
    if (base !== undefined && RELEASE.test(base)) {
      visit.base = base;
      visit.release = release !== undefined && RELEASE.test(release) ? release : undefined;
    }
  }
  const isUsable =
    visit.site !== "" &&
    (visit.base !== undefined || config.canonicalHost !== undefined || config.suspended !== undefined);
  if (!isUsable) return unusableConfig(visit);
  visit.config = config;
  visit.phase = "page";
  return undefined;
}

const FIELDS: ReadonlyMap<string, string> = new Map(
  Object.entries(CONFIG_METADATA).map(([field, letter]) => [headerOf(letter), field]),
);

/** Once through what there is: asking for each field by itself would be 18 calls of the platform, most for nothing. */
function fieldsOf(headers: Headers): ConfigFields {
  const config: Record<string, string> = {};
  headers.forEach((value, name) => {
    const field = FIELDS.get(name);
    if (field !== undefined) config[field] = value;
  });
  return config;
}

/** The answer to a config that says what no config says; the operator is told. */
export function unusableConfig(visit: Visit): Answer {
  visit.phase = "unusable-config";
  alarm(visit, { alarm: "unusable config", domain: visit.host });
  return pageAnswer(visit, "unusableConfig", { status: 500 });
}
