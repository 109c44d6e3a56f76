import { expect, it } from "vitest";

import { domainLimits, limitsText } from "../../../src/publish/limits/site-limits.ts";
import { metadataBytes } from "../../../src/site/object-metadata.ts";
import { newWorld, openDeps, publish, recordOf } from "../publish-fixture.ts";

it("tells for each domain what its config takes of the limits", async () => {
  const world = newWorld();
  const files = { "index.html": "one", "a.html": "a", _redirects: "/x/* /a\n/y/:p /a" };
  await publish(openDeps(world), files, ["www.example.com"]);
  await publish(openDeps(world), { ...files, "a.html": "b" });
  const [limits, ...others] = domainLimits(recordOf(world));
  const stored = [...world.config].find(([key]) => key.includes("www.example.com"))?.[1];
  expect(others).toEqual([]);
  expect(limits).toEqual({
    domain: "www.example.com",
    bytes: metadataBytes(stored?.metadata ?? {}),
    bytesLimit: 2_000,
    slots: 2,
    slotsLimit: 24,
    buckets: 0,
    delta: 1,
  });
  expect(limits && limitsText(limits)).toMatch(
    /^config of www\.example\.com: \d+ of 2000 bytes, 2 of 24 rule slots, 0 rule buckets, 1 pages by delta$/,
  );
});
