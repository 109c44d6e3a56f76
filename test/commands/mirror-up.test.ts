import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { request } from "undici";
import { expect, test } from "vitest";
import { tempDir } from "../support/temp-dir.ts";
import { mirrorUp } from "./mirror-up-fixture.ts";

/** A mirror with a state folder of its own. */
async function up(flags: readonly string[]) {
  const cwd = await tempDir();
  const state = join(cwd, "state");
  return { ...(await mirrorUp(cwd, [...flags, "--state", state])), state };
}

test("`mirror up` prints its POPs, and where each is reached", async () => {
  const { out, state, stop } = await up(["--pops", "lhr,syd", "--pop-ports", "0"]);
  expect(out).toContain("  POPs        LHR, SYD (header Fastly-Test-Pop)\n");
  const told = [...out.matchAll(/^ {4}([A-Z]{3}) +(http:\S+) {2}(https:\S+)$/gm)];
  expect(told.map(([, pop]) => pop)).toEqual(["LHR", "SYD"]);
  const { edge } = JSON.parse(await readFile(join(state, "mirror.json"), "utf8"));
  expect(edge.pops).toEqual(["LHR", "SYD"]);
  expect(edge.popUrls).toEqual(
    Object.fromEntries(told.map(([, pop, http, https]) => [pop, { http, https }])),
  );
  for (const [, pop, http = ""] of told) {
    const answer = await request(http, { headers: { host: "nobody.test" } });
    // Fastly's page for a domain that no service has names the server that wrote it.
    expect(await answer.body.text()).toContain(`-${pop}`);
  }
  expect((await stop()).code).toBe(0);
});

test("a mirror without named POPs prints the one it has, and no ports of its own", async () => {
  const { out, state, stop } = await up([]);
  expect(out).toContain("  POPs        LHR (header Fastly-Test-Pop)\n  Fastly API");
  const { edge } = JSON.parse(await readFile(join(state, "mirror.json"), "utf8"));
  expect(Object.keys(edge).sort()).toEqual(["ca", "http", "https"]);
  expect((await stop()).code).toBe(0);
});
