import { assertNever } from "../../lib/errors.ts";
import type { ServiceSettings } from "../../fastly/wire.ts";
import type { DriftEntry } from "../plan/deploy-plan.ts";
import type { LiveService } from "../live/live.ts";
import { describeRule } from "../service/service-content.ts";
import type { AclRule, ServiceContent } from "../service/service-content.ts";
import { digestOf } from "../live/state.ts";

/** Something made by hand that is kept: its live value, `undefined` where keeping it means that it stays away. */
export interface Kept {
  readonly kind: "domain" | "setting" | "item" | "entry";
  /** As in `DriftEntry.name`. */
  readonly name: string;
  readonly value: string | undefined;
}

const KINDS = ["domain", "setting", "item", "entry"] as const;

/** What `--adopt` keeps of a drift: what no template and no other object depends on. */
export function adoptable(entry: DriftEntry, live: LiveService): Kept | undefined {
  const kind = KINDS.find((one) => one === entry.kind);
  if (kind === undefined || entry.edit !== null) return undefined;
  return { kind, name: entry.name, value: valueOf(live, kind, entry.name) };
}

/** Adoptions of earlier runs that still hold: the live value is the one that was adopted. */
export function rememberedAdoptions(live: LiveService | undefined): readonly Kept[] {
  if (!live?.active) return [];
  return live.state.record.adopted.flatMap((line): readonly Kept[] => {
    const [, word, name, digest] = /^([a-z]+)\/(.+)=([0-9a-f]+|-)$/s.exec(line) ?? [];
    const kind = KINDS.find((one) => one === word);
    if (kind === undefined || name === undefined) return [];
    const value = valueOf(live, kind, name);
    return digestOfValue(value) === digest ? [{ kind, name, value }] : [];
  });
}

/** An adoption as the record keeps it. */
export function formatAdoption({ kind, name, value }: Kept): string {
  return `${kind}/${name}=${digestOfValue(value)}`;
}

/** What an adoption asks its reader to do. */
export function describeAdoption({ kind, name, value }: Kept): string {
  const where = { domain: "domains", setting: "settings", item: "dictionaries", entry: "acls" } as const;
  const what = value === undefined ? "was removed by hand and stays away" : "was made by hand and is kept";
  const settle = `settle it in \`fastly.${where[kind]}\` of the settings, or undo it with --overwrite`;
  return `${kind} "${name}" ${what}: ${settle}`;
}

function digestOfValue(value: string | undefined): string {
  return value === undefined ? "-" : digestOf("adopted", value);
}

function valueOf(live: LiveService, kind: Kept["kind"], name: string): string | undefined {
  const content = live.active?.content;
  if (!content) return undefined;
  const [table = "", key = ""] = splitOnce(name);
  switch (kind) {
    case "domain":
      return content.domains.includes(name) ? "" : undefined;
    case "setting":
      return textOfSetting(content.settings, name);
    case "item":
      return content.dictionaries.find((one) => one.name === table)?.items?.find((item) => item.key === key)
        ?.value;
    case "entry":
      return content.acls
        .find((one) => one.name === table)
        ?.entries.find((entry) => describeRule(entry) === key)?.comment;
    default:
      return assertNever(kind);
  }
}

function textOfSetting(settings: ServiceSettings, name: string): string | undefined {
  const found = Object.entries(settings).find(([field]) => field === name);
  return found ? String(found[1]) : undefined;
}

/** Names of tables hold no slash; keys and networks may. */
function splitOnce(name: string): readonly string[] {
  const at = name.indexOf("/");
  return at === -1 ? [name] : [name.slice(0, at), name.slice(at + 1)];
}

/** The content with one thing as it was made by hand. */
export function withKept(content: ServiceContent, { kind, name, value }: Kept): ServiceContent {
  const [table = "", key = ""] = splitOnce(name);
  switch (kind) {
    case "domain": {
      const others = content.domains.filter((domain) => domain !== name);
      return { ...content, domains: value === undefined ? others : [...others, name] };
    }
    case "setting":
      return value === undefined
        ? content
        : { ...content, settings: withSetting(content.settings, name, value) };
    case "item":
      return {
        ...content,
        dictionaries: content.dictionaries.map((one) => {
          if (one.name !== table || one.items === undefined) return one;
          const others = one.items.filter((item) => item.key !== key);
          return { ...one, items: value === undefined ? others : [...others, { key, value }] };
        }),
      };
    case "entry":
      return {
        ...content,
        acls: content.acls.map((one) => {
          if (one.name !== table) return one;
          const others = one.entries.filter((entry) => describeRule(entry) !== key);
          const entry = value === undefined ? [] : [parseEntry(key, value)];
          return { ...one, entries: [...others, ...entry] };
        }),
      };
    default:
      return assertNever(kind);
  }
}

function withSetting(settings: ServiceSettings, name: string, value: string): ServiceSettings {
  switch (name) {
    case "general.default_ttl":
      return { ...settings, "general.default_ttl": Number(value) };
    case "general.default_host":
      return { ...settings, "general.default_host": value };
    default:
      return settings;
  }
}

function parseEntry(rule: string, comment: string): AclRule {
  const [ip = "", subnet] = rule.replace(/^!/, "").split("/");
  return { ip, subnet: subnet === undefined ? null : Number(subnet), negated: rule.startsWith("!"), comment };
}
