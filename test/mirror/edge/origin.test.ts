import { createServer as createHttpsServer } from "node:https";
import { createServer } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import type { DirectorSpec } from "../../../src/vcl/runtime.ts";
import { CertificateAuthority } from "../../../src/mirror/edge/certificate-authority.ts";
import { chooseBackends } from "../../../src/mirror/edge/directors.ts";
import { parseProbeRequest } from "../../../src/mirror/edge/health.ts";
import { systemClock } from "../../../src/lib/clock.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { backendAt, programOf, serviceOf, startOrigin, testEdge, until } from "./harness.ts";
import { listenOnLoopback } from "../../support/loopback-server.ts";

/** A server that answers every connection with these bytes, once the request's head is there. */
async function rawOrigin(answer: string): Promise<{ port: number; heads: string[] }> {
  const heads: string[] = [];
  const server = createServer((socket) => {
    let head = "";
    socket.setEncoding("latin1");
    socket.on("error", () => undefined);
    socket.on("data", (chunk: string) => {
      head += chunk;
      if (!head.includes("\r\n\r\n")) return;
      heads.push(head);
      head = "";
      socket.end(answer, "latin1");
    });
  });
  const port = await listenOnLoopback(server);
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
  return { port, heads };
}

test("URL, Host and header lines reach the origin as VCL left them, byte for byte", async () => {
  const origin = await rawOrigin("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-One: 1\r\nx-one: \xe9\r\n\r\nok");
  const program = programOf({
    backends: [backendAt(origin.port)],
    subs: {
      miss: (t) => {
        if (t.bereq === null) return;
        t.bereq.url = "/a%20b//c?x='\xe9";
        t.bereq.headers.set("Host", "Bucket.Example");
        t.bereq.headers.add("X-Two", "1");
        t.bereq.headers.add("x-two", "\xe9");
      },
    },
  });
  const { ask } = await testEdge(serviceOf(program));
  const answer = await ask("/", {
    headers: { Connection: "keep-alive, X-Drop", "X-Drop": "1", TE: "trailers" },
  });
  expect(answer.headers.getAll("X-One")).toEqual(["1", "\xe9"]);
  const head = origin.heads[0] ?? "";
  expect(head).toContain("GET /a%20b//c?x='\xe9 HTTP/1.1\r\n");
  expect(head).toMatch(/^host: Bucket\.Example\r$/im);
  expect(head).toContain("X-Two: 1\r\nx-two: \xe9\r\n");
  expect(head).not.toMatch(/^(x-drop|te):/im);
});

test.each([
  ["an answer that is no HTTP", "hello\r\n\r\n", "backend read error"],
  ["a closed connection", "", "backend read error"],
  ["70 KB of headers", `HTTP/1.1 200 OK\r\nX: ${"a".repeat(70 * 1024)}\r\n\r\n`, "backend read error"],
  ["97 header lines", `HTTP/1.1 200 OK\r\n${"X: 1\r\n".repeat(97)}\r\n`, "Header overflow"],
])("%s is a 503 with Fastly's words", async (_what, bytes, reason) => {
  const origin = await rawOrigin(bytes);
  const { ask } = await testEdge(serviceOf(programOf({ backends: [backendAt(origin.port)] })));
  const answer = await ask("/");
  expect([answer.status, answer.reason]).toEqual([503, reason]);
});

test("an origin that does not answer in time is a first byte timeout", async () => {
  const origin = await startOrigin(() => undefined);
  const { ask } = await testEdge(
    serviceOf(programOf({ backends: [backendAt(origin.port, { firstByteTimeout: 0.05 })] })),
  );
  const answer = await ask("/");
  expect([answer.status, answer.reason]).toEqual([503, "first byte timeout"]);
});

test.each([{ firstByte: 0.05 }, { fetch: 0.05 }])(
  "VCL can bound one request's wait: %j",
  async (timeouts) => {
    const origin = await startOrigin(() => undefined);
    const program = programOf({
      backends: [backendAt(origin.port)],
      subs: {
        miss: (t) => {
          t.backendTimeouts = timeouts;
        },
      },
    });
    const { ask } = await testEdge(serviceOf(program));
    const answer = await ask("/");
    expect([answer.status, answer.reason]).toEqual([503, "first byte timeout"]);
  },
);

test("a body that stops coming is a backend read error", async () => {
  const origin = await startOrigin((_request, response) => {
    response.writeHead(200, { "Content-Length": "10" });
    response.write("12345");
  });
  const backend = backendAt(origin.port, { betweenBytesTimeout: 0.05 });
  const { ask } = await testEdge(serviceOf(programOf({ backends: [backend] })));
  expect((await ask("/")).reason).toBe("backend read error");
});

test("more requests than max_connections are refused, not queued", async () => {
  const held: (() => void)[] = [];
  const origin = await startOrigin((_request, response) => void held.push(() => response.end("x")));
  const { ask } = await testEdge(
    serviceOf(programOf({ backends: [backendAt(origin.port, { maxConnections: 1 })] })),
  );
  const first = ask("/a");
  await until(() => held.length === 1);
  expect((await ask("/b")).reason).toBe("Backend.max_conn reached");
  held[0]?.();
  expect((await first).text).toBe("x");
});

test("a TLS origin is checked against its certificate's name", async () => {
  const authority = await CertificateAuthority.open(await tempDir(), systemClock);
  const server = createHttpsServer(await authority.fallback(), (_request, response) => response.end("tls"));
  const port = await listenOnLoopback(server);
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const { ask, edge } = await testEdge();
  const use = (sslCheckCert: boolean): void =>
    edge.activate(serviceOf(programOf({ backends: [backendAt(port, { ssl: true, sslCheckCert })] })));
  use(true);
  expect((await ask("/")).reason).toBe("unable to get local issuer certificate");
  use(false);
  expect((await ask("/")).text).toBe("tls");
});

const A = backendAt(1, { name: "a" });
const B = backendAt(2, { name: "b" });

function director(type: DirectorSpec["type"], more: Partial<DirectorSpec> = {}): DirectorSpec {
  const members = [
    { backend: "a", weight: 1, id: null },
    { backend: "b", weight: 3, id: null },
  ];
  return { name: "d", type, shield: null, quorumPercent: 0, retries: null, members, ...more };
}

function choose(
  spec: DirectorSpec,
  more: { random?: number; sick?: string; hash?: string; client?: string },
): string[] {
  const chosen = chooseBackends(
    { kind: "director", spec },
    {
      program: programOf({ backends: [A, B] }),
      hash: more.hash ?? "h",
      client: more.client ?? "c",
      isHealthy: (backend) => backend.name !== more.sick,
      random: () => more.random ?? 0,
    },
  );
  return chosen.map((backend) => backend.name);
}

test("directors choose by weight, order, key or client among healthy members", () => {
  expect([choose(director("random"), { random: 0.2 }), choose(director("random"), { random: 0.3 })]).toEqual([
    ["a", "b"],
    ["b", "a"],
  ]);
  expect(choose(director("fallback"), {})).toEqual(["a", "b"]);
  expect(choose(director("fallback"), { sick: "a" })).toEqual(["b"]);
  expect(choose(director("random", { retries: 0 }), { random: 0.3 })).toEqual(["b"]);
  for (const type of ["hash", "client", "chash"] as const) {
    const some = Array.from(
      { length: 40 },
      (_, i) => choose(director(type), { hash: `h${i}`, client: `c${i}` })[0],
    );
    expect(new Set(some)).toEqual(new Set(["a", "b"]));
    expect(choose(director(type), { hash: "h1", client: "c1" })).toEqual(
      choose(director(type), { hash: "h1", client: "c1" }),
    );
  }
});

test("without a healthy member, or below the quorum, there is no backend", () => {
  expect(() => choose(director("fallback", { members: [] }), {})).toThrow("All backends failed or unhealthy");
  expect(() => choose(director("random", { quorumPercent: 50 }), { sick: "b" })).toThrow(
    "Quorum weight not reached",
  );
  expect(choose(director("random", { quorumPercent: 50 }), { sick: "a" })).toEqual(["b"]);
});

test("a director goes on to its next member when a connection is refused", async () => {
  const origin = await startOrigin((_request, response) => response.end("second"));
  const program = programOf({
    backends: [backendAt(1, { name: "a" }), backendAt(origin.port, { name: "b" })],
    directors: [director("fallback")],
    subs: {
      recv: (t) => {
        t.backend = program.directors.get("d") ?? null;
      },
    },
  });
  const { ask } = await testEdge(serviceOf(program));
  expect((await ask("/")).text).toBe("second");
});

test("probes decide about a backend by window and threshold on the edge's clock", async () => {
  let healthy = true;
  const origin = await startOrigin((request, response) => {
    if (request.url === "/health") response.writeHead(healthy ? 200 : 500).end();
    else response.writeHead(500).end("page");
  });
  const probe = {
    request: "HEAD /health HTTP/1.1\r\nHost: probe.example",
    expectedResponse: 200,
    interval: 5,
    timeout: 1,
    window: 3,
    threshold: 2,
    initial: 2,
    dummy: false,
  };
  const { ask, clock } = await testEdge(
    serviceOf(programOf({ backends: [backendAt(origin.port, { probe })] })),
  );
  const probes = (): number => origin.seen.filter((request) => request.url === "/health").length;
  const next = async (count: number): Promise<void> => {
    await until(() => clock.sleeping > 0);
    clock.advance(5_000);
    await until(() => probes() === count && clock.sleeping > 0);
  };
  await until(() => probes() === 1 && clock.sleeping > 0);
  expect(origin.seen[0]?.headers.get("Host")).toBe("probe.example");
  expect((await ask("/")).status).toBe(500);
  healthy = false;
  await next(2);
  expect((await ask("/")).status).toBe(500);
  await next(3);
  expect((await ask("/")).reason).toBe("All backends failed or unhealthy");
  healthy = true;
  await next(4);
  await next(5);
  expect((await ask("/")).text).toBe("page");
});

test("a probe's request is read line by line, with a Host where it has none", () => {
  const request = parseProbeRequest("GET /x HTTP/1.1\r\nX-A: 1\r\nConnection: close", "h.example");
  expect([request.method, request.url, request.headers.toFlat()]).toEqual([
    "GET",
    "/x",
    ["X-A", "1", "Connection", "close", "Host", "h.example"],
  ]);
});
