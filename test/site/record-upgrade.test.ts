import { describe, expect, it } from "vitest";

import { newSiteRecord, siteRecordSchema } from "../../src/site/model.ts";
import { upgradeRecord } from "../../src/site/record-upgrade.ts";

const release = {
  id: "3",
  createdAt: "2026-01-01T00:00:00.000Z",
  files: 2,
  redirects: 0,
  bytes: 9,
  digest: "d",
  notFoundPage: true,
  slots: "0=301 /a /b",
};
const state = { forceTls: true, etag: '"e"', digest: "d" };
const first = {
  format: 1,
  site: "acme",
  siteEnv: "production",
  revision: 7,
  stamp: "s",
  counter: 3,
  current: "3",
  previous: null,
  releases: [release],
  policies: { notFound: "page", strictPaths: true, noindex: false, suspended: null },
  rules: ["/old /new"],
  domains: {
    "www.example.com": { kind: "primary", hsts: 300, ...state },
    "example.com": { kind: "alias", canonicalHost: "www.example.com", ...state },
  },
  owed: [{ id: "1", keys: ["c:acme"], reason: "publish", since: "2026-01-01T00:00:00.000Z" }],
  deleting: false,
};

describe("upgradeRecord", () => {
  it("reads a record of format 1 as whole releases with nothing that came later", () => {
    const record = siteRecordSchema.parse(upgradeRecord(first));
    expect(record).toMatchObject({
      format: 2,
      revision: 7,
      releases: [{ id: "3", base: "3", delta: "", notFoundPages: [""], slots: "0=301 /a /b", buckets: null }],
      policies: { strictPaths: true, trailingSlash: "auto", precedence: "file-first" },
      protectedAreas: [],
      domains: { "www.example.com": { hsts: 300, euOnly: false }, "example.com": { kind: "alias" } },
      owed: [{ keys: ["c:acme"], sent: 0 }],
    });
  });

  it("leaves a record of today as it is", () => {
    const record = newSiteRecord({ site: "acme", siteEnv: "production", counter: 0 });
    expect(upgradeRecord(record)).toBe(record);
  });

  it.each([undefined, null, 1, [], { format: 1 }, { ...first, releases: "none" }, { ...first, format: 3 }])(
    "leaves it to the schema to refuse %j",
    (json) => {
      expect(siteRecordSchema.safeParse(upgradeRecord(json)).success).toBe(false);
    },
  );
});
