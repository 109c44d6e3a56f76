import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { diffFiles } from "../../../src/deploy/plan/plan-diff.ts";
import { readVersion } from "../../../src/deploy/live/read-version.ts";
import { TEMPLATES, renderService } from "../../../src/render/render.ts";
import { startApi } from "../../mirror/api/api-fixture.ts";
import { exampleEnvironment } from "../../support/environments.ts";
import { startFaultProxy } from "../../support/fault-proxy.ts";
import { deployerAt, desiredWith } from "../deploy-fixture.ts";

describe("readVersion", () => {
  it.each([
    ["hold no objects", (id: string) => ({ id, name: "fleet-test", version: { number: 1 } })],
    ["show another version", (id: string) => ({ id, name: "fleet-test", version: { number: 9, vcls: [] } })],
    [
      "hold only summaries",
      (id: string) => ({
        id,
        name: "fleet-test",
        version: { number: 1, comment: "c", vcls: [{ name: "main" }], backends: [{ name: "config" }] },
      }),
    ],
    ["show no version", (id: string) => ({ id, name: "fleet-test", version: null })],
  ])("reads kind by kind where the service's details %s", async (_, details) => {
    const api = await startApi();
    const { serviceId } = await deployerAt(api.api.url).deploy(desiredWith());
    const id = serviceId ?? "";
    const proxy = await startFaultProxy(api.api.url, ({ url }) =>
      url.includes("/details") ? { status: 200, body: details(id) } : "pass",
    );
    const { content } = await readVersion(deployerAt(proxy.url).client, { serviceId: id, version: 1 });
    expect(content).toEqual(desiredWith().content);
  });

  it("takes one call where the details hold everything", async () => {
    const api = await startApi();
    const { serviceId } = await deployerAt(api.api.url).deploy(desiredWith());
    const proxy = await startFaultProxy(api.api.url, () => "pass");
    const ref = { serviceId: serviceId ?? "", version: 1 };
    const { content, comment } = await readVersion(deployerAt(proxy.url).client, ref);
    expect(content).toEqual(desiredWith().content);
    expect(comment).toContain("sitefleet 1 from none");
    expect(proxy.calls).toHaveLength(1);
  });
});

describe("diffFiles", () => {
  const sides = { version: 3, files: [], hide: (text: string) => text };
  const fileOf = (content: string) => ({ name: "main", content, main: true });
  const linesOf = (word: string, count: number): string =>
    Array.from({ length: count }, (_, line) => `${word} ${line}\n`).join("");

  it("shows files that have nothing in common as a whole, without comparing them line by line", () => {
    const [diff] = diffFiles({
      ...sides,
      current: [fileOf(linesOf("old", 20_000))],
      target: [fileOf(linesOf("new", 10_000))],
    });
    expect(diff?.hunks).toHaveLength(1);
    expect(diff?.hunks[0]).toMatchObject({
      before: { start: 1, lines: 20_000 },
      after: { start: 1, lines: 10_000 },
    });
    expect(diff?.patch.split("\n").slice(0, 4)).toEqual([
      "--- main (version 3)",
      "+++ main (rendered)",
      "@@ -1,20000 +1,10000 @@",
      "-old 0",
    ]);
  });

  it("names the template line of each piece of rendered VCL", () => {
    const environment = exampleEnvironment("production");
    const rendered = renderService({ ...environment, tlsRedirectStatus: 301 });
    const [diff] = diffFiles({
      ...sides,
      files: rendered.files,
      target: rendered.files,
      current: renderService({ ...environment, tlsRedirectStatus: 308 }).files,
    });
    const piece = diff?.hunks.find(({ lines }) => lines.some((line) => /^\+.*\b301\b/.test(line)));
    expect(piece?.templates.map(({ template }) => template)).toEqual(["force-tls.vcl.njk"]);
    const source = readFileSync(join(TEMPLATES, "force-tls.vcl.njk"), "utf8").split("\n");
    expect(source[(piece?.templates[0]?.line ?? 0) - 1]).toContain("tlsRedirectStatus");
    expect(diff?.patch).toMatch(/^@@ -\d+,\d+ \+\d+,\d+ @@ \(force-tls\.vcl\.njk:\d+\)$/m);
  });

  it("shows a new file and one that goes as diff does", () => {
    const [added] = diffFiles({ ...sides, current: [], target: [fileOf("a\n")] });
    expect(added?.patch).toBe("--- /dev/null\n+++ main (rendered)\n@@ -0,0 +1,1 @@\n+a\n");
    const [gone] = diffFiles({ ...sides, current: [fileOf("a\n")], target: [] });
    expect(gone?.patch).toBe("--- main (version 3)\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-a\n");
  });
});
