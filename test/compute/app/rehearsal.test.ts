import { expect, test } from "vitest";
import { rehearse } from "../../../compute/src/rehearsal.ts";
import { Edge } from "./edge.ts";

test("every request of the rehearsal ends as it says, and later visitors see nothing of it", async () => {
  await expect(rehearse()).resolves.toBeUndefined();
  const edge = new Edge().site({}, { "index.html": { body: "<p>Hello</p>", meta: { p: "/" } } });
  const answer = await edge.get("/");
  expect(answer.status).toBe(200);
  expect(await answer.text()).toBe("<p>Hello</p>");
  expect(JSON.stringify([edge.lines, edge.asked, [...answer.headers]])).not.toContain("rehearsal");
});
