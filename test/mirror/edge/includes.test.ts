import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { ESI_LIMITS } from "../../../src/mirror/edge/esi-assembly.ts";
import { backendAt, programOf, serviceOf, startOrigin, testEdge } from "./harness.ts";
import type { Origin, SeenRequest, Subs, TestEdge } from "./harness.ts";
import { compiledService } from "./service-vcl.ts";

/** An origin whose pages are these texts, all fresh for a minute, behind a service that reads includes in pages. */
async function pages(
  texts: Readonly<Record<string, string>>,
  subs: Subs = {},
): Promise<TestEdge & { origin: Origin }> {
  const origin = await startOrigin((request, response) => {
    const text = texts[request.url.split("?")[0] ?? ""];
    response.writeHead(text === undefined ? 404 : 200, { "Cache-Control": "max-age=60", ETag: '"1"' });
    response.end(text ?? "missing");
  });
  const program = programOf({
    backends: [backendAt(origin.port)],
    subs: {
      fetch: (t) => {
        if (t.beresp !== null) t.beresp.esi = true;
      },
      ...subs,
    },
  });
  const edge = await testEdge(serviceOf(program));
  return { ...edge, origin };
}

function urls(origin: Origin): string[] {
  return origin.seen.map((request: SeenRequest) => request.url);
}

test("parts are fetched into their places, page and parts cached each on its own", async () => {
  const { ask, origin } = await pages({
    "/": 'a<esi:include src="/x"/>b<esi:include src="y?q"/>c',
    "/x": "X",
    "/y": "Y",
  });
  const first = await ask("/");
  expect([first.status, first.text, first.headers.get("Content-Length")]).toEqual([200, "aXbYc", null]);
  expect((await ask("/")).text).toBe("aXbYc");
  expect(urls(origin)).toEqual(["/", "/x", "/y?q"]);
});

test("a part is a new request with the client's own headers, without what is about its page", async () => {
  const seen: (readonly [number, string, string | undefined])[] = [];
  const { ask, origin } = await pages(
    { "/": '<esi:include src="/x"/>', "/x": "X" },
    {
      recv: (t) => {
        seen.push([t.esiLevel, t.req.url, t.topUrl]);
        t.req.headers.set("X-From-Recv", String(t.esiLevel));
        return { do: "lookup" };
      },
    },
  );
  await ask("/?top", { headers: { "X-Own": "1", Range: "bytes=0-0", "Accept-Encoding": "gzip" } });
  expect(seen).toEqual([
    [0, "/?top", undefined],
    [1, "/x", "/?top"],
  ]);
  const part = origin.seen[1]?.headers;
  expect([
    part?.get("X-Own"),
    part?.get("X-From-Recv"),
    part?.get("Range"),
    part?.get("Accept-Encoding"),
  ]).toEqual(["1", "1", null, null]);
});

test("an absolute src sets Host, and stays with the service whatever it is", async () => {
  const { ask, origin } = await pages({ "/": '<esi:include src="http://other.example/x"/>', "/x": "X" });
  expect((await ask("/")).text).toBe("X");
  expect(origin.seen[1]?.headers.get("Host")).toBe("other.example");
});

test("what a part answers is included whatever its status", async () => {
  const { ask } = await pages({ "/": 'a<esi:include src="/none"/>b' });
  expect((await ask("/")).text).toBe("amissingb");
});

test("includes go five levels deep", async () => {
  const { ask, origin, logs } = await pages({ "/": '(<esi:include src="/"/>)' });
  expect((await ask("/")).text).toBe(
    `${"(".repeat(ESI_LIMITS.depth + 1)}${")".repeat(ESI_LIMITS.depth + 1)}`,
  );
  expect(urls(origin)).toEqual(["/"]);
  expect(logs.map(({ line }) => line).join()).toContain("too many edge side includes");
});

test("a client's request causes so many includes and no more, however they are nested", async () => {
  const { ask } = await pages({
    "/": '<esi:include src="/x"/>'.repeat(20),
    "/x": '.<esi:include src="/y"/>'.repeat(20),
    "/y": ".",
  });
  expect((await ask("/")).text.length).toBeLessThan(20 * 21 + ESI_LIMITS.includes);
});

test("req.esi switched off, an encoded page and a HEAD leave everything as it is", async () => {
  const page = '<esi:include src="/x"/>';
  const off = await pages(
    { "/": page },
    {
      recv: (t) => {
        t.esi = false;
        return { do: "lookup" };
      },
    },
  );
  expect((await off.ask("/")).text).toBe(page);
  const encoded = await pages(
    { "/": page },
    {
      fetch: (t) => {
        if (t.beresp === null) return;
        t.beresp.esi = true;
        t.beresp.headers.set("Content-Encoding", "x-own");
      },
    },
  );
  expect((await encoded.ask("/")).text).toBe(page);
  const head = await pages({ "/": page });
  expect((await head.ask("/", { method: "HEAD" })).status).toBe(200);
  expect(urls(head.origin)).toEqual(["/"]);
});

test("a page with includes is stored as it came and compressed, if at all, on its way out", async () => {
  const { ask } = await pages(
    { "/": 'a<esi:include src="/x"/>', "/x": "X" },
    {
      fetch: (t) => {
        if (t.beresp === null) return;
        t.beresp.esi = true;
        t.beresp.gzip = true;
      },
      deliver: (t) => {
        if (t.esiLevel === 0) t.resp?.headers.set("X-Compress-Hint", "gzip");
      },
    },
  );
  const answer = await ask("/", { headers: { "Accept-Encoding": "gzip" } });
  expect(answer.headers.get("Content-Encoding")).toBe("gzip");
  expect(gunzipSync(answer.body).toString()).toBe("aX");
});

test("a part that is cut short cuts the page", async () => {
  const origin = await startOrigin((request, response) => {
    if (request.url === "/") response.end('a<esi:include src="/x"/>b');
    else {
      response.writeHead(200, { "Content-Length": "10" });
      response.write("X", () => response.destroy());
    }
  });
  const program = programOf({
    backends: [backendAt(origin.port)],
    subs: {
      recv: (t) => ({ do: t.esiLevel > 0 ? "pass" : "lookup" }),
      fetch: (t) => {
        if (t.beresp !== null) t.beresp.esi = true;
      },
    },
  });
  const { ask } = await testEdge(serviceOf(program));
  expect((await ask("/")).cut).toBe(true);
});

test("the esi statement and the variables of a part, in VCL", async () => {
  const origin = await startOrigin((request, response) => {
    response.setHeader("Cache-Control", "max-age=60");
    response.end(request.url === "/" ? '<esi:include src="/x"/>' : (request.headers.get("X-Facts") ?? ""));
  });
  const program = compiledService(origin.port, {
    recv: 'set req.http.X-Facts = req.esi_level " " req.topurl " " if(req.is_esi_subreq, "part", "page");',
    fetch: "if (!req.is_esi_subreq) { esi; }",
  });
  const { ask } = await testEdge(serviceOf(program));
  expect((await ask("/")).text).toBe("1 / part");
});

test("esi.allow_inside_cdata lets directives be read in CDATA sections", async () => {
  const origin = await startOrigin((request, response) => {
    response.setHeader("Cache-Control", "max-age=60");
    response.end(request.url === "/x" ? "X" : '<![CDATA[<esi:include src="/x"/>]]>');
  });
  const program = compiledService(origin.port, {
    recv: 'set esi.allow_inside_cdata = (req.url == "/in");',
    fetch: 'if (req.url != "/x") { set beresp.do_esi = true; }',
  });
  const { ask } = await testEdge(serviceOf(program));
  expect((await ask("/in")).text).toBe("<![CDATA[X]]>");
  expect((await ask("/out")).text).toBe('<![CDATA[<esi:include src="/x"/>]]>');
});
