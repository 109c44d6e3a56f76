import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { readRequestLine } from "../../src/replay/request-line.ts";
import { readRequestLines } from "../../src/replay/request-lines.ts";

function read(document: unknown): ReturnType<typeof readRequestLine> {
  return readRequestLine(JSON.stringify(document), 7);
}

describe("a line of a file of requests", () => {
  it("needs no more than a URL", () => {
    expect(read({ url: "https://www.example.com/a?b=c" })).toEqual({
      kind: "request",
      request: {
        about: "line",
        line: 7,
        host: "www.example.com",
        method: "GET",
        target: "/a?b=c",
        tls: true,
        headers: [],
      },
    });
  });

  it("may say everything that the edge's answer can depend on", () => {
    const line = read({
      url: "http://www.example.com:8080",
      method: "HEAD",
      headers: { "Accept-Encoding": "br", "X-Two": ["1", "2"], Host: "ignored.example" },
      tls: true,
      country: "fr",
      shield: "iad-va-us",
      fault: "hosting-503-everywhere",
      time: "2026-01-02T03:04:05Z",
    });
    expect(line).toMatchObject({
      request: {
        host: "www.example.com:8080",
        method: "HEAD",
        target: "/",
        tls: true,
        headers: [
          ["Accept-Encoding", "br"],
          ["X-Two", "1"],
          ["X-Two", "2"],
        ],
        country: { code: "FR" },
        shield: "iad-va-us",
        fault: { bucket: "hosting", kind: "503", regions: "all" },
        at: Date.parse("2026-01-02T03:04:05Z"),
      },
    });
  });

  it.each([
    ["our log's own", (text: string) => text],
    [
      "Fastly's classic format",
      (text: string) => `<134>2026-01-01T00:00:00Z cache-lhr sitefleet[1]: ${text}`,
    ],
  ])("may be a line of %s", (_, dress) => {
    const logged = JSON.stringify({
      time: "2026-01-01T00:00:00Z",
      request: "1",
      domain: "www.example.com",
      site: "acme",
      method: "GET",
      path: "/caf%C3%A9",
      status: 200,
      cache: "HIT-CLUSTER",
    });
    expect(readRequestLine(dress(logged), 3)).toMatchObject({
      kind: "request",
      request: { about: "log line", line: 3, host: "www.example.com", target: "/caf%C3%A9", tls: true },
    });
  });

  it.each([
    ["not json", "is not JSON"],
    ["[1]", "is no JSON object"],
    ['{"url":"ftp://a/"}', '"url" is no absolute http(s) URL without a fragment'],
    ['{"url":"https://a/","method":"get"}', '"method" is no HTTP method in capitals'],
    ['{"url":"https://a/","country":"XX"}', '"country" is no ISO 3166-1 country code'],
    ['{"url":"https://a/","headers":{"a b":"c"}}', "is no header name"],
    ['{"url":"https://a/","headers":{"a":"b\\r\\nc: d"}}', '"headers.a"'],
    ['{"url":"https://a/","fault":"s3-503"}', "is no fault"],
    ['{"url":"https://a/","colour":1}', "has unknown fields: colour"],
    ['{"domain":"a.example","method":"GET","path":""}', "was refused before its path was read"],
    ['{"alarm":"unusable config","domain":"a.example"}', '"method"'],
  ])("that is `%s` is no request", (text, reason) => {
    const line = readRequestLine(text, 9);
    expect(line).toMatchObject({ kind: "bad", line: 9 });
    expect(line.kind === "bad" ? line.reason : "").toContain(reason);
  });

  test.prop([fc.string()])("never throws, whatever it is", (text) => {
    expect(["request", "bad"]).toContain(readRequestLine(text, 1).kind);
  });
});

async function readAll(chunks: readonly Buffer[]): Promise<readonly unknown[]> {
  async function* given(): AsyncGenerator<Uint8Array> {
    for (const chunk of chunks) yield await Promise.resolve(chunk);
  }
  const lines: unknown[] = [];
  for await (const line of readRequestLines(given())) {
    lines.push(line.kind === "bad" ? [line.line, line.reason] : [line.request.line, line.request.target]);
  }
  return lines;
}

describe("a file of requests", () => {
  const text = '{"url":"https://a/1"}\r\n\n{"url":"https://a/ü"}\n{"url":"https://a/3"}';

  test.prop([fc.integer({ min: 1, max: 70 })])("is read alike however its bytes arrive", async (size) => {
    const bytes = Buffer.from(text, "utf8");
    const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
      bytes.subarray(at * size, (at + 1) * size),
    );
    expect(await readAll(chunks)).toEqual([
      [1, "/1"],
      [3, "/Ã¼"],
      [4, "/3"],
    ]);
  });

  it("may have a line that is too long, of which nothing is kept", async () => {
    const long = Buffer.from(`{"url":"https://a/${"x".repeat(400_000)}"}\n{"url":"https://a/2"}\n`);
    expect(await readAll([long])).toEqual([
      [1, "is longer than 262144 bytes"],
      [2, "/2"],
    ]);
  });
});
