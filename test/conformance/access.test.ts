import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { get } from "../../src/conformance/case.ts";
import { basic, putSite, rawPage } from "../../src/conformance/raw-site.ts";
import { runCases } from "../../src/conformance/run.ts";
import type { Step } from "../../src/conformance/case.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";

const PASSWORD = "a password for the log";
const LARGE = "0123456789abcdef".repeat(163_840);

describe("what the log of the edge holds", () => {
  let fleet: Fleet;

  beforeAll(async () => {
    fleet = await startFleet();
    await fleet.deploy();
  }, 120_000);
  afterAll(() => fleet.close());

  /** The lines that a run of steps leaves, which must all pass. */
  async function linesOf(steps: readonly Step[], marker: string): Promise<readonly string[]> {
    const row = { id: "log", title: "log", source: "log", steps: [...steps, { log: { path: marker } }] };
    expect(await runCases([row], fleet.target)).toMatchObject([{ verdict: "passed", reasons: [] }]);
    return fleet.log;
  }

  it("is neither a password nor a verifier", async () => {
    const site = {
      host: "logged",
      site: "sf-raw-logged",
      config: { r: "1" },
      passwords: { "/": PASSWORD },
      objects: { "1/index.html": rawPage("Logged home", "/"), "1/last.html": rawPage("Last", "/last") },
    };
    const sent = { headers: { Authorization: basic(PASSWORD) } };
    const wrong = { headers: { Authorization: basic("a wrong password") } };
    const lines = await linesOf(
      [
        putSite(site),
        get("logged", "/", { status: 200 }, sent),
        get("logged", "/", { status: 401 }, wrong),
        get("logged", "/last", { status: 200 }, sent),
      ],
      "/last",
    );
    const text = lines.join("\n");
    expect(text).toContain("/last");
    for (const secret of [PASSWORD, basic(PASSWORD).slice(6), basic("a wrong password").slice(6), "Basic"]) {
      expect(text).not.toContain(secret);
    }
    expect(text).not.toMatch(/[0-9a-f]{64}/);
  });

  it("is one line for a file that is cached in blocks", async () => {
    const site = {
      host: "logged",
      site: "sf-raw-logged",
      config: { r: "1" },
      objects: { "1/large.mp4": { body: LARGE, type: "video/mp4" }, "1/end.html": rawPage("End", "/end") },
    };
    const before = fleet.log.length;
    const lines = await linesOf(
      [
        putSite(site),
        get("logged", "/large.mp4", { status: 200, body: { bytes: LARGE.length } }),
        get("logged", "/end", { status: 200 }),
      ],
      "/end",
    );
    expect(lines.slice(before).filter((line) => line.includes("/large.mp4"))).toHaveLength(1);
  });
});
