import { expect, test } from "vitest";
import { backendAt, programOf, serviceOf, startOrigin, testEdge } from "./harness.ts";

test("a miss is fetched and stored, the next request is a hit with its age", async () => {
  const origin = await startOrigin((_request, response) => {
    response.writeHead(200, { "Content-Type": "text/plain", "Cache-Control": "max-age=60" }).end("hello");
  });
  const { ask, clock } = await testEdge(serviceOf(programOf({ backends: [backendAt(origin.port)] })));
  const first = await ask("/a?b=1");
  expect([first.status, first.text]).toEqual([200, "hello"]);
  expect(first.headers.get("Age")).toBe("0");
  expect(first.headers.get("Via")).toBe("1.1 varnish");
  clock.advance(7_000);
  const second = await ask("/a?b=1");
  expect(second.text).toBe("hello");
  expect(second.headers.get("Age")).toBe("7");
  expect(origin.seen.map((request) => request.url)).toEqual(["/a?b=1"]);
  clock.advance(54_000);
  await ask("/a?b=1");
  expect(origin.seen).toHaveLength(2);
});

test("a host no service claims gets Fastly's unknown domain page", async () => {
  const { ask } = await testEdge();
  const answer = await ask("/", { host: "nobody.example" });
  expect([answer.status, answer.reason]).toEqual([500, "Domain Not Found"]);
  expect(answer.text).toContain("Fastly error: unknown domain: nobody.example");
});
