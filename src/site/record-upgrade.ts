import { z } from "zod";

const looseObject = z.record(z.string(), z.unknown());
const firstFormat = z.looseObject({
  format: z.literal(1),
  policies: looseObject,
  releases: z.array(z.looseObject({ id: z.string(), notFoundPage: z.boolean() })),
  domains: z.record(z.string(), looseObject),
  owed: z.array(looseObject),
});

/**
 * A site record as JSON, in today's format. Format 1 knew whole releases only; all that came later has the value that it
 * behaved by. What is neither is handed back for the schema to refuse.
 */
export function upgradeRecord(json: unknown): unknown {
  if (!isFirstFormat(json)) return json;
  const parsed = firstFormat.safeParse(json);
  if (!parsed.success) return json;
  const { policies, releases, domains, owed, ...rest } = parsed.data;
  return {
    ...rest,
    format: 2,
    policies: { trailingSlash: "auto", precedence: "file-first", ...policies },
    protectedAreas: [],
    releases: releases.map(({ notFoundPage, ...release }) => ({
      base: release.id,
      delta: "",
      notFoundPages: notFoundPage ? [""] : [],
      trailingSlash: "auto",
      buckets: null,
      ...release,
    })),
    domains: Object.fromEntries(
      Object.entries(domains).map(([domain, entry]) => [
        domain,
        entry["kind"] === "primary" ? { euOnly: false, ...entry } : entry,
      ]),
    ),
    owed: owed.map((purge) => ({ sent: 0, ...purge })),
  };
}

/** Asked first: nearly every record is of today's format, and the schema takes longer to build than to say so. */
function isFirstFormat(json: unknown): boolean {
  return typeof json === "object" && json !== null && "format" in json && json.format === 1;
}
