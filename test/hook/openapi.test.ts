import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";

import { STATUS_TITLES, problemSchema } from "../../src/hook/answer.ts";
import { jobViewSchema } from "../../src/hook/job.ts";
import { ROUTES } from "../../src/hook/routes.ts";
import { SitefleetError } from "../../src/lib/errors.ts";
import type { ErrorCode } from "../../src/lib/error-codes.ts";
import { newWorld } from "../publish/publish-fixture.ts";
import { tarGz } from "./archive.ts";
import { KEY, startTestHook } from "./hook-fixture.ts";
import type { CallOptions, Method, Reply } from "./hook-fixture.ts";

const good: Readonly<Record<string, CallOptions>> = {
  publishSite: { body: tarGz([{ name: "index.html", body: "x" }]), type: "application/gzip" },
  addDomain: {},
  removeDomain: {},
  purge: { body: '{"key":"x"}', type: "application/json" },
  readJob: {},
  readHealth: { unsigned: true },
  readDescription: { unsigned: true },
};

interface Operation {
  readonly operationId: string;
  readonly method: Method;
  readonly path: string;
  readonly statuses: readonly number[];
}

/** The document's own words, so that what is served is held against what is published. */
async function operations(): Promise<readonly Operation[]> {
  const test = await startTestHook();
  const { body } = await test.call("GET", "/openapi.json", { unsigned: true });
  const paths = body["paths"] as Record<string, Record<string, { operationId: string; responses: object }>>;
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId, responses }]) => ({
      operationId,
      method: method.toUpperCase() as Method,
      path,
      statuses: Object.keys(responses).map(Number),
    })),
  );
}

/** Provokes every status of every operation and tells which came; each answer is one that the document promises. */
async function served(operation: Operation): Promise<ReadonlySet<number>> {
  const { operationId, method } = operation;
  const statuses = new Set<number>();
  const own = good[operationId] ?? {};
  const note = (reply: Reply): void => {
    statuses.add(reply.status);
    if (reply.status >= 400) problemSchema.parse(reply.body);
    else if (reply.headers["location"] !== undefined) jobViewSchema.parse(reply.body);
  };
  const target = (site = "acme", id: string = randomUUID()): string =>
    operation.path.replace("{site}", site).replace("{domain}", "www.acme.com").replace("{id}", id);
  const world = newWorld();
  const test = await startTestHook({ world, limits: { jsonBytes: 1_000, bodyBytes: 2_000, idleMs: 30 } });
  const prepared = await test.callAndWait(
    "POST",
    "/v1/sites/acme/publish?domain=www.acme.com",
    good["publishSite"],
  );
  note(await test.call(method, target("acme", String(prepared.body["id"])), own));
  await test.callAndWait("POST", "/v1/sites/acme/domains/www.acme.com");
  note(await test.callAndWait(method, target(), own));
  note(await test.callAndWait(method, target("nobody"), own));
  note(await test.callAndWait(method, `${target()}?x=y`, own));
  note(await test.callAndWait(method, target(), { ...own, unsigned: true, type: "application/gzip" }));
  if (operationId.startsWith("read") && own.unsigned) return statuses.add(200);
  note(
    await test.callAndWait(method, target(), {
      ...own,
      body: Buffer.alloc(3_000),
      type: "application/gzip",
      signedBody: Buffer.alloc(0),
    }),
  );
  note(
    await test.callAndWait(method, target(), { ...own, body: Buffer.alloc(3_000), type: "application/json" }),
  );
  note(await test.callAndWait(method, target(), { ...own, body: "[]", type: "text/html" }));
  if (operationId === "purge") {
    const body = '{"url":"https://nobody.example/"}';
    note(await test.callAndWait(method, target(), { body, type: "application/json" }));
  }
  return statuses;
}

/** Statuses that come of what lies behind the endpoint, of too many requests and of too slow ones. */
async function servedInTrouble(operation: Operation): Promise<ReadonlySet<number>> {
  const { operationId, method } = operation;
  const statuses = new Set<number>();
  const own = good[operationId] ?? {};
  const target = operation.path
    .replace("{site}", "acme")
    .replace("{domain}", "www.acme.com")
    .replace("{id}", randomUUID());
  const codes: readonly ErrorCode[] = [
    "store/unreachable",
    "fault/internal",
    "domain/taken",
    "hook/invalid-archive",
    "site/not-found",
    "hook/busy",
  ];
  for (const code of codes) {
    const failure = new SitefleetError(code, "in trouble");
    const test = await startTestHook({ openSession: () => Promise.reject(failure), limits: { burst: 1 } });
    statuses.add((await test.callAndWait(method, target, own)).status);
    const next = await test.callAndWait(method, target, own);
    statuses.add(next.status);
  }
  return statuses;
}

describe("/openapi.json", () => {
  it("has every route and status that the table has, and no other", async () => {
    const found = await operations();
    expect(found.map(({ method, path, statuses }) => [method, path, statuses])).toEqual(
      ROUTES.map(({ method, path, answers }) => [method, path, Object.keys(answers).map(Number)]),
    );
    for (const { statuses } of found)
      for (const status of statuses) expect(STATUS_TITLES).toHaveProperty(String(status));
  });

  it("is OpenAPI 3.1 whose references lead somewhere", async () => {
    const test = await startTestHook();
    const { body } = await test.call("GET", "/openapi.json", { unsigned: true });
    expect(body).toMatchObject({ openapi: "3.1.1", info: { title: expect.any(String), version: "1" } });
    const { schemas } = body["components"] as { schemas: Record<string, object> };
    const references = [...JSON.stringify(body).matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(
      ([, name = ""]) => name,
    );
    expect(new Set(references)).toEqual(new Set(Object.keys(schemas)));
    expect(JSON.stringify(body)).not.toContain(KEY.secret.reveal());
  });

  it.each(ROUTES)("promises what $method $path serves", async ({ operationId }) => {
    const operation = (await operations()).find((row) => row.operationId === operationId);
    if (!operation) throw new Error(`no ${operationId}`);
    const came = new Set([...(await served(operation)), ...(await servedInTrouble(operation))]);
    const surprises = [...came].filter((status) => !operation.statuses.includes(status));
    expect(surprises).toEqual([]);
    // These need a clock, a socket or a fault of their own: hook-server.test.ts.
    const elsewhere: Readonly<Record<string, readonly number[]>> = {
      readJob: [408, 500, 503],
      readHealth: [503],
    };
    const missing = operation.statuses.filter(
      (status) => !came.has(status) && !(elsewhere[operationId] ?? [408]).includes(status),
    );
    expect(missing).toEqual([]);
  });
});
