import { expect, it, onTestFinished } from "vitest";
import { edgeChecksFor } from "../../src/fleet/edge-checks.ts";
import { startLocalEdge } from "../support/local-edge.ts";

it("a mirror with several POPs is asked at each of them", async () => {
  const local = await startLocalEdge({ shield: false, mirror: { pops: ["LHR", "IAD", "SYD"] } });
  onTestFinished(() => local.close());
  const { environment, mirror } = local;
  expect(environment.verify?.pops).toEqual(["LHR", "IAD", "SYD"]);
  const lines: string[] = [];
  const notes = { progress: (line: string) => lines.push(line), warn: (line: string) => lines.push(line) };
  const checks = edgeChecksFor(environment, notes);
  expect(await checks.probe({ version: 2, revision: undefined })).toBe(false);
  const { http } = mirror.file.edge;
  expect(lines.toSorted()).toEqual(["IAD", "LHR", "SYD"].map((pop) => `${http} at ${pop}: still version 1`));
  expect(await checks.probe({ version: 1, revision: undefined })).toBe(true);
  expect(await checks.verify({ version: 1, revision: undefined })).toEqual({ ok: true });
  // Each POP keeps what it was asked for: that nobody has these hosts.
  const kept = [...mirror.edge.stats()].filter(([, { objects }]) => objects > 0).map(([pop]) => pop);
  expect(kept.toSorted()).toEqual(["IAD", "LHR", "SYD"]);
});
