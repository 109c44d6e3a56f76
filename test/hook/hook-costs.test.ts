import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import { describe, expect, it, onTestFinished } from "vitest";

import { newWorld, openDeps } from "../publish/publish-fixture.ts";
import { tar } from "./archive.ts";
import {
  GZIP,
  JSON_TYPE,
  aborted,
  filesBelow,
  signedHeaders,
  siteTarball,
  startTestHook,
} from "./hook-fixture.ts";

describe("what a caller may cost", () => {
  const tell = async (port: number, text: string): Promise<string> => {
    const socket = connect(port, "127.0.0.1");
    onTestFinished(() => void socket.destroy());
    socket.write(text);
    let said = "";
    for await (const chunk of socket.setEncoding("utf8")) said += String(chunk);
    return said;
  };

  it("is little time for its headers, and between pieces of its body", async () => {
    const { hook, clock } = await startTestHook({ limits: { headersMs: 50, idleMs: 50 } });
    const port = Number(new URL(hook.url).port);
    expect(await tell(port, "POST /v1/purges HTTP/1.1\r\nHost: x\r\n")).toMatch(/^HTTP\/1\.1 408 /);
    const signed = signedHeaders(clock, "POST", "/v1/purges", { body: "{}" });
    const lines = Object.entries({ host: "x", "content-length": "2", ...signed }).map((pair) =>
      pair.join(": "),
    );
    const said = await tell(port, `POST /v1/purges HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n{`);
    expect(said).toMatch(/^HTTP\/1\.1 408 /);
    expect(said).toContain("hook/too-slow");
  });

  it("is not a body whose headers are not signed: it is never read", async () => {
    const { hook, stateDir } = await startTestHook();
    const port = Number(new URL(hook.url).port);
    const head =
      "POST /v1/sites/acme/publish HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n";
    const said = await tell(port, head);
    expect(said).toMatch(/^HTTP\/1\.1 401 /);
    expect(said).not.toContain("100 Continue");
    expect(await filesBelow(stateDir)).toEqual(expect.not.arrayContaining([expect.stringMatching(/body/)]));
  });

  it("is 100 Continue when it asks for it with a good signature", async () => {
    const { hook, clock } = await startTestHook();
    const port = Number(new URL(hook.url).port);
    const body = '{"site":"acme"}';
    const fields = {
      host: "x",
      "content-length": String(body.length),
      "content-type": JSON_TYPE,
      expect: "100-continue",
      connection: "close",
      ...signedHeaders(clock, "POST", "/v1/purges", { body }),
    };
    const lines = Object.entries(fields).map((pair) => pair.join(": "));
    const said = await tell(port, `POST /v1/purges HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n${body}`);
    expect(said).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 202 /);
  });

  it("is no more jobs and bytes than there is room for", async () => {
    const world = newWorld();
    const never = new Promise<never>(() => undefined);
    const jobs = { begun: 0 };
    const limits = { queue: 1, parallel: 1, spoolBytes: 10_000, graceMs: 0 };
    const test = await startTestHook({
      world,
      limits,
      openSession: (signal) => {
        const deps = openDeps(world, { signal });
        // What a job does first: then it stays.
        const config = Object.assign(Object.create(deps.store.config) as typeof deps.store.config, {
          list: (): AsyncIterable<never> => ({
            [Symbol.asyncIterator]: () => ({ next: () => Promise.race([never, aborted(signal)]) }),
          }),
          get: () => Promise.race([((jobs.begun += 1), never), aborted(signal)]),
        });
        return Promise.resolve({
          deps: { ...deps, store: { ...deps.store, config } },
          close: () => Promise.resolve(),
        });
      },
    });
    const send = (text: string, size = 0) =>
      test.call("POST", "/v1/sites/acme/publish", {
        body: gzipSync(Buffer.concat([tar([{ name: "a", body: text }]), Buffer.alloc(size)])),
        type: GZIP,
      });
    expect((await send("1")).status).toBe(202);
    while (jobs.begun === 0) await new Promise((resolve) => setImmediate(resolve));
    // Of two that come at the same time one finds no room any more; nothing of its body is kept.
    const answers = await Promise.all([send("2"), send("3")]);
    expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([202, 503]);
    const bodies = (await filesBelow(test.stateDir)).filter((name) => name.endsWith(".body"));
    expect(bodies).toHaveLength(2);
    const busy = await send("4");
    expect([busy.status, busy.headers["retry-after"]]).toEqual([503, "5"]);
    expect((await test.call("GET", "/v1/health", { unsigned: true })).status).toBe(503);
  });

  it("is no more bytes on disk than there is room for", async () => {
    const test = await startTestHook({ limits: { spoolBytes: 1_000, bodyBytes: 5_000 } });
    const big = tar([{ name: "a", body: "x" }]);
    expect(big.length).toBeGreaterThan(1_000);
    const full = await test.call("POST", "/v1/sites/acme/publish", { body: big, type: "application/x-tar" });
    expect([full.status, full.headers["retry-after"]]).toEqual([503, "10"]);
    const small = await test.call("POST", "/v1/sites/acme/publish", { body: siteTarball("x"), type: GZIP });
    expect(small.status).toBe(202);
  });
});
