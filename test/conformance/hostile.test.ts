import { connect } from "node:net";
import type { Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";

const HOST = "main.conformance.localhost";
const OTHER = "other.conformance.localhost";
const SECRET = "Other's secret";

let fleet: Fleet;

beforeAll(async () => {
  fleet = await startFleet();
  await fleet.deploy();
  await fleet.prepare();
}, 120_000);
afterAll(() => fleet.close());

function dial(): Socket {
  const { hostname, port } = new URL(fleet.target.http);
  // The bytes under test end where they end: the other side must decide, not a closed socket.
  return connect({ host: hostname, port: Number(port), allowHalfOpen: true });
}

/** Sends the parts one after the other and gives all that comes back until the edge closes. */
function raw(...parts: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = dial();
    let text = "";
    socket.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
    socket.on("error", (error: NodeJS.ErrnoException) => {
      // The edge may hang up while we are still sending; what it said before counts.
      if (error.code === "ECONNRESET" || error.code === "EPIPE") resolve(text);
      else reject(error);
    });
    socket.on("end", () => {
      socket.end();
      resolve(text);
    });
    for (const part of parts) socket.write(part, "latin1");
  });
}

function statuses(answer: string): readonly number[] {
  return [...answer.matchAll(/(?:^|\n)HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));
}

/** A request whose connection ends with its answer. */
function request(line: string, headers: readonly string[], body = ""): string {
  return `${[line, ...headers, "Connection: close"].join("\r\n")}\r\n\r\n${body}`;
}

async function isAlive(): Promise<void> {
  const answer = await raw(request("GET /about HTTP/1.1", [`Host: ${HOST}`]));
  expect(statuses(answer)).toEqual([200]);
  expect(answer).toContain("About");
}

describe("a hostile request", () => {
  const host = `Host: ${HOST}`;
  const refused: readonly (readonly [string, string])[] = [
    ["no Host", request("GET / HTTP/1.1", [])],
    ["an empty Host", request("GET / HTTP/1.1", ["Host:"])],
    ["two Hosts", request("GET /secret HTTP/1.1", [host, `Host: ${OTHER}`])],
    ["two equal Hosts", request("GET / HTTP/1.1", [host, host])],
    ["a list as Host", request("GET /secret HTTP/1.1", [`Host: ${HOST}, ${OTHER}`])],
    ["a path in Host", request("GET / HTTP/1.1", [`Host: ${HOST}/../${OTHER}`])],
    ["userinfo in Host", request("GET / HTTP/1.1", [`Host: ${HOST}@${OTHER}`])],
    ["a percent sign in Host", request("GET / HTTP/1.1", ["Host: main%2econformance.localhost"])],
    ["a space in Host", request("GET / HTTP/1.1", [`Host: ${HOST} ${OTHER}`])],
    ["a bad port in Host", request("GET / HTTP/1.1", [`Host: ${HOST}:99999`])],
    ["a bucket's segment in Host", request("GET / HTTP/1.1", ["Host: _sites.conformance.localhost"])],
    ["a Host of 300 characters", request("GET / HTTP/1.1", [`Host: ${"a".repeat(300)}`])],
    ["an absolute target of another host", request(`GET http://${OTHER}/secret HTTP/1.1`, [host])],
    ["an absolute target with userinfo", request(`GET http://${HOST}@${OTHER}/secret HTTP/1.1`, [host])],
    ["a target of another scheme", request("GET file:///etc/passwd HTTP/1.1", [host])],
    ["a target without a slash", request("GET secret HTTP/1.1", [host])],
    ["a fragment in the target", request("GET /about#x HTTP/1.1", [host])],
    ["an asterisk", request("GET * HTTP/1.1", [host])],
    ["headers of 100 KB", request("GET / HTTP/1.1", [host, `X-Large: ${"a".repeat(100_000)}`])],
    ["headers of 200 KB", request("GET / HTTP/1.1", [host, `X-Large: ${"a".repeat(200_000)}`])],
    [
      "300 header lines",
      request("GET / HTTP/1.1", [host, ...Array.from({ length: 300 }, (_, i) => `X-${i}: 1`)]),
    ],
    ["a target of 9 KB", request(`GET /${"a".repeat(9_000)} HTTP/1.1`, [host])],
    [
      "Content-Length beside chunked",
      request("POST / HTTP/1.1", [host, "Content-Length: 4", "Transfer-Encoding: chunked"], "0\r\n\r\n"),
    ],
    [
      "two Content-Lengths",
      request("POST / HTTP/1.1", [host, "Content-Length: 1", "Content-Length: 2"], "ab"),
    ],
    ["a signed Content-Length", request("POST / HTTP/1.1", [host, "Content-Length: +1"], "a")],
    ["a space before the colon", request("GET / HTTP/1.1", [host, "Content-Length : 5"], "hello")],
    ["an unknown transfer coding", request("GET / HTTP/1.1", [host, "Transfer-Encoding: xchunked"])],
    [
      "chunked that is not last",
      request("POST / HTTP/1.1", [host, "Transfer-Encoding: chunked, identity"], "0\r\n\r\n"),
    ],
    ["a bad chunk size", request("POST / HTTP/1.1", [host, "Transfer-Encoding: chunked"], "zz\r\n")],
    ["chunked over HTTP/1.0", request("GET / HTTP/1.0", [host, "Transfer-Encoding: chunked"], "0\r\n\r\n")],
    ["a folded header", request("GET / HTTP/1.1", [host, "X-A: 1", " Host: other"])],
    ["a leading folded line", request("GET / HTTP/1.1", [" X: 1", host])],
    ["bare line feeds", `GET /about HTTP/1.1\n${host}\nConnection: close\n\n`],
    ["one bare line feed", `GET /about HTTP/1.1\r\n${host}\nX: 1\r\nConnection: close\r\n\r\n`],
    ["a bare line feed at the end", `GET /about HTTP/1.1\r\n${host}\r\nConnection: close\r\n\n`],
    [
      "two transfer codings",
      request(
        "POST / HTTP/1.1",
        [host, "Transfer-Encoding: chunked", "Transfer-Encoding: identity"],
        "0\r\n\r\n",
      ),
    ],
    ["a hexadecimal Content-Length", request("POST / HTTP/1.1", [host, "Content-Length: 0x5"], "hello")],
    [
      "a chunk extension of 20 KB",
      request("POST / HTTP/1.1", [host, "Transfer-Encoding: chunked"], `0;${"a".repeat(20_000)}\r\n\r\n`),
    ],
    ["bytes that are no UTF-8 in the target", request("GET /\xff HTTP/1.1", [host])],
    ["a control character in the query", request("GET /about?a=\x01b HTTP/1.1", [host])],
    ["HTTP/0.9", "GET /about\r\n\r\n"],
    ["two dots after Host", request("GET /about HTTP/1.1", [`${host}..`])],
    ["NUL in a header", request("GET / HTTP/1.1", [host, "X-A: a\0b"])],
    ["NUL in the target", request("GET /a\0b HTTP/1.1", [host])],
    ["a bare CR in a header", request("GET / HTTP/1.1", [host, `X-A: a\rHost: ${OTHER}`])],
    ["a header name with a space", request("GET / HTTP/1.1", [host, "X A: 1"])],
    ["a header without a name", request("GET / HTTP/1.1", [host, ": 1"])],
    ["no HTTP at all", "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\r\n\r\n"],
    ["HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
    ["an unknown version", request("GET / HTTP/3.7", [host])],
    ["a method that is none", request("GE(T / HTTP/1.1", [host])],
    ["CONNECT", request(`CONNECT ${OTHER}:443 HTTP/1.1`, [`Host: ${OTHER}:443`])],
    ["TRACE", request("TRACE / HTTP/1.1", [host, "Cookie: secret=1"])],
    ["PROPFIND", request("PROPFIND / HTTP/1.1", [host])],
    ["PUT", request("PUT /about HTTP/1.1", [host, "Content-Length: 4"], "evil")],
    ["FASTLYPURGE", request("FASTLYPURGE /about HTTP/1.1", [host])],
    ["an expectation it does not know", request("GET / HTTP/1.1", [host, "Expect: magic"])],
  ];

  it.each(refused)("with %s is refused", async (_, text) => {
    const answer = await raw(text);
    const [status = 0, ...more] = statuses(answer);
    expect(status).toBeGreaterThanOrEqual(400);
    // 503 is Fastly's own answer to headers beyond its limits, "Header overflow".
    expect([501, 503, 505, ...Array.from({ length: 100 }, (_, i) => 400 + i)]).toContain(status);
    expect(more.every((later) => later >= 400)).toBe(true);
    expect(answer).not.toContain(SECRET);
    expect(answer).not.toContain("secret=1");
  });

  it("leaves the edge as it was", isAlive);
});

describe("an unusual request that is right", () => {
  it.each<readonly [string, string]>([
    ["an absolute target of the same host", request(`GET http://${HOST}/about HTTP/1.1`, [`Host: ${HOST}`])],
    ["HTTP/1.0", request("GET /about HTTP/1.0", [`Host: ${HOST}`])],
    [
      "an upgrade that is not offered",
      request("GET /about HTTP/1.1", [`Host: ${HOST}`, "Upgrade: websocket"]),
    ],
    ["a body on GET", request("GET /about HTTP/1.1", [`Host: ${HOST}`, "Content-Length: 5"], "hello")],
    [
      "a Range of a thousand parts",
      request("GET /about HTTP/1.1", [`Host: ${HOST}`, `Range: bytes=${"0-0,".repeat(1_000)}1-1`]),
    ],
  ])("with %s gets the page", async (_, text) => {
    const answer = await raw(text);
    expect(statuses(answer)).toEqual([200]);
    expect(answer).toContain("<h1>About</h1>");
  });

  it("is answered with 100 before it when it expects that, and then by method", async () => {
    const answer = await raw(
      request("POST / HTTP/1.1", [`Host: ${HOST}`, "Expect: 100-continue", "Content-Length: 4"], "body"),
    );
    expect(statuses(answer).at(-1)).toBe(405);
  });
});

describe("requests on one connection", () => {
  it("are answered in order, each from its own host", async () => {
    const answer = await raw(
      `GET /secret HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`,
      `GET /secret HTTP/1.1\r\nHost: ${OTHER}\r\n\r\n`,
      request("GET /about HTTP/1.1", [`Host: ${HOST}`]),
    );
    expect(statuses(answer)).toEqual([404, 200, 200]);
    expect(answer.match(/Other's secret/g)?.length).toBeGreaterThan(0);
    expect(answer.indexOf("Main has no such page")).toBeLessThan(answer.indexOf(SECRET));
  });

  it("do not hide one in another's body", async () => {
    const inner = `GET /secret HTTP/1.1\r\nHost: ${OTHER}\r\n\r\n`;
    const answer = await raw(
      request("GET /about HTTP/1.1", [`Host: ${HOST}`, `Content-Length: ${inner.length}`], inner),
    );
    expect(statuses(answer)).toEqual([200]);
    expect(answer).not.toContain(SECRET);
  });

  it("end with one whose framing is in doubt", async () => {
    const inner = `GET /secret HTTP/1.1\r\nHost: ${OTHER}\r\n\r\n`;
    const answer = await raw(
      `POST / HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: ${inner.length + 5}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${inner}`,
    );
    expect(statuses(answer)).toEqual([400]);
    expect(answer).not.toContain(SECRET);
  });

  it("may arrive one byte at a time", async () => {
    const text = request("GET /about HTTP/1.1", [`Host: ${HOST}`]);
    expect(statuses(await raw(...text.split("")))).toEqual([200]);
  });

  it("are answered when the client has already said it will send no more", async () => {
    const socket = dial();
    socket.end(request("GET /about HTTP/1.1", [`Host: ${HOST}`]));
    let text = "";
    for await (const chunk of socket) text += String(chunk);
    expect(statuses(text)).toEqual([200]);
  });

  it("that break off in the middle harm nobody", async () => {
    for (const part of [
      "GET",
      "GET / HTTP/1.1\r\nHost:",
      `POST / HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: 9\r\n\r\na`,
    ]) {
      const socket = dial();
      await new Promise((resolve) => socket.write(part, resolve));
      socket.destroy();
    }
    await isAlive();
  });
});
