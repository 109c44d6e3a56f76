import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { request } from "undici";
import { afterAll, beforeAll, expect, test } from "vitest";

import { systemClock } from "../../src/lib/clock.ts";
import type { TraceEvent } from "../../src/mirror/edge/trace.ts";
import type { Explanation } from "../../src/mirror/inspector/explain.ts";
import { startMirror } from "../../src/mirror/mirror.ts";
import type { Mirror } from "../../src/mirror/mirror.ts";
import { readPage } from "../docs/page.ts";
import { listenOnLoopback } from "../support/loopback-server.ts";

// What requests of less usual kinds look like in a trace: one service whose VCL does a bit of each.

const VCL = String.raw`
sub vcl_recv {
#FASTLY recv
  if (req.url == "/again" && req.restarts < 3) { set req.http.Round = req.restarts; restart; }
  if (req.url == "/socket") { return(upgrade); }
  if (req.url == "/refused") { error 418 "short %22and%22 stout"; }
  return(lookup);
}
sub vcl_fetch {
#FASTLY fetch
  if (beresp.http.Content-Type ~ "html") { esi; }
  if (req.url == "/cut") { set beresp.do_stream = true; }
  set beresp.ttl = 60s;
  return(deliver);
}
sub vcl_error {
#FASTLY error
  if (obj.status == 418) { set obj.http.Content-Type = "text/plain"; synthetic "teapot"; return(deliver); }
}
`;

const origin = createServer((incoming, response) => {
  if (incoming.url === "/broken") {
    response.destroy();
    return;
  }
  if (incoming.url === "/cut") {
    response.writeHead(200, { "Content-Length": "100" });
    response.write("ten bytes.", () => response.destroy());
    return;
  }
  const body = incoming.url === "/page" ? '<p><esi:include src="/part"/></p>' : `from ${incoming.url}`;
  response.writeHead(200, { "Content-Type": incoming.url === "/page" ? "text/html" : "text/plain" });
  response.end(body);
});
origin.on("upgrade", (_incoming, socket) => {
  socket.end("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
});
let started: Mirror | undefined;
let stateDir = "";

beforeAll(async () => {
  const port = await listenOnLoopback(origin);
  const ports = { edge: 0, edgeTls: 0, api: 0, s3: 0, inspector: 0 };
  stateDir = await mkdtemp(join(tmpdir(), "sitefleet-kinds-"));
  started = await startMirror({ stateDir, ports, clock: systemClock, pid: process.pid });
  const { url, token } = started.file.api;
  const call = async (
    method: "POST" | "PUT",
    path: string,
    form: Record<string, string> = {},
  ): Promise<string> => {
    const headers = { "fastly-key": token, "content-type": "application/x-www-form-urlencoded" };
    const answer = await request(`${url}${path}`, {
      method,
      headers,
      body: new URLSearchParams(form).toString(),
    });
    const body: unknown = await answer.body.json();
    expect(answer.statusCode, JSON.stringify(body)).toBe(200);
    return typeof body === "object" && body !== null && "id" in body ? String(body.id) : "";
  };
  const id = await call("POST", "/service", { name: "kinds" });
  await call("PUT", `/enabled-products/v1/websockets/services/${id}`);
  const version = `/service/${id}/version/1`;
  await call("POST", `${version}/domain`, { name: "kinds.test" });
  await call("POST", `${version}/backend`, { name: "origin", address: "127.0.0.1", port: String(port) });
  await call("POST", `${version}/vcl`, { name: "main", content: VCL, main: "true" });
  await call("PUT", `${version}/activate`);
});

afterAll(async () => {
  await started?.close();
  origin.close();
  await rm(stateDir, { recursive: true, force: true });
});

function explain(path: string, headers: readonly (readonly [string, string])[] = []): Promise<Explanation> {
  if (started === undefined) throw new Error("nothing was started");
  return started.explain({ method: "GET", url: new URL(`http://kinds.test${path}`), headers });
}

function states(events: readonly TraceEvent[]): string[] {
  return events.map((event) => {
    if (event.kind === "state") return `${event.state} ${event.action}`;
    if (event.kind === "restart") return `restart ${event.count}`;
    if (event.kind === "part") return `part ${event.part.request.url} ${event.part.answer?.status}`;
    if (event.kind === "backend") return `backend ${event.status ?? event.reason}`;
    return event.kind === "stop" ? `stop ${event.reason}` : `lookup ${event.state}`;
  });
}

test("three restarts are told one by one, each with what it changed", async () => {
  const { trace } = await explain("/again");
  expect(states(trace.events).slice(0, 7)).toEqual([
    "recv restart",
    "restart 1",
    "recv restart",
    "restart 2",
    "recv restart",
    "restart 3",
    "recv lookup",
  ]);
  expect(trace.events.flatMap((event) => (event.kind === "state" ? event.changes : []))).toEqual(
    expect.arrayContaining([
      { name: "req.http.Round", before: null, after: "0" },
      { name: "req.http.Round", before: "1", after: "2" },
    ]),
  );
  expect(trace.answer).toMatchObject({ status: 200, restarts: 3 });
});

test("an error of VCL's own is told with its status, its reason and the page it made", async () => {
  const { trace, body } = await explain("/refused");
  expect(states(trace.events)).toEqual([
    'recv error 418 short "and" stout',
    "hash hash",
    "error deliver",
    "deliver deliver",
    "log deliver",
  ]);
  expect(body).toEqual({ text: "teapot", truncated: false });
});

test("a backend that fails is told with the reason, and what vcl_error made of it", async () => {
  const { trace } = await explain("/broken");
  const told = states(trace.events);
  expect(told.find((line) => line.startsWith("backend "))).toMatch(
    /^backend .*(?:connection|read|reset|fetch)/i,
  );
  expect(told.some((line) => line.startsWith("error "))).toBe(true);
  expect(trace.answer?.status).toBe(503);
});

test("a body that breaks off is told, with what had come of it", async () => {
  const { trace, body } = await explain("/cut");
  expect(body.truncated).toBe(true);
  expect(body.text).toMatch(/^ten bytes\.\n\(/);
  expect(trace.answer).toMatchObject({ status: 200, bodyBytes: 10 });
});

test("a page of parts is put together, and its parts have traces of their own", async () => {
  const { trace, body } = await explain("/page");
  expect(body.text).toBe("<p>from /part</p>");
  expect(trace.answer).toMatchObject({ status: 200, bodyBytes: body.text.length });
  const [part] = trace.events.flatMap((event) => (event.kind === "part" ? [event.part] : []));
  expect(states(trace.events).slice(-2)).toEqual(["part /part 200", "log deliver"]);
  expect(states(part?.events ?? [])).toContain("backend 200");
});

test("a request that asks for another protocol is answered as one whose connection cannot change", async () => {
  const headers = [
    ["Connection", "Upgrade"],
    ["Upgrade", "websocket"],
  ] as const;
  const { trace } = await explain("/socket", headers);
  expect(states(trace.events)[0]).toBe("recv upgrade");
  expect(trace.answer?.status).toBe(200);
});

/** Paths of the fields of a document; elements of a list have the list's own. Traces inside are left to themselves. */
function fieldsOf(value: unknown, path = ""): string[] {
  if (Array.isArray(value)) {
    return path.endsWith("headers") ? [] : value.flatMap((element) => fieldsOf(element, path));
  }
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    const field = path === "" ? name : `${path}.${name}`;
    return [field, ...(/\.(?:shield|part)$/.test(field) ? [] : fieldsOf(inner, field))];
  });
}

test("docs/mirror.md has a row for every field, and no other", async () => {
  const page = await readPage("mirror.md");
  const [, table = ""] = /<!-- explain-json:begin -->(.*)<!-- explain-json:end -->/s.exec(page) ?? [];
  const told = [...table.matchAll(/^\| `([A-Za-z.]+)` /gm)].map(([, field]) => String(field));
  const explained: Explanation[] = [];
  for (const path of ["/again", "/broken", "/page", "/socket", "/again"]) explained.push(await explain(path));
  const fields = new Set(explained.flatMap((one) => fieldsOf(one)));
  for (const group of ["trace", "trace.request", "body"]) fields.delete(group);
  expect([...told].sort()).toEqual([...fields].sort());
});
