import { expect, test } from "vitest";
import { VclRuntimeError } from "../../../src/vcl/diagnostics.ts";
import { act, backendAt, fail, programOf, serviceOf, startOrigin, testEdge, until } from "./harness.ts";
import type { Origin, Subs, TestEdge } from "./harness.ts";

async function withOrigin(subs: Subs): Promise<TestEdge & { origin: Origin }> {
  const origin = await startOrigin((request, response) => {
    response
      .writeHead(200, { "Cache-Control": "max-age=60", "X-Path": request.url })
      .end(`body of ${request.url}`);
  });
  const edge = await testEdge(serviceOf(programOf({ subs, backends: [backendAt(origin.port)] })));
  return { ...edge, origin };
}

test("the states run in the documented order for a miss, a hit and a pass", async () => {
  const order: string[] = [];
  const subs: Subs = Object.fromEntries(
    ["recv", "hash", "hit", "miss", "pass", "fetch", "error", "deliver", "log"].map((state) => [
      state,
      (t) => {
        order.push(t.state);
        if (state === "hash") t.hash = t.req.url;
        return state === "recv" && t.req.url === "/pass" ? act("pass") : undefined;
      },
    ]),
  );
  const { ask } = await withOrigin(subs);
  await ask("/");
  await until(() => order.at(-1) === "log");
  expect(order.splice(0)).toEqual(["recv", "hash", "miss", "fetch", "deliver", "log"]);
  await ask("/");
  await until(() => order.at(-1) === "log");
  expect(order.splice(0)).toEqual(["recv", "hash", "hit", "deliver", "log"]);
  await ask("/pass");
  await until(() => order.at(-1) === "log");
  expect(order.splice(0)).toEqual(["recv", "hash", "pass", "fetch", "deliver", "log"]);
});

test("what miss and fetch change in req is lost to deliver, because they run on the fetch node", async () => {
  const seen: (string | null)[] = [];
  const { ask } = await withOrigin({
    recv: (t) => t.req.headers.set("X-From", "recv"),
    miss: (t) => t.req.headers.set("X-From", "miss"),
    fetch: (t) => {
      seen.push(t.req.headers.get("X-From"));
    },
    deliver: (t) => {
      seen.push(t.req.headers.get("X-From"));
    },
  });
  await ask("/");
  expect(seen).toEqual(["miss", "recv"]);
});

test("after a restart there is no clustering, unless Fastly-Force-Shield is set", async () => {
  const states: string[] = [];
  const { ask } = await withOrigin({
    recv: (t) => {
      if (t.restarts === 1 && t.req.url === "/forced") t.req.headers.set("Fastly-Force-Shield", "1");
    },
    hash: (t) => {
      t.hash = `${t.req.url}${t.restarts}`;
    },
    miss: (t) => t.req.headers.set("X-From", "miss"),
    deliver: (t) => {
      states.push(`${t.restarts} ${t.cacheState} ${t.req.headers.get("X-From") ?? "-"}`);
      return t.restarts === 0 ? act("restart") : undefined;
    },
  });
  await ask("/");
  await ask("/forced");
  expect(states).toEqual(["0 MISS-CLUSTER -", "1 MISS miss", "0 MISS-CLUSTER -", "1 MISS-CLUSTER -"]);
});

test("the fetch node counts as one more visit of this service", async () => {
  const visits: number[] = [];
  const note = (t: { visitsThisService: number }): void => void visits.push(t.visitsThisService);
  const { ask } = await withOrigin({ recv: note, miss: note, deliver: note });
  await ask("/");
  expect(visits).toEqual([0, 1, 0]);
});

test("three restarts are allowed, the fourth gives 503", async () => {
  const restarts: number[] = [];
  const { ask } = await withOrigin({
    deliver: (t) => {
      if (t.resp?.status === 503) return undefined;
      restarts.push(t.restarts);
      return act("restart");
    },
  });
  const answer = await ask("/");
  expect(restarts).toEqual([0, 1, 2, 3]);
  expect([answer.status, answer.reason]).toEqual([503, "Too many restarts"]);
});

test("error in recv runs hash, then error, and its synthetic body is delivered", async () => {
  const order: string[] = [];
  const { ask, origin } = await withOrigin({
    recv: () => fail(601, "my signal"),
    hash: (t) => void order.push(t.state),
    error: (t) => {
      order.push(`error ${t.obj?.status} ${t.obj?.reason}`);
      if (t.obj !== null) {
        t.obj.status = 404;
        t.obj.reason = "Not Found";
        t.obj.headers.set("Content-Type", "text/plain");
      }
      t.synthetic = { content: "nothing here" };
    },
    deliver: (t) => void order.push(`${t.cacheState} ${t.isLocallyGenerated}`),
  });
  const answer = await ask("/");
  expect(order).toEqual(["hash", "error 601 my signal", "ERROR true"]);
  expect([answer.status, answer.text, answer.headers.get("Content-Type")]).toEqual([
    404,
    "nothing here",
    "text/plain",
  ]);
  expect(origin.seen).toEqual([]);
});

test("an error without a synthetic body shows Fastly's page, escaped", async () => {
  const { ask } = await withOrigin({ recv: () => fail(503, "<b>down</b>") });
  const answer = await ask("/");
  expect(answer.status).toBe(503);
  expect(answer.text).toContain("&#60;b&#62;down");
  expect(answer.text).not.toContain("<b>");
});

test("a program that throws answers 503 and the edge lives on", async () => {
  let broken = true;
  const { ask, logs } = await withOrigin({
    fetch: () => {
      if (broken) throw new VclRuntimeError("limit/steps", "regex budget used up");
    },
  });
  const answer = await ask("/");
  expect([answer.status, answer.reason]).toEqual([503, "regex budget used up"]);
  expect(logs.some(({ line }) => line.includes("[limit/steps]"))).toBe(true);
  broken = false;
  expect((await ask("/")).status).toBe(200);
});

test("a bug in a program answers 503 without its text", async () => {
  const { ask, logs } = await withOrigin({
    recv: () => {
      throw new TypeError("secret detail");
    },
  });
  const answer = await ask("/");
  expect(answer.status).toBe(503);
  expect(answer.text).not.toContain("secret detail");
  expect(logs.some(({ line }) => line.includes("secret detail"))).toBe(true);
});

test("a transition that is not legal stops the request", async () => {
  const { ask } = await withOrigin({ miss: () => act("restart") });
  const answer = await ask("/");
  expect([answer.status, answer.reason]).toEqual([503, "vcl_miss may not end with return(restart)"]);
});

test("restart from vcl_error goes back to recv once and is answered then", async () => {
  const { ask } = await withOrigin({
    recv: (t) => (t.restarts === 0 ? fail(650) : undefined),
    error: () => act("restart"),
  });
  expect((await ask("/")).text).toBe("body of /");
});

test("an endless restart out of vcl_error ends with 503", async () => {
  const { ask } = await withOrigin({ recv: () => fail(650), error: () => act("restart") });
  const answer = await ask("/");
  expect(answer.status).toBe(503);
});

test("a backend that refuses connections ends in vcl_error with 503 and Fastly's words", async () => {
  const closed = await startOrigin((_request, response) => void response.end());
  const reasons: string[] = [];
  const subs: Subs = { error: (t) => void reasons.push(`${t.obj?.status} ${t.obj?.reason}`) };
  const { ask } = await testEdge(serviceOf(programOf({ subs, backends: [backendAt(1)] })));
  const answer = await ask("/");
  expect(answer.status).toBe(503);
  expect(reasons).toEqual(["503 Connection refused"]);
  expect(closed.seen).toEqual([]);
});

test("X-Served-By and X-Cache of a pass before a restart stand in front of those of the last", async () => {
  const { ask } = await withOrigin({
    deliver: (t) => {
      const before = t.resp?.headers.get("X-Cache");
      const state = t.cacheState.startsWith("HIT") ? "HIT" : "MISS";
      t.resp?.headers.set("X-Cache", before === null || before === undefined ? state : `${before}, ${state}`);
      return t.restarts === 0 ? act("restart") : undefined;
    },
  });
  expect((await ask("/")).headers.get("X-Cache")).toBe("MISS, HIT");
  expect((await ask("/")).headers.get("X-Cache")).toBe("HIT, HIT");
});

test("vcl_log runs after the body and knows its bytes", async () => {
  const { ask, logs, clock } = await withOrigin({
    log: (t) => t.host.log(`${t.resp?.status} ${t.bodyBytesWritten}`),
  });
  await ask("/abc");
  await until(() => logs.length > 0);
  expect(logs).toEqual([{ service: "svc", pop: "LHR", line: "200 12", at: clock.now() }]);
});

test("of obj.ttl in vcl_hit only zero has an effect: it purges the object", async () => {
  const wanted = [5, 0];
  const { ask, clock, origin } = await withOrigin({
    fetch: (t) => void (t.beresp !== null && (t.beresp.ttl = 100)),
    hit: (t) => void (t.obj !== null && (t.obj.ttl = wanted.shift() ?? t.obj.ttl)),
  });
  const before = origin.seen.length;
  await ask("/ttl");
  await ask("/ttl");
  clock.advance(50_000);
  await ask("/ttl");
  expect(origin.seen.length - before).toBe(1);
  await ask("/ttl");
  expect(origin.seen.length - before).toBe(2);
});

test("obj.grace in vcl_hit stays with the object", async () => {
  let up = true;
  const { ask, clock } = await withOrigin({
    fetch: (t) => {
      if (!up) return act("deliver_stale");
      if (t.beresp !== null) Object.assign(t.beresp, { ttl: 10, staleIfError: 0 });
      return act("deliver");
    },
    hit: (t) => void (t.obj !== null && (t.obj.staleIfError = 3600)),
  });
  await ask("/grace");
  await ask("/grace");
  up = false;
  clock.advance(100_000);
  expect((await ask("/grace")).status).toBe(200);
});

test("more than 96 response headers are Header overflow, without vcl_error", async () => {
  let errors = 0;
  const { ask } = await withOrigin({
    deliver: (t) => {
      for (let i = 0; i < 100; i++) t.resp?.headers.add(`X-${i}`, "1");
    },
    error: () => void (errors += 1),
  });
  const answer = await ask("/");
  expect([answer.status, answer.reason, errors]).toEqual([503, "Header overflow", 0]);
});

test("a header value ends on the wire where a control character stands", async () => {
  const { ask } = await withOrigin({
    deliver: (t) => t.resp?.headers.set("X-Evil", "a\r\nSet-Cookie: b"),
  });
  const answer = await ask("/");
  expect(answer.headers.get("X-Evil")).toBe("a");
  expect(answer.headers.has("Set-Cookie")).toBe(false);
});
