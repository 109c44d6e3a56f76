import { expect, test } from "vitest";
import { PurgeGenerations } from "../../../src/mirror/edge/purge-generations.ts";

test("a POP stays at its generation until word of the next one reaches it", () => {
  const generations = new PurgeGenerations();
  const next = generations.begin("svc", ["LHR", "IAD"]);
  generations.reached("svc", "LHR", next);
  expect([generations.of("svc", "LHR"), generations.of("svc", "IAD")]).toEqual([2, 1]);
  generations.reached("svc", "IAD", next);
  expect(generations.of("svc", "IAD")).toBe(2);
  expect(generations.of("other", "IAD")).toBe(1);
});

test("the generations in use are the latest and those of POPs that lag behind it", () => {
  const generations = new PurgeGenerations();
  expect([...generations.inUse("svc")]).toEqual([1]);
  const next = generations.begin("svc", ["LHR", "IAD"]);
  generations.begin("other", ["LHR"]);
  expect([...generations.inUse("svc")]).toEqual([2, 1]);
  for (const pop of ["LHR", "IAD"]) generations.reached("svc", pop, next);
  expect([...generations.inUse("svc")]).toEqual([2]);
});

test("a POP that is new has nothing old, and begins at the latest generation", () => {
  const generations = new PurgeGenerations();
  generations.begin("svc", ["LHR"]);
  expect([generations.of("svc", "LHR"), generations.of("svc", "SYD")]).toEqual([1, 2]);
});

test("word that overtakes an earlier one is not taken back by it", () => {
  const generations = new PurgeGenerations();
  const [first, second] = [generations.begin("svc", ["LHR"]), generations.begin("svc", ["LHR"])];
  generations.reached("svc", "LHR", second);
  generations.reached("svc", "LHR", first);
  expect(generations.of("svc", "LHR")).toBe(3);
});
