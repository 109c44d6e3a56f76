import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { request as httpsRequest } from "node:https";
import { connect } from "node:net";
import { join } from "node:path";
import { connect as tlsConnect } from "node:tls";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { CertificateAuthority } from "../../../src/mirror/edge/certificate-authority.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { systemClock } from "../../../src/lib/clock.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { programOf, serviceOf, testEdge } from "./harness.ts";
import type { TestEdge } from "./harness.ts";

/** A service that answers every request itself and says what it saw. */
async function echo(): Promise<TestEdge> {
  const program = programOf({
    subs: {
      recv: () => ({ do: "error", status: 200, reason: "OK" }),
      error: (t) => {
        const ssl = t.req.headers.get("Fastly-SSL");
        t.synthetic = {
          content: `${t.req.method} ${t.req.url} ${t.req.headers.get("Host")} ${ssl} ${t.edgeIsTls}`,
        };
      },
    },
  });
  return testEdge(
    serviceOf(program, { domains: ["www.example.com", "*.wild.example", "*.deep.wild.example"] }),
  );
}

/** Sends bytes as they are and returns everything that comes back. */
function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(text, "latin1"));
    let answer = "";
    socket.setEncoding("latin1");
    socket.on("data", (chunk: string) => {
      answer += chunk;
      if (answer.includes("\r\n\r\n")) socket.end();
    });
    socket.on("close", () => resolve(answer));
    socket.on("error", reject);
  });
}

test.each([
  ["two Host lines", "GET / HTTP/1.1\r\nHost: www.example.com\r\nHost: evil.example\r\n\r\n", 400],
  ["no Host", "GET / HTTP/1.1\r\n\r\n", 400],
  ["an empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400],
  ["an invalid Host", "GET / HTTP/1.1\r\nHost: a b/..@\r\n\r\n", 400],
  [
    "an absolute target that disagrees",
    "GET http://evil.example/ HTTP/1.1\r\nHost: www.example.com\r\n\r\n",
    400,
  ],
  ["an ftp target", "GET ftp://www.example.com/ HTTP/1.1\r\nHost: www.example.com\r\n\r\n", 400],
  ["a fragment", "GET /#x HTTP/1.1\r\nHost: www.example.com\r\n\r\n", 400],
  [
    "TE with HTTP/1.0",
    "POST / HTTP/1.0\r\nHost: www.example.com\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    400,
  ],
  [
    "gzip, chunked",
    "POST / HTTP/1.1\r\nHost: www.example.com\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    501,
  ],
  ["a URL over 8 KB", `GET /${"a".repeat(9000)} HTTP/1.1\r\nHost: www.example.com\r\n\r\n`, 414],
  ["70 KB of headers", `GET / HTTP/1.1\r\nHost: www.example.com\r\nX: ${"a".repeat(70 * 1024)}\r\n\r\n`, 503],
  [
    "200 KB of headers",
    `GET / HTTP/1.1\r\nHost: www.example.com\r\nX: ${"a".repeat(200 * 1024)}\r\n\r\n`,
    503,
  ],
  ["300 headers", `GET / HTTP/1.1\r\nHost: www.example.com\r\n${"X: 1\r\n".repeat(300)}\r\n`, 503],
  ["1,500 headers", `GET / HTTP/1.1\r\n${"X: 1\r\n".repeat(1500)}Host: www.example.com\r\n\r\n`, 503],
  [
    "CL and TE",
    "POST / HTTP/1.1\r\nHost: www.example.com\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
    400,
  ],
  ["a bare LF", "GET / HTTP/1.1\nHost: www.example.com\n\n", 400],
  ["CONNECT", "CONNECT www.example.com:443 HTTP/1.1\r\nHost: www.example.com:443\r\n\r\n", 405],
])("%s is refused before any VCL runs", async (_what, text, status) => {
  const { edge, ask } = await echo();
  expect(await raw(edge.httpPort, text)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect((await ask("/")).status).toBe(200);
});

test("a plain request that claims HTTP/2.0 is refused", async () => {
  const { edge } = await echo();
  expect(await raw(edge.httpPort, "GET / HTTP/2.0\r\nHost: www.example.com\r\n\r\n")).toMatch(
    /^HTTP\/1\.1 (505|400) /,
  );
});

test("an absolute target that agrees with Host is taken apart", async () => {
  const { edge } = await echo();
  const answer = await raw(
    edge.httpPort,
    "GET http://www.example.com/a?b HTTP/1.1\r\nHost: www.example.com\r\n\r\n",
  );
  expect(answer).toContain("GET /a?b www.example.com null false");
});

test("services are found by exact name, longest wildcard and pin", async () => {
  const { ask, edge } = await echo();
  expect((await ask("/", { host: "WWW.Example.com.:8080" })).status).toBe(200);
  expect((await ask("/", { host: "a.b.wild.example" })).status).toBe(200);
  expect((await ask("/", { host: "wild.example" })).status).toBe(500);
  edge.pin("svc");
  expect((await ask("/", { host: "anything.example" })).status).toBe(200);
  edge.pin(null);
  edge.deactivate("svc");
  expect((await ask("/")).status).toBe(500);
});

test("HTTPS serves any host with a certificate of the local authority", async () => {
  const { edge } = await echo();
  const ca = await readFile(edge.caPath);
  const text = await new Promise<string>((resolve, reject) => {
    const options = {
      host: "127.0.0.1",
      port: edge.httpsPort,
      path: "/s",
      ca,
      servername: "www.example.com",
    };
    const request = httpsRequest({ ...options, headers: { Host: "www.example.com" } }, (response) => {
      let body = "";
      response.on("data", (chunk: Buffer) => (body += chunk.toString()));
      response.on("end", () => resolve(body));
    });
    request.on("error", reject);
    request.end();
  });
  expect(text).toBe("GET /s www.example.com 1 true");
});

/** Status line and body of a request over TLS to a name, with a Host of its own. */
function overTls(edge: TestEdge["edge"], servername: string, host: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port: edge.httpsPort, servername, rejectUnauthorized: false };
    const socket = tlsConnect(options, () => {
      socket.write(`GET /s HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    });
    let text = "";
    socket.on("data", (chunk: Buffer) => (text += chunk.toString()));
    socket.on("end", () => resolve(`${text.split("\r\n")[0]} ${text.split("\r\n\r\n")[1]}`));
    socket.on("error", reject);
  });
}

test.each([
  ["www.example.com", "a.b.wild.example"],
  ["www.example.com", "localhost"],
  ["", "www.example.com"],
])("over TLS to %j a request for %s is misdirected", async (servername, host) => {
  const { edge } = await echo();
  const answer = await overTls(edge, servername, host);
  expect(answer).toMatch(/^HTTP\/1\.1 421 Misdirected Request Requested host does not match /);
});

test.each([
  ["www.example.com", "WWW.Example.com.:8443"],
  ["WWW.EXAMPLE.COM", "www.example.com"],
])("over TLS to %j a request for %s is served", async (servername, host) => {
  const { edge } = await echo();
  expect(await overTls(edge, servername, host)).toMatch(/^HTTP\/1\.1 200 OK GET \/s /);
});

test("over TLS without a name only the names of this machine are served", async () => {
  const { edge } = await echo();
  edge.pin("svc");
  for (const host of ["localhost", "127.0.0.1:8443", "[::1]"]) {
    expect(await overTls(edge, "", host)).toMatch(/^HTTP\/1\.1 200 OK GET \/s /);
  }
});

test("a client that names no host gets the certificate for localhost", async () => {
  const { edge } = await echo();
  const ca = await readFile(edge.caPath);
  await new Promise<void>((resolve, reject) => {
    const socket = tlsConnect({ host: "127.0.0.1", port: edge.httpsPort, ca }, () => {
      socket.end();
      resolve();
    });
    socket.on("error", reject);
  });
});

test("a server name that is no host name is refused", async () => {
  const authority = await CertificateAuthority.open(await tempDir(), new FakeClock());
  await expect(authority.contextFor("../../etc/passwd")).rejects.toThrow("not a host name");
  await expect(authority.contextFor(`${"a".repeat(64)}.example`)).rejects.toThrow("not a host name");
});

test("certificates pass openssl's strict check and survive a restart", async () => {
  const folder = await tempDir();
  const first = await CertificateAuthority.open(folder, systemClock);
  await first.contextFor("shop.example");
  const ca = await readFile(first.caPath, "utf8");
  const leaf = await readFile(join(folder, "leaves", "host shop.example.pem"), "utf8");
  const second = await CertificateAuthority.open(folder, systemClock);
  await second.contextFor("shop.example");
  expect(await readFile(second.caPath, "utf8")).toBe(ca);
  expect(await readFile(join(folder, "leaves", "host shop.example.pem"), "utf8")).toBe(leaf);
  await writeFile(join(folder, "leaf.pem"), leaf);
  const args = ["verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", "shop.example"];
  const { stdout } = await promisify(execFile)("openssl", [
    ...args,
    "-CAfile",
    first.caPath,
    join(folder, "leaf.pem"),
  ]);
  expect(stdout.trim()).toBe(`${join(folder, "leaf.pem")}: OK`);
});

test("a damaged certificate is made anew, and the longest name has one too", async () => {
  const folder = await tempDir();
  const authority = await CertificateAuthority.open(folder, systemClock);
  const path = join(folder, "leaves", "host shop.example.pem");
  await writeFile(path, "x-----BEGIN PRIVATE KEY-----");
  await authority.contextFor("shop.example");
  expect(await readFile(path, "utf8")).toContain("BEGIN CERTIFICATE");
  const label = "a".repeat(63);
  await authority.contextFor([label, label, label, "a".repeat(61)].join("."));
});

test("a damaged authority is a clear error, never a silent new one", async () => {
  const folder = await tempDir();
  const { caPath } = await CertificateAuthority.open(folder, systemClock);
  await writeFile(caPath, "garbage");
  await expect(CertificateAuthority.open(folder, systemClock)).rejects.toMatchObject({
    code: "mirror/state-unreadable",
  });
});

test("a port in use is a clear error", async () => {
  const { edge } = await echo();
  await expect(testEdge(undefined, { httpPort: edge.httpPort })).rejects.toMatchObject({
    code: "mirror/port-in-use",
  });
});

test("cookies over 32 KB are unset and marked", async () => {
  const seen: (string | null)[] = [];
  const program = programOf({
    subs: {
      recv: (t) => {
        seen.push(t.req.headers.get("Cookie"), t.req.headers.get("Fastly-Cookie-Overflow"));
        return { do: "error", status: 200, reason: null };
      },
    },
  });
  const { ask } = await testEdge(serviceOf(program));
  await ask("/", { headers: { Cookie: `a=${"x".repeat(33 * 1024)}` } });
  expect(seen).toEqual([null, "1"]);
});
