import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { connect } from "node:net";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { connect as tlsConnect } from "node:tls";
import { expect, onTestFinished, test } from "vitest";
import { CertificateAuthority } from "../../../src/mirror/edge/certificate-authority.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { backendAt, programOf, serviceOf, testEdge, until } from "./harness.ts";
import type { TestEdge } from "./harness.ts";
import { compiledService } from "./service-vcl.ts";
import { listenOnLoopback, shut } from "../../support/loopback-server.ts";

interface Backend {
  readonly port: number;
  readonly upgrades: IncomingMessage[];
  readonly plain: { readonly url: string; readonly body: string; readonly upgrade: string | undefined }[];
  readonly sockets: Duplex[];
}

/** A backend that agrees to any protocol and says everything back in capitals; `/no` it answers in HTTP. */
async function echoBackend(tls?: { readonly cert: string; readonly key: string }): Promise<Backend> {
  const upgrades: IncomingMessage[] = [];
  const plain: { url: string; body: string; upgrade: string | undefined }[] = [];
  const sockets: Duplex[] = [];
  const answer = (message: IncomingMessage, response: ServerResponse): void => {
    let body = "";
    message.on("data", (chunk: Buffer) => (body += chunk.toString()));
    message.on("end", () => {
      plain.push({ url: message.url ?? "", body, upgrade: message.headers.upgrade });
      response.end("plain page");
    });
  };
  const server = tls === undefined ? createServer(answer) : createTlsServer(tls, answer);
  server.on("upgrade", (message: IncomingMessage, socket: Duplex) => {
    upgrades.push(message);
    sockets.push(socket);
    socket.on("error", () => undefined);
    if (message.url === "/no") {
      socket.end("HTTP/1.1 403 Forbidden\r\nX-Why: closed\r\nContent-Length: 2\r\n\r\nno");
      return;
    }
    const head = [
      "HTTP/1.1 101 Switching Protocols",
      "Upgrade: websocket",
      "Connection: Upgrade",
      "X-Own: 1",
    ];
    socket.write(`${head.join("\r\n")}\r\n\r\nhello `);
    socket.on("data", (chunk: Buffer) => socket.write(chunk.toString("latin1").toUpperCase(), "latin1"));
    socket.on("end", () => socket.end());
  });
  const port = await listenOnLoopback(server);
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await shut(server);
  });
  return { port, upgrades, plain, sockets };
}

const UPGRADE =
  'set req.http.X-Added = "by VCL"; if (req.http.Upgrade && req.url != "/page") { return(upgrade); }';

async function run(recv = UPGRADE): Promise<TestEdge & { backend: Backend }> {
  const backend = await echoBackend();
  const program = compiledService(backend.port, { recv, log: 'log "log " resp.status;' });
  return { ...(await testEdge(serviceOf(program))), backend };
}

interface Client {
  readonly socket: Socket;
  readonly text: () => string;
  readonly ended: Promise<string>;
}

function client(port: number, head: readonly string[], rest = ""): Client {
  return clientOn(connect({ port, host: "127.0.0.1", allowHalfOpen: true }), head, rest);
}

function clientOn(socket: Socket, head: readonly string[], rest = ""): Client {
  let text = "";
  socket.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
  const ended = new Promise<string>((resolve) => socket.on("end", () => resolve(text)));
  socket.on("error", () => undefined);
  onTestFinished(() => void socket.destroy());
  socket.write(`${[...head, "", ""].join("\r\n")}${rest}`, "latin1");
  return { socket, text: () => text, ended };
}

function opening(path: string): string[] {
  const asks = ["Connection: keep-alive, Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"];
  return [
    `GET ${path} HTTP/1.1`,
    "Host: www.example.com",
    ...asks,
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
  ];
}

test("return(upgrade) joins client and backend, and bytes go both ways until both have ended", async () => {
  const { edge, backend, logs } = await run();
  const { socket, text, ended } = client(edge.httpPort, opening("/chat"));
  await until(() => text().endsWith("hello "));
  expect(text()).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/);
  expect(text()).toContain("X-Own: 1\r\n");
  expect(text().toLowerCase()).toContain("upgrade: websocket\r\n");
  const [asked] = backend.upgrades;
  expect(asked?.headers).toMatchObject({
    upgrade: "websocket",
    connection: "Upgrade",
    host: "www.example.com",
    "x-added": "by VCL",
    "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
  });
  // vcl_log runs when the connection is made.
  expect(logs.map(({ line }) => line)).toContain("log 101");
  socket.write("one ");
  await until(() => text().endsWith("ONE "));
  socket.end("two");
  expect((await ended).endsWith("hello ONE TWO")).toBe(true);
});

test("large amounts go through in order, at the speed of the slower side", async () => {
  const { edge } = await run();
  const { socket, text, ended } = client(edge.httpPort, opening("/chat"));
  await until(() => text().endsWith("hello "));
  const sent = Array.from({ length: 40 }, (_, i) => String(i).padStart(50_000, "x")).join("");
  socket.end(sent);
  const whole = await ended;
  expect(whole.slice(whole.indexOf("hello ") + 6)).toBe(sent.toUpperCase());
});

test("what a backend that does not agree answers goes to the client, and nothing of the client's to the backend", async () => {
  const { edge, backend } = await run();
  const smuggled = "GET /secret HTTP/1.1\r\nHost: www.example.com\r\n\r\n";
  const { ended } = client(edge.httpPort, opening("/no"), smuggled);
  const text = await ended;
  expect(text).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n/);
  expect(text).toContain("X-Why: closed");
  expect(text.endsWith("\r\n\r\nno")).toBe(true);
  expect(backend.plain).toEqual([]);
});

test("a WebSocket that VCL does not hand on is answered as any other request", async () => {
  const { edge, backend } = await run();
  const text = await client(edge.httpPort, opening("/page")).ended;
  expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(text.endsWith("plain page")).toBe(true);
  expect(backend.plain).toEqual([{ url: "/page", body: "", upgrade: undefined }]);
});

test("a POST that offers another protocol keeps its body and its connection", async () => {
  const { edge, backend } = await run("return(pass);");
  const head = [
    "POST /form HTTP/1.1",
    "Host: www.example.com",
    "Connection: Upgrade, HTTP2-Settings",
    "Upgrade: h2c",
    "HTTP2-Settings: AAMAAABk",
    "Content-Length: 4",
  ];
  const next = "GET /next HTTP/1.1\r\nHost: www.example.com\r\nConnection: close\r\n\r\n";
  const text = await client(edge.httpPort, head, `form${next}`).ended;
  expect(text.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(2);
  expect(backend.plain.map(({ url, body, upgrade }) => [url, body, upgrade])).toEqual([
    ["/form", "form", undefined],
    ["/next", "", undefined],
  ]);
});

test("a request that cannot change its protocol gets the backend's plain answer", async () => {
  const { ask, backend } = await run("return(upgrade);");
  const answer = await ask("/plain", { method: "POST", body: "abc" });
  expect([answer.status, answer.text]).toEqual([200, "plain page"]);
  expect(backend.plain).toEqual([{ url: "/plain", body: "abc", upgrade: undefined }]);
});

test("a backend that cannot be reached is a 503, without vcl_error", async () => {
  const dead = await echoBackend();
  const program = compiledService(1, { recv: "return(upgrade);", error: "set obj.status = 418;" });
  expect(dead.port).toBeGreaterThan(0);
  const { edge } = await testEdge(serviceOf(program));
  expect(await client(edge.httpPort, opening("/chat")).ended).toMatch(
    /^HTTP\/1\.1 503 Connection refused\r\n/,
  );
});

test("a service without the product WebSockets gets a 503 for return(upgrade), and its backend is not asked", async () => {
  const backend = await echoBackend();
  const program = compiledService(backend.port, { recv: UPGRADE });
  const { edge } = await testEdge(serviceOf(program, { websockets: false }));
  const refused = await client(edge.httpPort, opening("/chat")).ended;
  expect(refused).toMatch(/^HTTP\/1\.1 503 WebSockets not enabled\r\n/);
  expect((await client(edge.httpPort, opening("/page")).ended).endsWith("plain page")).toBe(true);
  expect(backend.upgrades).toEqual([]);
});

test("when one side breaks the other is ended, and closing the edge ends both", async () => {
  const { edge, backend } = await run();
  const first = client(edge.httpPort, opening("/chat"));
  await until(() => first.text().endsWith("hello "));
  first.socket.destroy();
  await until(() => backend.sockets[0]?.destroyed === true);
  const second = client(edge.httpPort, opening("/chat"));
  await until(() => second.text().endsWith("hello "));
  backend.sockets[1]?.destroy();
  await second.ended;
  const third = client(edge.httpPort, opening("/chat"));
  await until(() => third.text().endsWith("hello "));
  await edge.close();
  await third.ended.catch(() => undefined);
  await until(() => backend.sockets[2]?.destroyed === true);
});

test("a WebSocket over TLS is joined with a backend over TLS", async () => {
  const authority = await CertificateAuthority.open(await tempDir(), new FakeClock());
  const backend = await echoBackend(await authority.fallback());
  const spec = backendAt(backend.port, { ssl: true, sslCheckCert: false });
  const upgrading = (ssl: typeof spec) =>
    serviceOf(programOf({ backends: [ssl], subs: { recv: () => ({ do: "upgrade" }) } }));
  const { edge } = await testEdge(upgrading(spec));
  const visit = (): Client => {
    const options = { host: "127.0.0.1", port: edge.httpsPort, servername: "www.example.com" };
    return clientOn(tlsConnect({ ...options, rejectUnauthorized: false }), opening("/chat"));
  };
  const { socket, text, ended } = visit();
  await until(() => text().endsWith("hello "));
  socket.write("one");
  await until(() => text().endsWith("hello ONE"));
  socket.end();
  expect(await ended).toMatch(/^HTTP\/1\.1 101 /);
  edge.activate(upgrading({ ...spec, sslCheckCert: true }));
  expect(await visit().ended).toMatch(/^HTTP\/1\.1 503 unable to get local issuer certificate\r\n/);
  expect(backend.upgrades).toHaveLength(1);
});

test("a connection that nothing goes through for a while is ended on both sides", async () => {
  const backend = await echoBackend();
  const program = compiledService(backend.port, { recv: UPGRADE });
  const { edge } = await testEdge(serviceOf(program), { frontLimits: { tunnelTimeout: 30 } });
  const { text, ended } = client(edge.httpPort, opening("/chat"));
  expect((await ended).endsWith("hello ")).toBe(true);
  expect(text()).toMatch(/^HTTP\/1\.1 101 /);
  await until(() => backend.sockets[0]?.destroyed === true);
});
