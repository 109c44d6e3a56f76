import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { edge, explain, HOST, startInspected, stopInspected, visit } from "./inspected-edge.ts";

beforeAll(startInspected, 60_000);
afterAll(stopInspected);

describe("explain", () => {
  it("tells states, conditions, changes, lookups, backends, the restart and the answer", async () => {
    const { code, out } = await explain([`http://${HOST}/`]);
    expect(code).toBe(0);
    expect(out).toMatch(
      /^GET http:\/\/shop\.localhost\/\n\nLHR: sitefleet-local version 1\n +\d+ ms {2}recv +lookup\n/,
    );
    expect(out).toContain('~ req.url "/" -> "/local/production/shop.localhost"');
    expect(out).toMatch(/lookup +MISS\n +key "/);
    expect(out).toMatch(/main\.vcl:\d+ if req\.http\.SF-Hop == "edge"/);
    expect(out).toContain("IAD, as the shield: sitefleet-local version 1");
    expect(out).toContain("restart 1");
    expect(out).toMatch(/backend +F_hosting: 200 OK, \d+ ms/);
    expect(out).toMatch(/\nanswer: 200 OK \(MISS-CLUSTER\), \d+ bytes, \d+ ms\n/);
  });

  it("gives each event its time from the request's beginning, in the order in which they began", async () => {
    const { out } = await explain([`http://${HOST}/?timed`, "--json"]);
    const { trace } = JSON.parse(out);
    const offsets: number[] = trace.events.map(({ offset }: { offset: number }) => offset);
    expect(offsets.length).toBeGreaterThan(8);
    expect(offsets[0]).toBeGreaterThanOrEqual(0);
    expect(offsets).toEqual(offsets.toSorted((a, b) => a - b));
    expect(offsets.at(-1)).toBeLessThanOrEqual(trace.answer.ms);
    const text = (await explain([`http://${HOST}/?timed`])).out;
    const timed = text.split("\n").filter((line) => /^ *\d+ ms {2}\S/.test(line));
    expect(timed.length).toBeGreaterThan(8);
  });

  it("says of a Host that is not the TLS name what the edge says, and how to ask", async () => {
    for (const url of ["https://127.0.0.1:8443/a?b", "https://[::1]/a?b", "https://other.localhost/a?b"]) {
      const { code, err } = await explain([url, "--header", `Host: ${HOST}`]);
      expect(code).toBe(2);
      expect(err).toContain("421 Misdirected Request");
      expect(err).toContain(`ask for https://${HOST}/a,`);
    }
    const plain = await explain(["http://127.0.0.1:8080/", "--header", `Host: ${HOST}`]);
    expect(plain.out).toContain("answer: 200");
    expect((await explain(["https://localhost/", "--header", "Host: 127.0.0.1"])).code).toBe(2);
    expect((await explain(["https://127.0.0.1/", "--header", "Host: localhost"])).code).toBe(0);
  });

  it("shows the hit, its age, its keys and no backend when the page is cached", async () => {
    await visit("/");
    const { out } = await explain([`http://${HOST}/`, "--json"]);
    const { trace } = JSON.parse(out);
    const lookups = trace.events.filter(({ kind }: { kind: string }) => kind === "lookup");
    expect(lookups.at(-1)).toMatchObject({ state: "HIT-CLUSTER", object: { hits: expect.any(Number) } });
    expect(lookups.at(-1).object.surrogateKeys).toEqual(expect.arrayContaining(["all", "s:shop"]));
    expect(trace.events.some(({ kind }: { kind: string }) => kind === "backend")).toBe(false);
    expect(trace.answer).toMatchObject({ status: 200, state: "HIT-CLUSTER", restarts: 1 });
  });

  it("lists the lines that ran, and conditions that did not hold, where asked", async () => {
    const plain = await explain([`http://${HOST}/old`]);
    const lines = await explain([`http://${HOST}/old`, "--lines"]);
    expect(plain.out).toContain("answer: 301 Moved Permanently");
    expect(plain.out).not.toMatch(/main\.vcl:\d+ not /);
    expect(lines.out).toMatch(/main\.vcl:\d+ not /);
    expect(lines.out).toMatch(/main\.vcl:\d+\n/);
  });

  it("leaves out what opens something", async () => {
    const { out } = await explain([`http://${HOST}/`, "--header", "Cookie: session=hunter2", "--json"]);
    expect(out).not.toContain("hunter2");
    expect(out).not.toContain("AWS4-HMAC-SHA256");
    expect(out).toContain('"(15 bytes)"');
  });

  it("covers what the service keeps in private dictionaries, wherever VCL puts it", async () => {
    const { configSegment, s3 } = edge().mirror.file;
    const { out } = await explain(["http://fresh.localhost/", "--lines", "--json"]);
    expect(out).toContain("/sitefleet-config/local/production/fresh.localhost/(private)");
    expect(out).not.toContain(configSegment);
    expect(out).not.toContain(s3.edgeKey.split(":")[1]);
  });

  it("takes headers before and after the URL, and a name and password of the URL as a browser does", async () => {
    const headers = ["--header", "A: 1", "--header", "B: 2"];
    const { out } = await explain([...headers, `http://reader:p%40ss@${HOST}/#part`, "--json"]);
    const { request: made } = JSON.parse(out).trace;
    expect(made.headers).toEqual(
      expect.arrayContaining([
        ["A", "1"],
        ["B", "2"],
        ["Authorization", `(${`Basic ${btoa("reader:p@ss")}`.length} bytes)`],
      ]),
    );
    expect(made.url).toBe("/");
    expect((await explain([`http://reader:p%40ss@${HOST}/`])).out).not.toContain("ss@");
  });

  it("makes a request over TLS one of HTTP/2, and hears the headers of tests", async () => {
    const facts = ["--header", 'Fastly-Test-Facts: {"client.ip": "203.0.113.9"}'];
    const { out } = await explain([
      `https://${HOST}/`,
      ...facts,
      "--header",
      "Fastly-Test-Pop: lhr",
      "--json",
    ]);
    const { trace } = JSON.parse(out);
    expect(trace).toMatchObject({
      pop: "LHR",
      request: { proto: "HTTP/2", tls: true, client: "203.0.113.9" },
    });
    expect(trace.request.headers.some(([name]: [string]) => name.startsWith("Fastly-Test"))).toBe(false);
  });

  it("tells of a host that no site has, and of a country", async () => {
    const { out } = await explain(["https://nobody.localhost/", "--country", "FR"]);
    expect(out).toContain("answer: 404");
    const bad = await explain([`http://${HOST}/`, "--country", "XX"]);
    expect(bad).toMatchObject({ code: 2 });
    expect(bad.err).toContain("explain/invalid-request");
  });

  it.each([
    ["a URL that is none", ["shop"], "cli/usage"],
    ["a header without a colon", [`http://${HOST}/`, "--header", "Accept"], "cli/usage"],
    [
      "a header that would end a line",
      [`http://${HOST}/`, "--header", "A: b\r\nHost: c"],
      "explain/invalid-request",
    ],
    ["a method that is none", [`http://${HOST}/`, "--method", "GET /"], "explain/invalid-request"],
    ["a body that is not there", [`http://${HOST}/`, "--header", "Content-Length: 5"], "no body"],
    ["a POP that is none", [`http://${HOST}/`, "--pop", "xyz"], "its POPs are LHR, IAD"],
    ["a URL that is too long", [`http://${HOST}/${"a".repeat(9_000)}`], "explain/invalid-request"],
    ["another environment", [`http://${HOST}/`, "--env", "production"], "explain/no-inspector"],
  ])("refuses %s", async (_what, args, wanted) => {
    const { code, err } = await explain(args);
    expect(err).toContain(wanted);
    expect(err).toMatch(/\nnext: /);
    expect(code).toBe(2);
  });
});
