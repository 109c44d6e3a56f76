import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createContext } from "../../src/commands/create-context.ts";
import { commands } from "../../src/commands/deploy.ts";
import { toFlags } from "../../src/commands/program.ts";
import type { Report } from "../../src/commands/report.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { SECRET_VALUES, VALID_ENVIRONMENT, VARIABLES } from "../deploy/deploy-fixture.ts";
import { startApi } from "../mirror/api/api-fixture.ts";
import { inputOf } from "../support/command-line.ts";
import { tempDir } from "../support/temp-dir.ts";

type Flags = Readonly<Record<string, string | boolean>>;

/** The commands on an environment of a settings file, whose Fastly is the mirror's API alone. */
async function startTest() {
  const api = await startApi();
  const dir = await tempDir();
  const fastly = { ...VALID_ENVIRONMENT.fastly, apiUrl: api.api.url };
  const settings = { environments: { test: { ...VALID_ENVIRONMENT, fastly } } };
  await writeFile(join(dir, "sitefleet.config.json"), JSON.stringify(settings));
  const said: string[] = [];
  const run = async (verb: string, flags: Flags = {}, args: readonly string[] = []) => {
    const documents: unknown[] = [];
    const texts: string[] = [];
    const report: Report = {
      result(document, text) {
        documents.push(document);
        texts.push(text);
        said.push(JSON.stringify(document), text);
      },
      rows: () => ({ row: () => undefined, end: () => undefined }),
      status: () => undefined,
      step: () => undefined,
      progress: (line) => said.push(line),
      warn: (line) => said.push(line),
    };
    const context = createContext({
      cwd: dir,
      variables: { ...VARIABLES, USER: "ann" },
      clock: systemClock,
      pid: process.pid,
      signal: new AbortController().signal,
      input: inputOf(""),
      report,
      flags: { env: "test", dryRun: flags["dryRun"] === true },
    });
    const command = commands.find((row) => row.verb === verb);
    if (!command) throw new Error(`no command deploy ${verb}`);
    const code = (await command.run(context, { args, flags: toFlags(flags) })) ?? 0;
    return { code, document: documents[0], text: texts[0] ?? "" };
  };
  await api.service("fleet-test");
  await run("apply");
  return { api, dir, run, said };
}

/** Somebody adds a domain in a clone of the live version. */
async function addDomain(api: Awaited<ReturnType<typeof startApi>>): Promise<void> {
  const [id] = [...api.edge.active.keys()];
  const path = `/service/${id}/version`;
  await api.call("PUT", `${path}/1/clone`);
  await api.call("POST", `${path}/2/domain`, { form: { name: "hand.example.net" } });
  await api.call("PUT", `${path}/2/activate`);
}

describe("deploy with changes by hand", () => {
  it("shows them, refuses to undo them, and does what it is told", async () => {
    const { api, run } = await startTest();
    await addDomain(api);
    const planned = await run("plan", { detailedExitcode: true });
    expect(planned.code).toBe(10);
    expect(planned.text).toContain('+ domain "hand.example.net" was added by hand: --adopt keeps it');
    await expect(run("apply")).rejects.toMatchObject({ code: "deploy/drift", exitCode: 6 });
    const both = run("apply", { adopt: true, overwrite: true });
    await expect(both).rejects.toMatchObject({ code: "cli/usage", exitCode: 2 });
    const kept = await run("apply", { adopt: true });
    expect(kept.document).toMatchObject({ outcome: "items-updated", version: 2 });
    expect((await run("status")).document).toMatchObject({
      active: { number: 2, revision: null },
      drift: [],
      pending: [],
    });
    expect((await run("plan", { detailedExitcode: true })).code).toBe(0);
    expect((await run("apply", { overwrite: true })).document).toMatchObject({
      outcome: "deployed",
      version: 3,
    });
    const status = await run("status");
    expect(status.document).toMatchObject({
      active: { number: 3, from: 2, by: "ann" },
      drift: [],
      pending: [],
    });
    expect(status.text).toMatch(/^active {3}version 3 .* by ann {2}revision /m);
  });

  it("keeps the choice in a plan file, which nobody may change", async () => {
    const { api, dir, run, said } = await startTest();
    await addDomain(api);
    await run("plan", { out: "plan.json" });
    const text = await readFile(join(dir, "plan.json"), "utf8");
    await writeFile(join(dir, "tampered.json"), text.replace('"refuse"', '"overwrite"'));
    await expect(run("apply", {}, ["tampered.json"])).rejects.toMatchObject({
      code: "deploy/invalid-plan",
      message: '"tampered.json" was changed after it was made, or made with other secrets',
    });
    await expect(run("apply", {}, ["plan.json"])).rejects.toMatchObject({ code: "deploy/drift" });
    await expect(run("apply", { adopt: true }, ["plan.json"])).rejects.toMatchObject({
      code: "cli/usage",
      message: '"plan.json" was not planned with --adopt',
    });
    const undone = await run("apply", { overwrite: true }, ["plan.json"]);
    expect(undone.document).toMatchObject({ outcome: "deployed", version: 3 });
    const stale = run("apply", { overwrite: true }, ["plan.json"]);
    await expect(stale).rejects.toMatchObject({ code: "deploy/changed-meanwhile", exitCode: 6 });
    for (const value of SECRET_VALUES) expect([text, ...said].join("\n")).not.toContain(value);
  });
});
