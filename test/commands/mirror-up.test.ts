import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { request } from "undici";
import { expect, test } from "vitest";
import { runCommandLine } from "../../src/commands/run-command-line.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { inputOf } from "../support/command-line.ts";
import { tempDir } from "../support/temp-dir.ts";

const ANY_PORTS = ["--edge-port", "--edge-tls-port", "--api-port", "--s3-port", "--inspector-port"];

/** Starts `mirror up`; `out` is what it printed until it was up, `stop` ends it and resolves with its exit code. */
async function up(flags: readonly string[]): Promise<{
  readonly out: string;
  readonly state: string;
  readonly stop: () => Promise<number>;
}> {
  const cwd = await tempDir();
  const state = join(cwd, "state");
  const stopping = new AbortController();
  let out = "";
  let err = "";
  let isUp = (): void => undefined;
  const started = new Promise<void>((resolve) => void (isUp = resolve));
  const ports = ANY_PORTS.flatMap((flag) => [flag, "0"]);
  const end = runCommandLine(["mirror", "up", ...flags, ...ports, "--state", state], {
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
  const failed = end.then((code): never => {
    throw new Error(`it ended with ${code}: ${err}`);
  });
  await Promise.race([started, failed]);
  const stop = (): Promise<number> => {
    failed.catch(() => undefined);
    stopping.abort();
    return end;
  };
  return { out, state, stop };
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
  expect(await stop()).toBe(0);
});

test("a mirror without named POPs prints the one it has, and no ports of its own", async () => {
  const { out, state, stop } = await up([]);
  expect(out).toContain("  POPs        LHR (header Fastly-Test-Pop)\n  Fastly API");
  const { edge } = JSON.parse(await readFile(join(state, "mirror.json"), "utf8"));
  expect(Object.keys(edge).sort()).toEqual(["ca", "http", "https"]);
  expect(await stop()).toBe(0);
});
