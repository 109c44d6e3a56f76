import { describe, expect, it } from "vitest";

import { addDomain } from "../../src/publish/domains.ts";
import { publishFolder } from "../../src/publish/publish.ts";
import { ACME, configOf, folder, newWorld, openDeps, publish, recordOf, visible } from "./publish-fixture.ts";
import { V1, V2, requestsOf } from "./two-editions.ts";

const FIVE = ["a", "b", "c", "d", "e"].map((name) => `${name}.example.com`);

describe("new domains that another site has", () => {
  it("stay its own, cost four requests more each, and are told with what is live", async () => {
    const world = newWorld();
    const taken = FIVE.slice(3);
    const other = { site: "other", siteEnv: "production" };
    await publishFolder(openDeps(world), {
      ...other,
      dir: await folder({ "index.html": "o" }),
      domains: taken,
    });
    const deps = openDeps(world);
    const failure = publish(deps, V1, FIVE);
    await expect(failure).rejects.toMatchObject({ code: "domain/taken", exitCode: 2 });
    await expect(failure).rejects.toMatchObject({
      message:
        '"d.example.com" belongs to site "other"; release 1 of site "acme" is live on a.example.com, b.example.com, c.example.com',
      details: ['"e.example.com" belongs to site "other"'],
      hint: "to take it over: sitefleet domain add d.example.com --site acme --take-over; to leave it there, leave it out of the command: nothing else has to be done again",
    });
    for (const domain of taken) {
      expect(configOf(world, domain)).toMatchObject({ site: "other" });
      expect(visible(world, domain)).toEqual({ "index.html": "o" });
    }
    for (const domain of FIVE.slice(0, 3))
      expect(visible(world, domain)).toMatchObject({ "index.html": "one" });
    expect(Object.keys(recordOf(world).domains).sort()).toEqual(FIVE.slice(0, 3).sort());
    expect(recordOf(world).owed).toEqual([]);
    expect(requestsOf(deps).length).toBeLessThanOrEqual(
      Object.keys(V1).length + 6 + FIVE.length + 4 * taken.length,
    );
  });

  it("are not overwritten where nobody can read their config", async () => {
    const world = newWorld();
    const [first = "", second = ""] = FIVE;
    await publishFolder(openDeps(world), {
      site: "other",
      siteEnv: "production",
      dir: await folder({ "index.html": "o" }),
      domains: [second],
    });
    const key = [...world.config.keys()].find((name) => name.includes(second)) ?? "";
    const object = world.config.get(key);
    if (!object) throw new Error("no config");
    const foreign = { ...object, metadata: { ...object.metadata, v: "9999" } };
    world.config.set(key, foreign);
    const failure = publish(openDeps(world), V1, [first, second]);
    await expect(failure).rejects.toMatchObject({ code: "domain/taken" });
    await expect(failure).rejects.toThrow("has a config that cannot be read");
    expect(world.config.get(key)).toEqual(foreign);
    expect(Object.keys(recordOf(world).domains)).toEqual([first]);
  });

  it("are all looked up in a dry run, which has no other way to find out", async () => {
    const world = newWorld();
    const other = { site: "other", siteEnv: "production" };
    await publishFolder(openDeps(world), { ...other, dir: await folder(V1), domains: FIVE.slice(4) });
    const request = { ...ACME, dir: await folder(V1), domains: FIVE, dryRun: true };
    await expect(publishFolder(openDeps(world), request)).rejects.toMatchObject({ code: "domain/taken" });
  });

  it("are left out, or taken over, and all is well", async () => {
    const world = newWorld();
    const other = { site: "other", siteEnv: "production" };
    const [mine = "", theirs = ""] = FIVE;
    await publishFolder(openDeps(world), { ...other, dir: await folder(V2), domains: [theirs] });
    await expect(publish(openDeps(world), V1, [mine, theirs])).rejects.toMatchObject({
      code: "domain/taken",
    });
    expect(await publish(openDeps(world), V1, [mine])).toMatchObject({ kind: "unchanged", domains: [mine] });
    await addDomain(openDeps(world), ACME, { domain: theirs, choices: {}, takeOver: true });
    const both = await publish(openDeps(world), V1, [mine, theirs]);
    expect(both).toMatchObject({ kind: "unchanged", domains: [mine, theirs], newDomains: [] });
    expect(visible(world, theirs)).toEqual(V1);
  });

  it("fail the command also when the folder is what the site shows already, which is told", async () => {
    const world = newWorld();
    const [mine = "", second = "", theirs = ""] = FIVE;
    const other = { site: "other", siteEnv: "production" };
    await publishFolder(openDeps(world), { ...other, dir: await folder(V2), domains: [theirs] });
    await publish(openDeps(world), V1, [mine]);
    await expect(publish(openDeps(world), V1, [second, theirs])).rejects.toThrow(
      `"${theirs}" belongs to site "other"; release 1 of site "acme" is live on ${mine}, ${second}`,
    );
  });
});
