import { describe, expect, it, onTestFinished } from "vitest";
import { openEdgeProbe } from "../../src/fleet/edge-probe.ts";
import { fleetOf } from "../../src/fleet/fleet.ts";
import { openPublishing } from "../../src/fleet/publish-session.ts";
import { warm } from "../../src/publish/live/warm.ts";
import type { WarmVisit } from "../../src/publish/live/warm.ts";
import { environmentOf } from "../../src/settings/environment.ts";
import { settingsSchema } from "../../src/settings/schema.ts";
import { exampleSettings } from "../support/environments.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { startScriptedServer } from "../support/scripted-server.ts";

const PAGE = (host: string): string =>
  `<html><head><title>Fastly error: unknown domain ${host}</title></head><body>Fastly error: unknown domain: ${host}.</body></html>`;

/** Warms the first page of hosts at an edge that answers each as told. */
async function noteOf(answers: Readonly<Record<string, { status: number; body: string }>>): Promise<unknown> {
  const server = await startScriptedServer(({ headers }) => answers[headers.host ?? ""] ?? { status: 200 });
  const base = environmentOf(settingsSchema.parse(exampleSettings), "production", {});
  const verify = { url: server.url, hostSuffix: "verify.example.com" };
  const fleet = fleetOf({ ...base, verify }, { clock: new FakeClock() });
  const probe = openEdgeProbe(fleet);
  if (probe === undefined) throw new Error("no probe");
  onTestFinished(() => probe.close());
  const session = openPublishing(fleet);
  onTestFinished(() => session.close());
  const visits = Object.keys(answers).map((host): WarmVisit => ({
    host,
    tls: false,
    path: "/",
    encoding: "br",
    aim: "page",
  }));
  return (await warm(session.deps, probe, visits)).note;
}

describe("a publish to a domain", () => {
  it("that the Fastly service lacks says so, and what adds it", async () => {
    const host = "www.acme.example";
    expect(await noteOf({ [host]: { status: 500, body: PAGE(host) } })).toBe(
      "www.acme.example belongs to no Fastly service, so nobody sees the site there: add it to `fastly.domains` of production in the settings, then: sitefleet deploy apply --env production",
    );
  });

  it("of which others are served names those that are not", async () => {
    const [one, two] = ["one.example", "two.example"];
    const note = await noteOf({
      "www.acme.example": { status: 200, body: "" },
      [one]: { status: 500, body: PAGE(one) },
      [two]: { status: 500, body: PAGE(two) },
    });
    expect(note).toMatch(/^one\.example, two\.example belong to no Fastly service/);
  });

  it("whose own page fails, or speaks of unknown domains, is not taken for that", async () => {
    expect(await noteOf({ "www.acme.example": { status: 500, body: "broken" } })).toBe(
      "1 pages stayed cold; the first: www.acme.example/ was answered with 500",
    );
    expect(await noteOf({ "www.acme.example": { status: 200, body: PAGE("x") } })).toBeUndefined();
  });
});
