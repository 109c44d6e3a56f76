import { z } from "zod";
import { LOGGING_KINDS } from "./logging-names.ts";
import type { LoggingKind } from "./logging-names.ts";

/** One field of a stored object. */
export type FieldValue = string | number | boolean | null | readonly string[];

/** A stored object: its fields under Fastly's own names, with `created_at` and `updated_at`. */
export type ResourceRecord = Readonly<Record<string, FieldValue>>;

const CORE_KINDS = [
  "domain",
  "backend",
  "healthcheck",
  "vcl",
  "snippet",
  "dictionary",
  "acl",
  "condition",
  "header",
  "request_settings",
  "cache_settings",
  "gzip",
  "response_object",
  "director",
  "director_backend",
  "pool",
  "rate_limiter",
  "resource",
  "http3",
  "image_optimizer_default_settings",
  "package",
] as const;

/** The kinds of objects that live in a service version. */
export type KindName = (typeof CORE_KINDS)[number] | LoggingKind;
export const KIND_NAMES: readonly KindName[] = [...CORE_KINDS, ...LOGGING_KINDS];

const fieldValueSchema = z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.string())]);
const recordSchema = z.record(z.string(), fieldValueSchema);

const versionMetaSchema = z.object({
  number: z.int().positive(),
  comment: z.string(),
  locked: z.boolean(),
  createdAt: z.string(),
  updatedAt: z.string(),
});

/** What a service is without its versions' objects: the commit point of creation, cloning and activation. */
export const serviceSchema = z.object({
  id: z.string().regex(/^[A-Za-z0-9]{22}$/),
  name: z.string(),
  type: z.enum(["vcl", "wasm"]),
  comment: z.string(),
  createdAt: z.string(),
  updatedAt: z.string(),
  deletedAt: z.string().nullable(),
  activeVersion: z.int().positive().nullable(),
  versions: z.array(versionMetaSchema),
});

const settingsSchema = z.object({
  defaultHost: z.string(),
  /** Seconds. */
  defaultTtl: z.int(),
  defaultPci: z.int(),
  staleIfError: z.boolean(),
  /** Seconds. */
  staleIfErrorTtl: z.int(),
});

type Resources = Readonly<Record<KindName, readonly ResourceRecord[]>>;

/** Everything inside one version. A kind that the file does not name is one that its writer did not know: it has none. */
export const versionObjectsSchema = z.object({
  settings: settingsSchema,
  resources: z.partialRecord(z.enum(KIND_NAMES), z.array(recordSchema)).transform(withEveryKind),
});

function withEveryKind(known: Partial<Resources>): Resources {
  const empty = Object.fromEntries(KIND_NAMES.map((kind) => [kind, []])) as Record<KindName, []>;
  return { ...empty, ...known };
}

/** Versionless content of a dictionary, an ACL or a dynamic snippet: its records by key. */
export const collectionSchema = z.array(z.tuple([z.string(), recordSchema]));

/** Who the token belongs to; made once per state folder, so that ids stay the same over restarts. */
export const accountSchema = z.object({
  customerId: z.string(),
  userId: z.string(),
  tokenId: z.string(),
  createdAt: z.string(),
});

type DeepReadonly<T> = T extends (infer E)[]
  ? readonly DeepReadonly<E>[]
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T;

export type VersionMeta = DeepReadonly<z.infer<typeof versionMetaSchema>>;
export type ServiceRecord = DeepReadonly<z.infer<typeof serviceSchema>>;
export type VersionSettings = DeepReadonly<z.infer<typeof settingsSchema>>;
export type VersionObjects = DeepReadonly<z.infer<typeof versionObjectsSchema>>;
export type Account = DeepReadonly<z.infer<typeof accountSchema>>;
export type Collection = ReadonlyMap<string, ResourceRecord>;

/** A new version: no objects, Fastly's default settings (recorded in services/{id}/details). */
export const EMPTY_VERSION: VersionObjects = {
  settings: {
    defaultHost: "",
    defaultTtl: 3600,
    defaultPci: 0,
    staleIfError: false,
    staleIfErrorTtl: 43_200,
  },
  resources: withEveryKind({}),
};

/** A text field of a record; `""` when it is missing or null. */
export function textOf(record: ResourceRecord, field: string): string {
  const value = record[field];
  return value === null || value === undefined ? "" : String(value);
}

/** A numeric field of a record; 0 when it is missing or null. */
export function numberOf(record: ResourceRecord, field: string): number {
  const value = record[field];
  return typeof value === "number" ? value : Number(value ?? 0);
}

/** ISO 8601 with seconds and `Z`, as Fastly prints times. */
export function timestamp(nowMs: number): string {
  return `${new Date(nowMs).toISOString().slice(0, 19)}Z`;
}
