import { isIP } from "node:net";
import { z } from "zod";
import { SNIPPET_TYPES } from "../lib/fastly-names.ts";
import { domain, httpUrl, objectName, wellFormed } from "./field-schemas.ts";
import { logging, variableValue } from "./logging-schema.ts";

/** Names of ACLs and dictionaries become VCL identifiers; ours begin with `sitefleet_`. */
const tableName = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_]{0,62}$/, "must be a letter followed by letters, digits and underscores")
  .refine((name) => !name.startsWith("sitefleet_"), "begins with `sitefleet_`, as only sitefleet's own do");

/** `192.0.2.0/24`, `2001:db8::1`, with a leading `!` for addresses that do not match. */
const aclEntry = z.string().refine(isAclEntry, {
  message: "must be an address or a network such as `192.0.2.0/24`, with a leading `!` to leave it out",
});

const aclEntries = z
  .array(z.union([aclEntry, z.strictObject({ entry: aclEntry, comment: wellFormed.max(200) })]))
  // Most entries of an ACL (reference/api/acls).
  .max(1_000);

/** Most characters of a key and of a value (reference/api/dictionaries/dictionary-item). */
const itemKey = wellFormed.min(1).max(256);
const itemValue = wellFormed.max(8_000);

const dictionary = z.union([
  z.strictObject({ items: z.record(itemKey, itemValue) }),
  /** Write-only: its values come from variables, and nobody can read them at Fastly. */
  z.strictObject({ private: z.literal(true), items: z.record(itemKey, variableValue) }),
]);

const snippet = z.strictObject({
  name: objectName,
  type: z.enum(SNIPPET_TYPES),
  /** Lower ones come first. */
  priority: z.int().min(0).max(1_000_000).default(100),
  content: wellFormed.max(1_048_576),
});

/** As Fastly makes them; the mirror's are alike. */
const serviceId = z.string().regex(/^[A-Za-z0-9]{1,32}$/, "must be a service's id, of letters and digits");
const milliseconds = z.int().min(1).max(600_000);

/** The Fastly service of a server environment. */
export const fastly = z.strictObject({
  serviceId: serviceId.optional(),
  /** Service to find (or make, in the mirror) by name when there is no id. */
  serviceName: objectName.optional(),
  /** Ids of further services that show the same buckets, and get every purge too: while domains move between two. */
  alsoPurge: z.array(serviceId).max(4).optional(),
  apiUrl: httpUrl.default("https://api.fastly.com"),
  /** Shield POP code such as `iad-va-us`, `frankfurt-de` or `london_city-uk`; absent = no shielding. */
  shield: z
    .string()
    .max(60)
    .regex(/^[a-z][a-z0-9_]*(-[a-z0-9_]+){0,4}$/, "must be a shield code such as `iad-va-us`")
    .optional(),
  domains: z.array(domain).min(1),
  /** Logging endpoint that log lines name. */
  logEndpoint: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/)
    .default("sitefleet"),
  /** Makes the endpoint that log lines name; absent = you make it yourself, or nothing is logged. */
  logging: logging.optional(),
  /** How the edge reaches the buckets; times in milliseconds. */
  backends: z
    .strictObject({
      connectTimeout: milliseconds.optional(),
      firstByteTimeout: milliseconds.optional(),
      betweenBytesTimeout: milliseconds.optional(),
      maxConnections: z.int().min(1).max(1_000).optional(),
      minTlsVersion: z.enum(["1.2", "1.3"]).optional(),
    })
    .optional(),
  /** Settings of the version: seconds for answers that say nothing of caching, and the Host where a request has none. */
  settings: z
    .strictObject({
      defaultTtl: z.int().min(0).max(31_536_000).optional(),
      defaultHost: z
        .string()
        .regex(/^[A-Za-z0-9_.:[\]-]{0,253}$/, "must be a host name")
        .optional(),
    })
    .optional(),
  /** Access control lists for the team's own VCL, by name. */
  acls: z.record(tableName, aclEntries).optional(),
  /** Dictionaries for the team's own VCL, by name. */
  dictionaries: z.record(tableName, dictionary).optional(),
  /** VCL snippets of the team. */
  snippets: z.array(snippet).max(100).optional(),
});

export type FastlySettings = z.output<typeof fastly>;

function isAclEntry(text: string): boolean {
  const [address = "", length, ...rest] = text.replace(/^!/, "").split("/");
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return (
    length === undefined ||
    (/^(0|[1-9][0-9]{0,2})$/.test(length) && Number(length) <= (family === 4 ? 32 : 128))
  );
}
