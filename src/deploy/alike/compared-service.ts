import type { Environment } from "../../settings/environment.ts";
import { appSettingsFields } from "../compute/app-settings.ts";
import { describeRule } from "../service/service-content.ts";
import type { LoggingValue, ServiceContent } from "../service/service-content.ts";

/** A service as it is compared: texts by line, everything else field by field. */
export interface ComparedService {
  /** Lines of VCL files and of snippets (`snippet NAME`), by name. */
  readonly files: ReadonlyMap<string, readonly string[]>;
  /** `backend config.address` and the like. */
  readonly fields: ReadonlyMap<string, string>;
}

/** Stands for the revision, which is a digest of the rest and differs whenever that does. */
const REVISION = "(revision)";

/** @param fastly settings that name the keys of private dictionaries, which no content holds */
export function comparedService(
  content: ServiceContent,
  from: { readonly revision: string; readonly fastly: Environment["fastly"] },
): ComparedService {
  const linesOf = (text: string): readonly string[] =>
    text.replaceAll(from.revision, REVISION).replace(/\n$/, "").split("\n");
  return {
    files: new Map([
      ...content.vcls.map((file) => [file.name, linesOf(file.content)] as const),
      ...content.snippets.map((one) => [`snippet ${one.name}`, linesOf(one.content)] as const),
    ]),
    fields: new Map([
      ...fieldsOf(content),
      ...computeFields(content),
      // A Compute service has none of the team's dictionaries.
      ...(content.compute === null ? privateFields(from.fastly) : []),
    ]),
  };
}

/** The same with every text changed. */
export function mapTexts(service: ComparedService, change: (text: string) => string): ComparedService {
  return {
    files: new Map([...service.files].map(([name, lines]) => [change(name), lines.map(change)] as const)),
    fields: new Map([...service.fields].map(([name, value]) => [change(name), change(value)] as const)),
  };
}

type Field = readonly [name: string, value: string];

function fieldsOf(content: ServiceContent): readonly Field[] {
  return [
    ...content.vcls.map(({ name, main }): Field => [`vcl ${name}.main`, String(main)]),
    ...content.backends.flatMap((one) => objectFields(`backend ${one.name}`, one)),
    ...content.healthchecks.flatMap((one) => objectFields(`healthcheck ${one.name}`, one)),
    ...content.domains.map((name): Field => [`domain ${name}`, "served"]),
    ...content.dictionaries.flatMap(({ name, write_only, items = [] }) => [
      ...objectFields(`dictionary ${name}`, { write_only }),
      ...items.map(({ key, value }): Field => [`dictionary ${name} item ${key}`, value]),
    ]),
    ...content.acls.flatMap(({ name, entries }) => [
      [`ACL ${name}`, "there"] satisfies Field,
      ...entries.map((rule): Field => [`ACL ${name} entry ${describeRule(rule)}`, rule.comment || "there"]),
    ]),
    ...content.snippets.flatMap(({ name, type, priority, dynamic }) =>
      objectFields(`snippet ${name}`, { type, priority, dynamic }),
    ),
    ...content.loggings.flatMap(({ kind, name, fields }) => objectFields(`logging ${kind}/${name}`, fields)),
    ...objectFields("settings", content.settings),
  ];
}

function computeFields({ compute }: ServiceContent): readonly Field[] {
  if (!compute) return [];
  const { revision: _, ...settings } = appSettingsFields(compute.settings);
  return [
    ["package", compute.package?.filesHash ?? ""],
    ...compute.stores.map(({ kind, role, name }): Field => [`${kind} store for ${role}`, name]),
    ...compute.links.map(({ name, store }): Field => [`link ${name}`, store]),
    ...Object.entries(settings).map(([name, value]): Field => [`app ${name}`, value]),
  ];
}

function privateFields({ dictionaries = {} }: Environment["fastly"]): readonly Field[] {
  return Object.entries(dictionaries).flatMap(([name, dictionary]) =>
    "private" in dictionary
      ? Object.entries(dictionary.items).map(([key, value]): Field => [
          `dictionary ${name} item ${key}`,
          fieldText(value),
        ])
      : [],
  );
}

function objectFields(
  label: string,
  object: Readonly<Record<string, LoggingValue | number | boolean>> | object,
): readonly Field[] {
  return Object.entries(object).map(([name, value]): Field => [`${label}.${name}`, fieldText(value)]);
}

function fieldText(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  return "env" in value ? `the value of ${String(value.env)}` : JSON.stringify(value);
}
