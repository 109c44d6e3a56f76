import { createHmac } from "node:crypto";
import { expect, test } from "vitest";
import { serviceOf, startOrigin, testEdge } from "./harness.ts";
import { compiledService } from "./service-vcl.ts";
import type { ServiceText } from "./service-vcl.ts";

async function run(text: ServiceText) {
  const origin = await startOrigin((_request, response) => {
    response
      .writeHead(200, { "x-amz-meta-h": "0=X-Frame-Options:DENY|1=!X-Robots-Tag|2=Link:a%7Cb", "X-Old": "1" })
      .end("page");
  });
  return { ...(await testEdge(serviceOf(compiledService(origin.port, text)))), origin };
}

test("packed headers are unpacked in vcl_fetch under names that come as data, and stay with the cached object", async () => {
  const { ask, origin } = await run({
    fetch: `
      declare local var.slot STRING;
      set var.slot = subfield(beresp.http.x-amz-meta-h, "0", "|");
      if (var.slot ~ "^([A-Za-z0-9-]+):(.*)$") {
        header.set(beresp, re.group.1, urldecode(re.group.2));
      }
      set var.slot = subfield(beresp.http.x-amz-meta-h, "2", "|");
      if (var.slot ~ "^([A-Za-z0-9-]+):(.*)$") {
        header.set(beresp, re.group.1, urldecode(re.group.2));
      }
      header.unset(beresp, "x-old");
      header.unset(beresp, "x-amz-meta-h");
      set beresp.ttl = 60s;`,
  });
  for (let i = 0; i < 2; i++) {
    const answer = await ask("/");
    expect(answer.headers.get("X-Frame-Options")).toBe("DENY");
    expect(answer.headers.get("Link")).toBe("a|b");
    expect(answer.headers.has("X-Old")).toBe(false);
    expect(answer.headers.has("x-amz-meta-h")).toBe(false);
  }
  expect(origin.seen).toHaveLength(1);
});

test.each([
  [404, "Not Found"],
  [410, "Gone"],
  [451, "Unavailable For Legal Reasons"],
])("a status %i set in vcl_fetch goes out with its own reason, fresh and cached", async (status, reason) => {
  const { ask, origin } = await run({
    fetch: `set beresp.status = ${status}; set beresp.ttl = 60s; set beresp.cacheable = true;`,
  });
  for (let i = 0; i < 2; i++) {
    const answer = await ask("/");
    expect([answer.status, answer.reason, answer.text]).toEqual([status, reason, "page"]);
  }
  expect(origin.seen).toHaveLength(1);
});

test("a status set in vcl_deliver or vcl_error brings its reason, a reason of one's own stays", async () => {
  const { ask } = await run({
    recv: 'if (req.url == "/gone") { error 604; } if (req.url == "/own") { error 604 "Mine"; }',
    error: "if (obj.status == 604) { set obj.status = 410; }",
    deliver: 'if (req.url == "/law") { set resp.status = 451; }',
  });
  const reasons = await Promise.all(["/gone", "/own", "/law"].map((path) => ask(path)));
  expect(reasons.map((answer) => [answer.status, answer.reason])).toEqual([
    [410, "Gone"],
    [410, "Mine"],
    [451, "Unavailable For Legal Reasons"],
  ]);
});

test("a password is compared with a salted verifier, and only inside the protected prefix", async () => {
  const salt = "00112233445566778899aabbccddeeff";
  const hmac = createHmac("sha256", salt).update("pässword:x").digest("hex");
  const { ask } = await run({
    declarations: `table areas { "w": "0=${salt}:${hmac}:/docs/" }`,
    recv: `
      declare local var.area STRING;
      declare local var.given STRING;
      set var.area = subfield(table.lookup(areas, "w"), "0", "|");
      if (std.prefixof(req.url.path "/", substr(var.area, 98))) {
        set var.given = digest.base64_decode(regsub(req.http.Authorization, "^Basic ", ""));
        set var.given = regsub(var.given, "^[^:]*:", "");
        if (!digest.secure_is_equal("0x" substr(var.area, 33, 64), digest.hmac_sha256(substr(var.area, 0, 32), var.given))) {
          error 401;
        }
      }`,
  });
  const basic = (text: string) => ({
    headers: { Authorization: `Basic ${Buffer.from(text, "utf8").toString("base64")}` },
  });
  expect((await ask("/docs")).status).toBe(401);
  expect((await ask("/docs/a", basic("anyone:wrong"))).status).toBe(401);
  expect((await ask("/docs/a", basic("anyone:pässword:x"))).status).toBe(200);
  expect((await ask("/docsy")).status).toBe(200);
});

test("an instant given as digits in a header is compared with the edge's clock", async () => {
  const { ask, clock } = await run({
    recv: 'if (time.is_after(now, std.integer2time(std.atoi("1767225660")))) { error 410; }',
  });
  expect(Math.floor(clock.now() / 1000)).toBe(1767225600);
  expect((await ask("/")).status).toBe(200);
  clock.advance(60_000);
  expect((await ask("/")).status).toBe(200);
  clock.advance(1_000);
  expect((await ask("/")).status).toBe(410);
});

test("a query capture is read, encoded into the target and taken out of the query", async () => {
  const { ask } = await run({
    recv: `
      declare local var.q STRING;
      set var.q = querystring.get(req.url, "id");
      if (var.q) {
        declare local var.rest STRING;
        set var.rest = querystring.filter(req.url, "id" querystring.filtersep() "utm");
        set var.rest = std.strstr(var.rest, "?");
        set req.http.X-Location =
          std.replaceall("/post/{a}", "{a}", urlencode(urldecode(std.replaceall(var.q, "+", "%252B"))))
          if(var.rest, var.rest, "");
        error 601;
      }`,
    error: "if (obj.status == 601) { set obj.status = 301; set obj.http.Location = req.http.X-Location; }",
  });
  const location = async (path: string) => (await ask(path)).headers.get("Location");
  expect(await location("/old?id=a%2Fb+c&x=1&utm=2")).toBe("/post/a%2Fb%2Bc?x=1");
  expect(await location("/old?id=7")).toBe("/post/7");
});
