import { connect } from "node:net";
import { expect, test } from "vitest";
import { backendAt, programOf, serviceOf, startOrigin, testEdge } from "./harness.ts";

/** A service that passes everything on, so that what the origin sees is what the front made of it. */
async function passing(more: Parameters<typeof testEdge>[1] = {}) {
  const origin = await startOrigin((_request, response) => response.end("ok"));
  const program = programOf({
    backends: [backendAt(origin.port)],
    subs: { recv: () => ({ do: "pass" }) },
  });
  return { ...(await testEdge(serviceOf(program), more)), origin };
}

/** Sends bytes as they are; all that comes back until the edge closes the connection. */
function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(text, "latin1"));
    let answer = "";
    socket.setEncoding("latin1");
    socket.on("data", (chunk: string) => (answer += chunk));
    socket.on("end", () => socket.end());
    socket.on("close", () => resolve(answer));
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "ECONNRESET" && error.code !== "EPIPE") reject(error);
    });
  });
}

const statuses = (answer: string): string[] =>
  [...answer.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => status ?? "");

/** A request that must not run, whatever is before it. */
const NEXT = "GET /smuggled HTTP/1.1\r\nHost: www.example.com\r\n\r\n";

const post = (lines: string, body = ""): string =>
  `POST /a HTTP/1.1\r\nHost: www.example.com\r\n${lines}\r\n\r\n${body}`;
const get = (line: string, lines = "Host: www.example.com"): string => `${line}\r\n${lines}\r\n\r\n`;
const TE = "Transfer-Encoding: chunked";

/** Refused before a byte gets to the origin, with the connection closed and nothing after it run. */
test.each<readonly [string, string, string]>([
  ["CL and TE", post(`Content-Length: 4\r\n${TE}`, "0\r\n\r\n"), "400"],
  ["TE and CL", post(`${TE}\r\nContent-Length: 4`, "0\r\n\r\n"), "400"],
  ["two TE lines", post(`${TE}\r\n${TE}`, "0\r\n\r\n"), "400"],
  ["TE twice in a line", post("Transfer-Encoding: chunked, chunked", "0\r\n\r\n"), "400"],
  ["TE identity", post("Transfer-Encoding: identity"), "501"],
  ["TE chunked, identity", post("Transfer-Encoding: chunked, identity"), "400"],
  ["TE xchunked", post("Transfer-Encoding: xchunked", "0\r\n\r\n"), "501"],
  ["TE in quotes", post('Transfer-Encoding: "chunked"', "0\r\n\r\n"), "501"],
  ["TE with a vertical tab", post("Transfer-Encoding: \x0bchunked", "0\r\n\r\n"), "400"],
  ["TE on a folded line", post("Transfer-Encoding:\r\n chunked", "0\r\n\r\n"), "400"],
  ["TE with a blank before the colon", post("Transfer-Encoding : chunked", "0\r\n\r\n"), "400"],
  ["TE after a bare CR", post("X: 1\rTransfer-Encoding: chunked", "0\r\n\r\n"), "400"],
  ["TE after a bare LF", post("X: 1\nTransfer-Encoding: chunked", "0\r\n\r\n"), "400"],
  ["two lengths that differ", post("Content-Length: 3\r\nContent-Length: 4", "abcd"), "400"],
  ["two lengths that agree", post("Content-Length: 3\r\nContent-Length: 3", "abc"), "400"],
  ["a list of lengths", post("Content-Length: 3, 3", "abc"), "400"],
  ["a negative length", post("Content-Length: -1", "a"), "400"],
  ["a length with a plus", post("Content-Length: +3", "abc"), "400"],
  ["a hexadecimal length", post("Content-Length: 0x3", "abc"), "400"],
  ["a length with a fraction", post("Content-Length: 3.0", "abc"), "400"],
  ["a length with a blank in it", post("Content-Length: 1 0", "abc"), "400"],
  ["an empty length", post("Content-Length: ", "abc"), "400"],
  ["a length beyond 2^64", post("Content-Length: 18446744073709551619", "abc"), "400"],
  ["a length beyond 2^53", post("Content-Length: 9007199254740993", "abc"), "400"],
  ["a chunk size beyond 2^64", post(TE, "10000000000000001\r\na\r\n0\r\n\r\n"), "400"],
  ["a chunk size with a sign", post(TE, "+1\r\na\r\n0\r\n\r\n"), "400"],
  ["a chunk size with 0x", post(TE, "0x1\r\na\r\n0\r\n\r\n"), "400"],
  ["a chunk size before a bare LF", post(TE, "1\na\r\n0\r\n\r\n"), "400"],
  ["a chunk without its line end", post(TE, "1\r\naXX0\r\n\r\n"), "400"],
  ["a chunk that ends in a bare LF", post(TE, "1\r\na\n0\r\n\r\n"), "400"],
  ["a chunk size that is none", post(TE, "x\r\n"), "400"],
  ["a chunk extension with a bare LF", post(TE, "1;a\nb\r\na\r\n0\r\n\r\n"), "400"],
  ["a chunk extension of 20 KB", post(TE, `1;${"a".repeat(20_000)}\r\na\r\n0\r\n\r\n`), "413"],
  ["a length among the trailers", post(TE, "0\r\nContent-Length: 3\r\n\r\n"), "400"],
  ["a trailer without a colon", post(TE, "0\r\ntrailer\r\n\r\n"), "400"],
  ["trailers of 200 KB", post(TE, `0\r\nX: ${"a".repeat(200_000)}\r\n\r\n`), "503"],
  ["TE with HTTP/1.0", post(TE).replace("HTTP/1.1", "HTTP/1.0") + "0\r\n\r\n", "400"],
  ["a folded line", get("GET / HTTP/1.1", "Host: www.example.com\r\nX: a\r\n b"), "400"],
  ["a folded first line", get("GET / HTTP/1.1", " X: a\r\nHost: www.example.com"), "400"],
  ["a blank before the colon", get("GET / HTTP/1.1", "Host : www.example.com"), "400"],
  ["a line without a colon", get("GET / HTTP/1.1", "Host: www.example.com\r\nX"), "400"],
  ["an empty name", get("GET / HTTP/1.1", "Host: www.example.com\r\n: a"), "400"],
  ["NUL in a value", get("GET / HTTP/1.1", "Host: www.example.com\r\nX: a\0b"), "400"],
  ["CR in a value", get("GET / HTTP/1.1", "Host: www.example.com\r\nX: a\rb"), "400"],
  ["NUL in a name", get("GET / HTTP/1.1", "Host: www.example.com\r\nX\0: a"), "400"],
  ["bare LF", "GET / HTTP/1.1\nHost: www.example.com\n\n", "400"],
  ["two Hosts", get("GET / HTTP/1.1", "Host: www.example.com\r\nHost: www.example.com"), "400"],
  ["an absolute target with another Host", get("GET http://evil.example/ HTTP/1.1"), "400"],
  ["an absolute target with a user", get("GET http://me@www.example.com/ HTTP/1.1"), "400"],
  ["an absolute target of another scheme", get("GET file:///etc/passwd HTTP/1.1"), "400"],
  ["an authority target", get("GET www.example.com:80 HTTP/1.1"), "400"],
  ["* with GET", get("GET * HTTP/1.1"), "400"],
  ["CONNECT", get("CONNECT www.example.com:80 HTTP/1.1"), "405"],
  ["HTTP/0.9", "GET /\r\n\r\n", "505"],
  ["HTTP/1.2", get("GET / HTTP/1.2"), "400"],
  ["HTTP/2.0", get("GET / HTTP/2.0"), "505"],
  ["lower-case http", get("GET / http/1.1"), "400"],
  ["a tab in the request line", get("GET\t/ HTTP/1.1"), "400"],
  ["other bytes in the target", get("GET /caf\u00e9 HTTP/1.1"), "400"],
  ["an unknown method", get("FASTLYPURGE / HTTP/1.1"), "400"],
  ["a method in lower case", get("get / HTTP/1.1"), "400"],
])("%s: refused, the connection closed, and nothing after it runs", async (_what, text, status) => {
  const { edge, origin } = await passing();
  const answer = await raw(edge.httpPort, text + NEXT);
  expect(statuses(answer)).toEqual([status]);
  expect(answer.toLowerCase()).toContain("\r\nconnection: close\r\n");
  expect(origin.seen).toEqual([]);
});

test("several blanks between the parts of a request line are let through, and none of them gets to the origin", async () => {
  const { edge, origin } = await passing();
  const answer = await raw(
    edge.httpPort,
    get("GET   /1   HTTP/1.1", "Host: www.example.com\r\nConnection: close"),
  );
  expect(statuses(answer)).toEqual(["200"]);
  expect(origin.seen.map(({ method, url }) => [method, url])).toEqual([["GET", "/1"]]);
});

test("chunks get to the origin without their extensions and trailers", async () => {
  const { edge, origin } = await passing();
  const body = "3;a=b\r\nabc\r\n2 \r\n";
  const extended = "3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: 1\r\nHost: evil.example\r\n\r\n";
  expect(statuses(await raw(edge.httpPort, post(`${TE}\r\nConnection: close`, extended)))).toEqual(["200"]);
  expect(origin.seen.map((seen) => [seen.body, seen.headers.has("x-trailer")])).toEqual([["abcde", false]]);
  expect(statuses(await raw(edge.httpPort, post(TE, body)))).not.toContain("200");
});

test("requests sent ahead are answered in order, one after the other", async () => {
  const order: string[] = [];
  const origin = await startOrigin((request, response) => {
    order.push(`in ${request.url}`);
    setImmediate(() => {
      order.push(`out ${request.url}`);
      response.end(request.url);
    });
  });
  const program = programOf({ backends: [backendAt(origin.port)], subs: { recv: () => ({ do: "pass" }) } });
  const { edge } = await testEdge(serviceOf(program));
  const one = (path: string, more = ""): string =>
    `GET ${path} HTTP/1.1\r\nHost: www.example.com\r\n${more}\r\n`;
  const answer = await raw(edge.httpPort, one("/1") + one("/2") + one("/3", "Connection: close\r\n"));
  expect([...answer.matchAll(/\r\n\r\n(\/\d)/g)].map(([, path]) => path)).toEqual(["/1", "/2", "/3"]);
  expect(order).toEqual(["in /1", "out /1", "in /2", "out /2", "in /3", "out /3"]);
});

test("what the parser refuses is answered after the requests before it", async () => {
  const { edge, origin } = await passing();
  const good = "GET /1 HTTP/1.1\r\nHost: www.example.com\r\n\r\n";
  const answer = await raw(edge.httpPort, `${good}GET /2 HTTP/1.1\r\nbroken\r\n\r\n${NEXT}`);
  expect(statuses(answer)).toEqual(["200", "400"]);
  expect(origin.seen.map(({ url }) => url)).toEqual(["/1"]);
});

test("bytes after the last request of a connection are not read", async () => {
  const { edge, origin } = await passing();
  const last = "GET /1 HTTP/1.1\r\nHost: www.example.com\r\nConnection: close\r\n\r\n";
  expect(statuses(await raw(edge.httpPort, last + NEXT))).toEqual(["200"]);
  expect(origin.seen.map(({ url }) => url)).toEqual(["/1"]);
});

test("more requests ahead than allowed end the connection after the answers that are due", async () => {
  const { edge, origin } = await passing({ frontLimits: { pipelined: 3 } });
  const answer = await raw(edge.httpPort, NEXT.repeat(20));
  expect(statuses(answer)).toEqual(["200", "200", "200"]);
  expect(origin.seen).toHaveLength(3);
});
