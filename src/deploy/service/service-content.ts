import type { ComputeContent } from "./compute-content.ts";
import type { AclEntry, Backend, Healthcheck, ServiceSettings, Snippet, VclFile } from "../../fastly/wire.ts";

/**
 * What sitefleet decides of a service, live or wanted; lists are sorted by name. Items of dictionaries and entries of
 * ACLs have no version at Fastly: changing them changes what is live.
 */
export interface ServiceContent {
  readonly vcls: readonly VclFile[];
  readonly backends: readonly Backend[];
  readonly healthchecks: readonly Healthcheck[];
  readonly domains: readonly string[];
  readonly dictionaries: readonly DictionaryContent[];
  readonly acls: readonly AclContent[];
  readonly snippets: readonly Snippet[];
  readonly loggings: readonly LoggingContent[];
  readonly settings: ServiceSettings;
  /** `null` in VCL services. */
  readonly compute: ComputeContent | null;
}

export interface DictionaryContent {
  readonly name: string;
  readonly write_only: boolean;
  /** Of a public dictionary of the team, sorted by key; never those of a private one, nor of the deployer's own. */
  readonly items?: readonly TableItem[];
}

export interface TableItem {
  readonly key: string;
  readonly value: string;
}

export interface AclContent {
  readonly name: string;
  /** Sorted by address, as text. */
  readonly entries: readonly AclRule[];
}

/** An entry without its id: `subnet` is the prefix length of a network, `null` for one address. */
export type AclRule = Omit<AclEntry, "id">;

/** A logging endpoint: every field that sitefleet decides, under Fastly's names. */
export interface LoggingContent {
  /** Last segment of the kind's path, such as `s3`. */
  readonly kind: string;
  readonly name: string;
  readonly fields: Readonly<Record<string, LoggingValue>>;
}

/** A field's text, or the variable that it comes from; of a live value that is another one only that is told. */
export type LoggingValue = string | { readonly env: string };

/** A version with nothing in it. */
export const EMPTY_CONTENT: ServiceContent = {
  vcls: [],
  backends: [],
  healthchecks: [],
  domains: [],
  dictionaries: [],
  acls: [],
  snippets: [],
  loggings: [],
  settings: { "general.default_ttl": 3_600, "general.default_host": "", "general.stale_if_error": false },
  compute: null,
};

/** The same content with every list in order, and no domain twice. */
export function sortContent(content: ServiceContent): ServiceContent {
  return {
    vcls: byName(content.vcls),
    backends: byName(content.backends),
    healthchecks: byName(content.healthchecks),
    domains: [...new Set(content.domains)].sort(),
    dictionaries: byName(content.dictionaries).map((one) =>
      one.items === undefined ? one : { ...one, items: sortedBy(one.items, ({ key }) => key) },
    ),
    acls: byName(content.acls).map((one) => ({ ...one, entries: sortedBy(one.entries, describeRule) })),
    snippets: byName(content.snippets),
    loggings: sortedBy(content.loggings, ({ kind, name }) => `${kind}/${name}`),
    settings: content.settings,
    compute: content.compute && {
      ...content.compute,
      stores: byName(content.compute.stores),
      links: byName(content.compute.links),
    },
  };
}

/** An entry as the settings write it: `!192.0.2.0/24`. */
export function describeRule({ ip, subnet, negated }: AclRule): string {
  return `${negated ? "!" : ""}${ip}${subnet === null ? "" : `/${subnet}`}`;
}

function byName<T extends { readonly name: string }>(list: readonly T[]): readonly T[] {
  return sortedBy(list, ({ name }) => name);
}

function sortedBy<T>(list: readonly T[], textOf: (item: T) => string): readonly T[] {
  return [...list].sort((a, b) => (textOf(a) < textOf(b) ? -1 : textOf(a) > textOf(b) ? 1 : 0));
}
