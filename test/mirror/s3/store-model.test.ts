import { createHash } from "node:crypto";
import { fc, test } from "@fast-check/vitest";
import { expect, onTestFinished } from "vitest";
import { systemClock } from "../../../src/lib/clock.ts";
import { startS3Server } from "../../../src/mirror/s3/server.ts";
import type { S3Server } from "../../../src/mirror/s3/server.ts";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BUCKET, FULL, REGION, send } from "./s3-fixture.ts";

/** What the server ought to hold. */
type Model = Map<string, { readonly body: string; readonly note: string }>;

const KEYS = fc.constantFrom(
  "a",
  "a/",
  "a/b",
  "a/b/c",
  "a0",
  "b/1",
  "b/2",
  "b//",
  "é",
  "\u{ffff}".slice(0, 0) + "\ufb01",
  "\u{1f600}",
  "\u{1f600}/x",
  "z z+%",
);
const STEP = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("put" as const),
      key: KEYS,
      size: fc.constantFrom(0, 3, 4097),
      note: fc.constantFrom("1", "two words"),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("delete" as const), key: KEYS }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("copy" as const), key: KEYS, from: KEYS }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("create" as const), key: KEYS }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("replace" as const), key: KEYS, seen: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("restart" as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("list" as const),
      prefix: fc.constantFrom("", "a", "a/", "b/", "\u{1f600}", "none"),
      delimiter: fc.constantFrom("", "/"),
      after: fc.constantFrom("", "a/b", "b", "\ufb01"),
      max: fc.integer({ min: 1, max: 4 }),
    }),
  },
);
type Step = typeof STEP extends fc.Arbitrary<infer T> ? T : never;

function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function pathOf(key: string): string {
  return `/${BUCKET}/${key.split("/").map(encode).join("/")}`;
}

function etagOf(body: string): string {
  return `"${createHash("md5").update(body).digest("hex")}"`;
}

/** Listing as the documentation describes it, the slow way. */
function expectedListing(
  model: Model,
  {
    prefix,
    delimiter,
    after,
  }: { readonly prefix: string; readonly delimiter: string; readonly after: string },
): string[] {
  const bytes = (text: string): Buffer => Buffer.from(text);
  const keys = [...model.keys()]
    .filter((key) => key.startsWith(prefix) && (after === "" || Buffer.compare(bytes(key), bytes(after)) > 0))
    .sort((left, right) => Buffer.compare(bytes(left), bytes(right)));
  const items = keys.map((key) => {
    const at = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
    return at < 0 ? `key ${key}` : `prefix ${key.slice(0, at + delimiter.length)}`;
  });
  return [...new Set(items)];
}

/** Every page of a listing; keys and prefixes of a page in the order of their bytes, as S3 counts them against the page. */
async function listAll(
  server: S3Server,
  step: { readonly prefix: string; readonly delimiter: string; readonly after: string; readonly max: number },
): Promise<string[]> {
  const seen: string[] = [];
  for (let token = ""; ;) {
    const query = [
      ...(token === "" ? [] : [`continuation-token=${encode(token)}`]),
      ...(step.delimiter === "" ? [] : [`delimiter=${encode(step.delimiter)}`]),
      "encoding-type=url",
      "list-type=2",
      `max-keys=${step.max}`,
      `prefix=${encode(step.prefix)}`,
      ...(step.after === "" ? [] : [`start-after=${encode(step.after)}`]),
    ];
    const xml = (await send(server, { path: `/${BUCKET}?${query.join("&")}` })).body.toString();
    const decode = (text = ""): string => decodeURIComponent(text.replaceAll("+", "%20"));
    const keys = [...xml.matchAll(/<Contents><Key>(.*?)<\/Key>/g)].map((match) => `key ${decode(match[1])}`);
    const prefixes = [...xml.matchAll(/<CommonPrefixes><Prefix>(.*?)<\/Prefix>/g)].map(
      (match) => `prefix ${decode(match[1])}`,
    );
    expect(Number(/<KeyCount>(\d+)/.exec(xml)?.[1])).toBe(keys.length + prefixes.length);
    expect(keys.length + prefixes.length).toBeLessThanOrEqual(step.max);
    const textOf = (item: string): Buffer => Buffer.from(item.slice(item.indexOf(" ") + 1));
    seen.push(...[...keys, ...prefixes].sort((left, right) => Buffer.compare(textOf(left), textOf(right))));
    token = /<NextContinuationToken>(.*?)</.exec(xml)?.[1] ?? "";
    if (token === "") return seen;
  }
}

/** Does one step on server and model and holds the answers against each other. */
async function run(
  step: Exclude<Step, { readonly do: "restart" }>,
  server: S3Server,
  model: Model,
): Promise<void> {
  switch (step.do) {
    case "put": {
      const body = step.key.padEnd(step.size, "x").slice(0, step.size);
      const answer = await send(server, {
        method: "PUT",
        path: pathOf(step.key),
        body,
        headers: { "x-amz-meta-note": step.note },
      });
      expect([answer.status, answer.headers["etag"]]).toEqual([200, etagOf(body)]);
      model.set(step.key, { body, note: step.note });
      return;
    }
    case "delete":
      expect((await send(server, { method: "DELETE", path: pathOf(step.key) })).status).toBe(204);
      model.delete(step.key);
      return;
    case "copy": {
      const source = model.get(step.from);
      const answer = await send(server, {
        method: "PUT",
        path: pathOf(step.key),
        headers: { "x-amz-copy-source": pathOf(step.from) },
      });
      expect(answer.code).toBe(
        source === undefined ? "NoSuchKey" : step.key === step.from ? "InvalidRequest" : "",
      );
      if (answer.code === "" && source !== undefined) model.set(step.key, source);
      return;
    }
    case "create": {
      const answer = await send(server, {
        method: "PUT",
        path: pathOf(step.key),
        body: "new",
        headers: { "if-none-match": "*" },
      });
      expect(answer.code).toBe(model.has(step.key) ? "PreconditionFailed" : "");
      if (answer.code === "") model.set(step.key, { body: "new", note: "" });
      return;
    }
    case "replace": {
      const before = model.get(step.key);
      const etag = etagOf(step.seen ? (before?.body ?? "") : "never stored");
      const answer = await send(server, {
        method: "PUT",
        path: pathOf(step.key),
        body: "next",
        headers: { "if-match": etag },
      });
      expect(answer.code).toBe(before === undefined ? "NoSuchKey" : step.seen ? "" : "PreconditionFailed");
      if (answer.code === "") model.set(step.key, { body: "next", note: "" });
      return;
    }
    case "list":
      expect(await listAll(server, step)).toEqual(expectedListing(model, step));
  }
}

async function checkAll(server: S3Server, model: Model): Promise<void> {
  const everything = { prefix: "", delimiter: "", after: "", max: 1000 };
  expect(await listAll(server, everything)).toEqual(expectedListing(model, everything));
  for (const [key, { body, note }] of model) {
    const got = await send(server, { path: pathOf(key) });
    expect([got.body.toString(), got.headers["etag"], got.headers["x-amz-meta-note"] ?? ""]).toEqual([
      body,
      etagOf(body),
      note,
    ]);
  }
}

test.prop([fc.array(STEP, { minLength: 5, maxLength: 40 })], { numRuns: 40 })(
  "does what a map would do, across restarts too",
  async (steps) => {
    const dir = await mkdtemp(join(tmpdir(), "sitefleet-"));
    onTestFinished(() => rm(dir, { recursive: true, force: true }));
    const start = (): Promise<S3Server> =>
      startS3Server({
        dir,
        port: 0,
        region: REGION,
        credentials: [FULL],
        clock: systemClock,
        buckets: [BUCKET],
      });
    let server = await start();
    const model: Model = new Map();
    try {
      for (const step of steps) {
        if (step.do === "restart") {
          await server.close();
          server = await start();
        } else await run(step, server, model);
      }
      await checkAll(server, model);
    } finally {
      await server.close();
    }
  },
);
