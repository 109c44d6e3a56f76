import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { request } from "undici";
import { expect, test } from "vitest";
import { systemClock } from "../../src/lib/clock.ts";
import { startMirror } from "../../src/mirror/mirror.ts";
import { tempDir } from "../support/temp-dir.ts";

test("what a service logs for an endpoint is in the endpoint's file under the state folder", async () => {
  const stateDir = await tempDir();
  const ports = { edge: 0, edgeTls: 0, api: 0, s3: 0 };
  const mirror = await startMirror({ stateDir, ports, clock: systemClock, pid: process.pid });
  const { api, edge } = mirror.file;
  const call = async (method: "POST" | "PUT", path: string, form = {}): Promise<Record<string, unknown>> => {
    const headers = { "fastly-key": api.token, "content-type": "application/x-www-form-urlencoded" };
    const body = new URLSearchParams(form).toString();
    const answer = await request(`${api.url}${path}`, { method, headers, body });
    const json = await answer.body.json();
    expect(answer.statusCode, JSON.stringify(json)).toBe(200);
    return { ...Object(json) };
  };
  const id = String((await call("POST", "/service", { name: "logged" }))["id"]);
  const version = `/service/${id}/version/1`;
  await call("POST", `${version}/domain`, { name: "www.example.com" });
  await call("POST", `${version}/response_object`, { name: "page", content: "hello" });
  await call("POST", `${version}/logging/https`, { name: "access", format: '%m %V%U %>s "%{X-Name}i"' });
  await call("PUT", `${version}/activate`);
  const headers = { host: "www.example.com", "x-name": "line\tone" };
  const answer = await request(`${edge.http}/a?b`, { headers });
  expect(await answer.body.text()).toBe("hello");
  await mirror.close();
  const text = await readFile(join(stateDir, "logs", id, "access.log"), "utf8");
  expect(text).toBe('GET www.example.com/a 200 "line\tone"\n');
});
