import { readFile } from "node:fs/promises";
import { request as httpsRequest } from "node:https";
import { join } from "node:path";
import { expect, test } from "vitest";
import { systemClock } from "../../src/lib/clock.ts";
import { mirrorFileSchema } from "../../src/settings/local.ts";
import type { MirrorFile } from "../../src/settings/local.ts";
import { runHere } from "../support/command-line.ts";
import { tempDir } from "../support/temp-dir.ts";
import { mirrorUp } from "./mirror-up-fixture.ts";

async function visit({ edge }: MirrorFile, host: string): Promise<string> {
  const ca = await readFile(edge.ca);
  const { port } = new URL(edge.https);
  return new Promise((resolve, reject) => {
    httpsRequest({ host: "127.0.0.1", port, servername: host, ca, headers: { host } }, (answer) => {
      let body = "";
      answer
        .on("data", (chunk: Buffer) => (body += chunk.toString()))
        .on("end", () => resolve(`${answer.statusCode} ${body}`));
    })
      .on("error", reject)
      .end();
  });
}

test(
  "`mirror up --target compute` runs the app for `local`, which every command then works on",
  { timeout: 120_000 },
  async () => {
    const cwd = await tempDir();
    const type = async (...words: readonly string[]) => runHere(words, { cwd, clock: systemClock });
    const { out, stop } = await mirrorUp(cwd, ["--examples", "--target", "compute"]);
    const text = await readFile(join(cwd, ".sitefleet", "mirror.json"), "utf8");
    const mirror = mirrorFileSchema.parse(JSON.parse(text));
    expect(mirror.edge.target).toBe("compute");
    expect(out).toContain(`https://bakery.localhost:${new URL(mirror.edge.https).port}/`);
    expect(await visit(mirror, "bakery.localhost")).toMatch(/^200 /);
    const plain = await fetch(mirror.edge.http, {
      headers: { host: "bakery.localhost" },
      redirect: "manual",
    });
    expect(plain.status).toBe(308);
    const status = await type("deploy", "status", "--json");
    expect(JSON.parse(status.out)).toMatchObject({ service: { name: "sitefleet-local" }, pending: [] });
    expect(JSON.parse(status.out)).toHaveProperty("package.filesHash");
    const doctor = await type("doctor", "--json");
    const { results } = JSON.parse(doctor.out);
    const stateOf = (id: string): unknown =>
      results.find((one: { readonly id: string }) => one.id === id)?.state;
    const looked = ["compute/package", "compute/settings", "edge/answer", "tls/*.localhost"];
    expect(looked.map((id) => [id, stateOf(id)])).toEqual(looked.map((id) => [id, "ok"]));
    expect(await stop()).toMatchObject({ code: 0 });

    // What the state folder holds is a Compute service for life, and the way out is told.
    const other = await mirrorUp(cwd, ["--examples"]);
    expect(other.isUp).toBe(false);
    const { code, err } = await other.stop();
    expect(code).toBe(2);
    expect(err).toContain("compute/other-target");
    expect(err).toContain("mirror reset");
  },
);

test.each([
  [["--target", "wasm"], '--target is "wasm", which the edge cannot run'],
  [["--target", "compute", "--shield", "iad"], "a Compute service has no shield"],
])("`mirror up %j` is refused", async (flags, message) => {
  const end = await runHere(["mirror", "up", ...flags], { cwd: await tempDir(), clock: systemClock });
  expect(end).toMatchObject({ code: 2, err: expect.stringContaining(message) });
});
