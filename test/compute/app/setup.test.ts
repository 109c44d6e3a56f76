import { describe, expect, test } from "vitest";
import { answerVisitor } from "../../../compute/src/app.ts";
import { Edge, SETTINGS, TOKEN } from "./edge.ts";

const PAGES = { "index.html": { body: "Home" } };

/** The answer is a page with the request's id, and the operator is told. */
async function expectMisconfigured(edge: Edge, reason: string): Promise<void> {
  const answer = await edge.get("/");
  expect(answer.status).toBe(500);
  expect(answer.headers.get("cache-control")).toBe("no-store");
  expect(await answer.text()).toContain("Request req-1");
  expect(edge.asked).toEqual([]);
  expect(JSON.parse(edge.stderr.at(-1) ?? "{}")).toEqual({
    alarm: "settings",
    request: "req-1",
    reason: expect.stringContaining(reason),
  });
}

describe("settings", () => {
  test.each([
    ["none", "missing"],
    ["", "missing"],
    ["{", "has not the format"],
    ["null", "has not the format"],
    ["[]", "has not the format"],
    [JSON.stringify({ ...SETTINGS, format: 2 }), "has not the format"],
    [JSON.stringify({ ...SETTINGS, ttl: { ...SETTINGS.ttl, page: "1h" } }), "has not the format"],
    [JSON.stringify({ ...SETTINGS, origins: [] }), "has not the format"],
    [JSON.stringify({ ...SETTINGS, origins: SETTINGS.origins.slice(0, 1) }), "has not the format"],
    [JSON.stringify({ ...SETTINGS, hostSuffixes: [{}] }), "has not the format"],
    ...Object.keys(SETTINGS).map((name) => [
      JSON.stringify({ ...SETTINGS, [name]: undefined }),
      "has not the format",
    ]),
  ])("that are %j are a clear page and an alarm", async (settings = "", reason = "") => {
    const edge = new Edge().site({}, PAGES);
    edge.settings = settings;
    await expectMisconfigured(edge, reason);
  });

  test("of the version that answers come before those of all", async () => {
    const edge = new Edge().site({}, PAGES);
    const version = edge.platform().env("FASTLY_SERVICE_VERSION") ?? "";
    const asked = { headers: { "sitefleet-debug": TOKEN } };
    const revision = async () => (await edge.get("/", asked)).headers.get("sf-revision");
    edge.versionSettings.set(`settings-${version}0`, JSON.stringify({ ...SETTINGS, revision: "another" }));
    expect(await revision()).toBe(SETTINGS.revision);
    edge.versionSettings.set(`settings-${version}`, JSON.stringify({ ...SETTINGS, revision: "own" }));
    expect(await revision()).toBe("own");
    edge.settings = "none";
    expect(await revision()).toBe("own");
  });

  test("of the version that answers are not replaced by those of all where they are wrong", async () => {
    const edge = new Edge().site({}, PAGES);
    const version = edge.platform().env("FASTLY_SERVICE_VERSION") ?? "";
    edge.versionSettings.set(`settings-${version}`, "{");
    await expectMisconfigured(edge, `the item "settings-${version}"`);
  });

  test("that cannot be read are a clear page and an alarm", async () => {
    const edge = new Edge();
    const platform = edge.platform();
    const visitor = {
      method: "HEAD",
      target: "/",
      headers: new Headers(),
      address: "192.0.2.1",
      country: "",
      isTls: true,
      requestId: "req-1",
    };
    class Gone {
      constructor() {
        throw new Error("no such store");
      }
      get(): null {
        return null;
      }
    }
    const answer = await answerVisitor(visitor, { ...platform, ConfigStore: Gone });
    expect([answer.status, answer.body]).toEqual([500, null]);
    expect(edge.stderr.at(-1)).toContain("no such store");
  });
});

describe("secrets", () => {
  test.each([
    ["config_s3_key", undefined],
    ["hosting_s3_key", undefined],
    ["config_segment", undefined],
    ["config_s3_key", "no pair"],
    ["hosting_s3_key", ":x"],
    ["hosting_s3_key", "two\nlines:x"],
    ["config_segment", "../up"],
    ["config_segment", ""],
  ])("of which %s is %j are a clear page and an alarm, also in the log", async (name, value) => {
    const edge = new Edge().site({}, PAGES);
    if (value === undefined) edge.secrets.delete(name);
    else edge.secrets.set(name, value);
    await expectMisconfigured(edge, `"${name}"`);
    expect(edge.alarms()).toHaveLength(1);
    expect(edge.lines.join(" ")).not.toContain(
      value === undefined || value === "" ? "hosting:secret" : value,
    );
  });
});

describe("what nobody has thought of", () => {
  test("is the page of storage in trouble, and an alarm that says it", async () => {
    const edge = new Edge().site({}, PAGES);
    const platform = edge.platform();
    const visitor = {
      method: "GET",
      target: "/",
      headers: new Headers({ Host: "www.example", "Sitefleet-Debug": "x" }),
      address: "192.0.2.1",
      country: "",
      isTls: true,
      requestId: "req-1",
    };
    const answer = await answerVisitor(visitor, {
      ...platform,
      healthOf: () => {
        throw new Error("a bug");
      },
    });
    expect(answer.status).toBe(200);
    edge.settings = JSON.stringify({
      ...SETTINGS,
      origins: [...SETTINGS.origins, ...SETTINGS.origins.map((origin) => ({ ...origin, isSecond: true }))],
    });
    const broken = await answerVisitor(visitor, {
      ...platform,
      healthOf: () => {
        throw new Error("a bug");
      },
    });
    expect([broken.status, edge.log()["phase"], edge.log()["status"]]).toEqual([503, "trouble", 503]);
    expect(edge.alarms()).toEqual([{ alarm: "exception", request: "req-1", reason: "a bug" }]);
  });

  test("a log that is not there keeps no page from a visitor", async () => {
    const edge = new Edge({ ...SETTINGS, logEndpoint: "gone" }).site({}, PAGES);
    expect((await edge.get("/")).status).toBe(200);
    expect(edge.stderr).toEqual([expect.stringContaining('not logged to "gone"')]);
  });
});
