import { z } from "zod";
import { SitefleetError } from "../lib/errors.ts";
import { ENVIRONMENT_NAME } from "../settings/schema.ts";
import { HSTS_LIMIT } from "../site/model.ts";
import { SURROGATE_KEY_LIMIT } from "../site/surrogate-keys.ts";
import { badRequest } from "./refusal.ts";

/*
 * What a request may hold. The same schemas check it and are published in /openapi.json. Names of sites and domains are
 * checked further by those who know the rules for them.
 */

const site = z
  .string()
  .min(1)
  .max(40)
  .meta({ description: "site uid", examples: ["acme"] });
const domain = z
  .string()
  .min(1)
  .max(253)
  .meta({ description: "host name in lower case", examples: ["www.example.com"] });
const siteEnv = z.string().regex(ENVIRONMENT_NAME).meta({ description: "website environment" });

export const siteParams = z.strictObject({ site });
export const domainParams = z.strictObject({ site, domain });
export const jobParams = z.strictObject({ id: z.uuid() });
export const noParams = z.strictObject({});
export const noQuery = z.strictObject({});

export const publishQuery = z.strictObject({
  siteEnv: siteEnv
    .optional()
    .meta({ description: "website environment; default: that of the domains, else production" }),
  domain: z
    .array(domain)
    .max(100)
    .optional()
    .meta({ description: "domains to add to the site; may be repeated" }),
  strip: z
    .enum(["0", "1"])
    .optional()
    .meta({ description: "1: take off the one folder that everything in the tarball is in" }),
});

export const prefixBody = z
  .strictObject({
    prefix: z
      .string()
      .min(1)
      .max(512)
      .meta({
        description: "folder below `<environment>/_incoming/<site>/` of the hosting bucket",
        examples: ["build-42"],
      }),
  })
  .meta({ id: "Prefix", description: "publishes what lies in the hosting bucket" });

export const domainBody = z
  .strictObject({
    forceTls: z.boolean().optional().meta({ description: "redirect http to https" }),
    hsts: z
      .int()
      .min(0)
      .max(HSTS_LIMIT)
      .nullable()
      .optional()
      .meta({ description: "HSTS max-age in seconds; null for none" }),
    canonicalHost: domain
      .nullable()
      .optional()
      .meta({ description: "redirect every request to this host; null to show the site" }),
    takeOver: z.boolean().optional().meta({ description: "take it from the site that has it" }),
  })
  .meta({ id: "DomainChoices", description: "choices for a domain; what is absent stays as it is" });

/** One, or several. */
function oneOrMore<T extends z.ZodType>(item: T): z.ZodUnion<readonly [T, z.ZodArray<T>]> {
  return z.union([item, z.array(item).min(1).max(256)]);
}

export const purgeBody = z
  .strictObject({
    site: oneOrMore(site).optional().meta({ description: "everything of a site" }),
    domain: oneOrMore(domain)
      .optional()
      .meta({ description: "the config of a domain, and that it is unknown" }),
    url: oneOrMore(z.url({ protocol: /^https?$/ }).max(4_096))
      .optional()
      .meta({ description: "the page at a URL, on every domain of its site" }),
    key: oneOrMore(z.string().min(1).max(SURROGATE_KEY_LIMIT))
      .optional()
      .meta({ description: "everything with a surrogate key" }),
    all: z.literal(true).optional().meta({ description: "everything of the service" }),
    soft: z.boolean().optional().meta({ description: "keep things as stale instead of dropping them" }),
  })
  .refine((body) => Object.keys(body).some((name) => name !== "soft"), "must name what to purge")
  .meta({
    id: "Purge",
    description: "what to remove from the edge's cache; at least one of its fields but `soft`",
  });

/**
 * Checks something that came with a request.
 * @throws SitefleetError `hook/bad-request` with every problem
 */
export function checked<T extends z.ZodType>(schema: T, value: unknown, what: string): z.output<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const details = parsed.error.issues.map(({ path, message }) =>
    [path.join("."), message].filter(Boolean).join(": "),
  );
  throw new SitefleetError(
    "hook/bad-request",
    `${what} cannot be used: ${details[0] ?? "it has another form"}`,
    {
      hint: "see docs/hooks.md, or GET /openapi.json",
      details,
    },
  );
}

/** The query as the schema wants it: names that hold lists may be repeated, no other. */
export function queryOf(schema: z.ZodObject, query: URLSearchParams): Readonly<Record<string, unknown>> {
  const found = new Map<string, unknown>();
  for (const name of new Set(query.keys())) {
    const values = query.getAll(name);
    const field: unknown = Object.hasOwn(schema.shape, name) ? schema.shape[name] : undefined;
    const isList = field instanceof z.ZodOptional && field.unwrap() instanceof z.ZodArray;
    if (!isList && values.length > 1) throw badRequest(`the query has "${name.slice(0, 40)}" more than once`);
    found.set(name, isList ? values : values[0]);
  }
  return Object.fromEntries(found);
}

/** Reads a JSON body: UTF-8, one document. */
export function parseJson(body: Uint8Array): unknown {
  try {
    const value: unknown = JSON.parse(
      new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body),
    );
    return value;
  } catch (error) {
    if (!(error instanceof SyntaxError) && !(error instanceof TypeError)) throw error;
    throw badRequest("the body is not JSON in UTF-8");
  }
}
