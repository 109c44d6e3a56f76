import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { Agent, request } from "undici";
import { expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../../src/lib/clock.ts";
import { startS3Server } from "../../../src/mirror/s3/server.ts";
import type { S3Server } from "../../../src/mirror/s3/server.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { BUCKET, FULL, REGION, send, sendBytes, signHeaders, startServer } from "./s3-fixture.ts";
import type { RawRequest } from "./s3-fixture.ts";

/** A signed request as bytes, with lines added behind the signed ones. */
function wire(server: S3Server, raw: RawRequest, extra: readonly string[] = ["connection: close"]): string {
  const lines = Object.entries(signHeaders(server, raw)).map(([name, value]) => `${name}: ${value}`);
  return [`${raw.method ?? "GET"} ${raw.path} HTTP/1.1`, ...lines, ...extra, "", ""].join("\r\n");
}

it("refuses targets that are no keys", async () => {
  const server = await startServer();
  const codeOf = async (path: string): Promise<string> => (await send(server, { path })).code;
  expect(await codeOf(`/${BUCKET}/a%00b`)).toBe("InvalidURI");
  expect(await codeOf(`/${BUCKET}/a%ffb`)).toBe("InvalidURI");
  expect(await codeOf(`/${BUCKET}/a%zz`)).toBe("InvalidURI");
  expect(await codeOf(`/${BUCKET}/k?prefix=%00`)).toBe("InvalidURI");
  expect(await codeOf("//k")).toBe("InvalidBucketName");
  const dots = await sendBytes(server, wire(server, { path: `/${BUCKET}/../../etc/passwd` }));
  expect(dots).toContain("<Code>NoSuchKey</Code>");
  const absolute = await sendBytes(
    server,
    `GET http://127.0.0.1/${BUCKET}/k HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n`,
  );
  expect(absolute).toContain("<Code>InvalidURI</Code>");
});

it("refuses requests whose headers say two things", async () => {
  const server = await startServer();
  const raw: RawRequest = { path: `/${BUCKET}/k` };
  const twice = [
    "host: evil.localhost",
    "authorization: AWS4-HMAC-SHA256 x",
    "x-amz-date: 20260101T000000Z",
    "x-amz-content-sha256: UNSIGNED-PAYLOAD",
  ];
  for (const line of twice) {
    const answer = await sendBytes(server, wire(server, raw, [line, "connection: close"]));
    expect([line, answer.slice(0, 12), /<Code>(\w+)/.exec(answer)?.[1]]).toEqual([
      line,
      "HTTP/1.1 400",
      "InvalidRequest",
    ]);
  }
  expect(await sendBytes(server, "GET / HTTP/1.1\r\nconnection: close\r\n\r\n")).toContain(
    "<Code>BadRequest</Code>",
  );
  expect(await sendBytes(server, "GET / HTTP/1.1\r\nhost:\r\nconnection: close\r\n\r\n")).toContain(
    "<Code>BadRequest</Code>",
  );
});

it("refuses more header lines or bytes than any client sends", async () => {
  const server = await startServer();
  const many = Array.from({ length: 1500 }, (_, index) => `a${index}: 1`);
  expect(await sendBytes(server, wire(server, { path: "/" }, [...many, "connection: close"]))).toContain(
    "RequestHeaderSectionTooLarge",
  );
  const long = await sendBytes(server, wire(server, { path: "/" }, [`a: ${"x".repeat(40_000)}`]));
  expect(long).toContain("<Code>RequestHeaderSectionTooLarge</Code>");
});

it("answers bytes that are not HTTP with a 400 and closes", async () => {
  const server = await startServer();
  for (const bytes of ["hello\r\n\r\n", "GET / HTTP/1.1\nhost: x\n\n", "\u0016\u0003\u0001\u0000"]) {
    expect(await sendBytes(server, bytes)).toMatch(/^HTTP\/1.1 400 /);
  }
  expect((await send(server, { path: `/${BUCKET}?list-type=2` })).status).toBe(200);
});

it("refuses XML with a DOCTYPE, broken XML and other documents", async () => {
  const server = await startServer();
  const bodies = [
    '<!DOCTYPE x [<!ENTITY a "b">]><Delete><Object><Key>&a;</Key></Object></Delete>',
    "<Delete><Object><Key>k</Key></Object>",
    "<Delete><Object></Object></Delete>",
    "<Other/>",
    "",
    "not xml",
    `<Delete>${"<a>".repeat(20)}${"</a>".repeat(20)}</Delete>`,
    Buffer.from([0x3c, 0xff, 0x3e]),
  ];
  for (const body of bodies) {
    const md5 = createHash("md5").update(body).digest("base64");
    const answer = await send(server, {
      method: "POST",
      path: `/${BUCKET}?delete=`,
      body,
      headers: { "content-md5": md5 },
    });
    expect([body, answer.code]).toEqual([body, "MalformedXML"]);
  }
  const bare = await send(server, { method: "POST", path: `/${BUCKET}?delete=`, body: "<Delete/>" });
  expect(bare.code).toBe("InvalidRequest");
});

it("wants to know the length of an object before it comes", async () => {
  const server = await startServer();
  const chunked = wire(server, { method: "PUT", path: `/${BUCKET}/k`, payloadHash: "UNSIGNED-PAYLOAD" }, [
    "transfer-encoding: chunked",
    "connection: close",
  ]);
  expect(await sendBytes(server, `${chunked}1\r\nx\r\n0\r\n\r\n`)).toContain(
    "<Code>MissingContentLength</Code>",
  );
  const huge = wire(server, { method: "PUT", path: `/${BUCKET}/k`, payloadHash: "UNSIGNED-PAYLOAD" }, [
    "content-length: 9999999999",
    "connection: close",
  ]);
  expect(await sendBytes(server, huge)).toContain("<Code>EntityTooLarge</Code>");
});

it("keeps nothing of an upload that breaks off", async () => {
  const dir = await tempDir();
  const server = await startServer({ dir });
  for (let round = 0; round < 5; round++) {
    const text = wire(server, { method: "PUT", path: `/${BUCKET}/k`, payloadHash: "UNSIGNED-PAYLOAD" }, [
      "content-length: 2000000",
    ]);
    await new Promise<void>((resolve) => {
      const socket = connect(server.port, "127.0.0.1", () => {
        socket.write(text);
        socket.write(Buffer.alloc(600_000), () => socket.destroy());
      });
      socket.on("close", () => resolve());
    });
  }
  expect((await send(server, { path: `/${BUCKET}/k` })).code).toBe("NoSuchKey");
  await server.close();
  expect(await readdir(join(dir, "blobs"))).toEqual([]);
});

it("asks for the body only when the request is good, where the client waits to be asked", async () => {
  const server = await startServer();
  const good = wire(server, { method: "PUT", path: `/${BUCKET}/k`, payloadHash: "UNSIGNED-PAYLOAD" }, [
    "content-length: 5",
    "expect: 100-continue",
    "connection: close",
  ]);
  const answer = await new Promise<string>((resolve) => {
    let text = "";
    const socket = connect(server.port, "127.0.0.1", () => socket.write(good));
    socket.setEncoding("latin1").on("data", (data: string) => {
      text += data;
      if (text === "HTTP/1.1 100 Continue\r\n\r\n") socket.write("hello");
    });
    socket.on("close", () => resolve(text));
  });
  expect(answer).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 /);
  const bad = good.replace(/Signature=\w{4}/, "Signature=0000");
  expect(await sendBytes(server, bad)).toMatch(/^HTTP\/1.1 403 /);
});

it("goes on with the same connection after it refused a body", async () => {
  const server = await startServer();
  const agent = new Agent({ connections: 1, pipelining: 1 });
  onTestFinished(() => agent.close());
  const body = Buffer.alloc(3_000_000);
  for (const headers of [{ "x-amz-meta-a": "x".repeat(3000) }, { "content-md5": "AAAA" }, {}]) {
    const raw = {
      method: "PUT",
      path: `/${BUCKET}/k`,
      body,
      headers,
      payloadHash: "UNSIGNED-PAYLOAD",
    } as const;
    const answer = await request(`${server.url}${raw.path}`, {
      method: "PUT",
      headers: signHeaders(server, raw),
      body,
      dispatcher: agent,
    });
    await answer.body.dump();
    expect(answer.statusCode).toBe(Object.keys(headers).length === 0 ? 200 : 400);
  }
});

it("gives no body to a HEAD, whatever it answers", async () => {
  const server = await startServer();
  await send(server, { method: "PUT", path: `/${BUCKET}/k`, body: "x".repeat(9000) });
  for (const [path, status] of [
    ["k", 200],
    ["missing", 404],
    ["k?versionId=7", 400],
  ] as const) {
    const answer = await sendBytes(server, wire(server, { method: "HEAD", path: `/${BUCKET}/${path}` }));
    expect([path, answer.split(" ")[1], answer.split("\r\n\r\n")[1]]).toEqual([path, String(status), ""]);
  }
});

it("says which port is taken", async () => {
  const server = await startServer();
  const options = {
    dir: await tempDir(),
    port: server.port,
    region: REGION,
    credentials: [FULL],
    clock: systemClock,
  };
  await expect(startS3Server(options)).rejects.toMatchObject({ code: "mirror/port-in-use" });
});

it("closes at once when only idle connections are left, and lets a running download end", async () => {
  const server = await startServer();
  const body = Buffer.alloc(8_000_000, 7);
  await send(server, { method: "PUT", path: `/${BUCKET}/big`, body });
  const path = `/${BUCKET}/big`;
  const running = await request(`${server.url}${path}`, { headers: signHeaders(server, { path }) });
  const closed = server.close();
  expect(Buffer.from(await running.body.arrayBuffer()).equals(body)).toBe(true);
  await closed;
  await expect(send(server, { path })).rejects.toMatchObject({ code: "ECONNREFUSED" });
});
