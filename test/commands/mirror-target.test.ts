import { readFile } from "node:fs/promises";
import { request as httpsRequest } from "node:https";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runCommandLine } from "../../src/commands/run-command-line.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { mirrorFileSchema } from "../../src/settings/local.ts";
import type { MirrorFile } from "../../src/settings/local.ts";
import { inputOf, runHere } from "../support/command-line.ts";
import { tempDir } from "../support/temp-dir.ts";

const ANY_PORTS = ["--edge-port", "--edge-tls-port", "--api-port", "--s3-port", "--inspector-port"];

/** Runs `mirror up --examples` with more flags while `use` runs; resolves with what it printed, or with its end. */
async function withMirror(
  cwd: string,
  flags: readonly string[],
  use: (mirror: MirrorFile, out: string) => Promise<void>,
): Promise<{ readonly code: number; readonly err: string }> {
  const stopping = new AbortController();
  let [out, err] = ["", ""];
  let isUp = (): void => undefined;
  const started = new Promise<void>((resolve) => void (isUp = resolve));
  const ports = ANY_PORTS.flatMap((flag) => [flag, "0"]);
  const end = runCommandLine(["mirror", "up", "--examples", ...flags, ...ports], {
    cwd,
    variables: {},
    clock: systemClock,
    pid: process.pid,
    signal: stopping.signal,
    input: inputOf(""),
    out: (text) => {
      out += text;
      if (out.includes("Ctrl-C stops it")) isUp();
    },
    err: (text) => void (err += text),
  });
  await Promise.race([started, end]);
  try {
    if (out.includes("Ctrl-C stops it")) {
      const text = await readFile(join(cwd, ".sitefleet", "mirror.json"), "utf8");
      await use(mirrorFileSchema.parse(JSON.parse(text)), out);
    }
  } finally {
    stopping.abort();
  }
  return { code: await end, err };
}

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
    const up = await withMirror(cwd, ["--target", "compute"], async (mirror, out) => {
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
    });
    expect(up).toMatchObject({ code: 0 });

    // What the state folder holds is a Compute service for life, and the way out is told.
    const other = await withMirror(cwd, [], () => Promise.reject(new Error("it came up")));
    expect(other.code).toBe(2);
    expect(other.err).toContain("compute/other-target");
    expect(other.err).toContain("mirror reset");
  },
);

test.each([
  [["--target", "wasm"], '--target is "wasm", which the edge cannot run'],
  [["--target", "compute", "--shield", "iad"], "a Compute service has no shield"],
])("`mirror up %j` is refused", async (flags, message) => {
  const end = await runHere(["mirror", "up", ...flags], { cwd: await tempDir(), clock: systemClock });
  expect(end).toMatchObject({ code: 2, err: expect.stringContaining(message) });
});
