import { expect, test } from "vitest";
import { serviceOf, startOrigin, testEdge } from "./harness.ts";
import { compiledService } from "./service-vcl.ts";

async function edgeOf(more: Parameters<typeof compiledService>[1], body = "page") {
  const origin = await startOrigin((_request, response) => response.writeHead(200).end(body));
  return { ...(await testEdge(serviceOf(compiledService(origin.port, more)))), origin };
}

const SEEN = {
  deliver: `
    set resp.http.X-Seen = client.geo.city " " client.geo.country_code " " client.platform.mobile " " client.ip " "
      client.as.number " " tls.client.ja4 " " client.geo.latitude;
    set resp.http.X-Raw = req.http.Fastly-Test-Facts;`,
};

test("a fixture in a header says who the visitor is, and neither VCL nor the origin sees the header", async () => {
  const { ask, origin } = await edgeOf(SEEN);
  const facts = {
    "client.geo.city": "paris",
    "client.geo.latitude": 48.85,
    "client.platform.mobile": true,
    "client.ip": "203.0.113.9",
    "client.as.number": 64_500,
    "tls.client.ja4": "t13d",
  };
  const answer = await ask("/", {
    headers: { "Fastly-Test-Country": "FR", "Fastly-Test-Facts": JSON.stringify(facts) },
  });
  expect(answer.headers.get("X-Seen")).toBe("paris FR 1 203.0.113.9 64500 t13d 48.850");
  expect(answer.headers.has("X-Raw")).toBe(false);
  expect(origin.seen[0]?.headers.has("Fastly-Test-Facts")).toBe(false);
  expect(origin.seen[0]?.headers.get("Fastly-Client-IP")).toBe("203.0.113.9");
});

test("a fixture that says something impossible is refused by name", async () => {
  const { ask } = await edgeOf(SEEN);
  const answer = await ask("/", { headers: { "Fastly-Test-Facts": '{"client.platform.mobile": "yes"}' } });
  expect([answer.status, answer.reason]).toEqual([
    400,
    'Fastly-Test-Facts: "client.platform.mobile" is true or false',
  ]);
});

test("h3.alt_svc offers HTTP/3 on the final answer, even after an error", async () => {
  const { ask } = await edgeOf({ recv: "h3.alt_svc(); error 600;", error: "set obj.status = 403;" });
  const answer = await ask("/");
  expect([answer.status, answer.headers.get("Alt-Svc")]).toEqual([403, 'h3=":443";ma=86400']);
});

test("a tarpit gives the small answer whole, and leaves larger ones alone", async () => {
  const small = await edgeOf({ deliver: "resp.tarpit(0, 3);" }, "0123456789");
  expect((await small.ask("/")).text).toBe("0123456789");
  const large = await edgeOf({ deliver: "resp.tarpit(3600);" }, "x".repeat(4001));
  expect((await large.ask("/")).text).toHaveLength(4001);
});

test("a request straight from a client has no service as its last hop", async () => {
  const { ask } = await edgeOf({
    deliver: 'if (!fastly.ff.last_hop_was_serviceid(req.service_id)) { set resp.http.X-Hop = "none"; }',
  });
  const answer = await ask("/", { headers: { "Fastly-FF": "x!LHR!cache-lhr1" } });
  expect(answer.headers.get("X-Hop")).toBe("none");
});

test("a shield knows that its last hop was the same service", async () => {
  const { ask, origin } = await edgeOf({
    recv: `set req.http.X-Hop = fastly.ff.last_hop_was_serviceid(req.service_id) fastly.ff.last_hop_was_serviceid("other");
      set req.backend = fastly.try_select_shield(ssl_shield_iad_va_us, F_origin);`,
  });
  expect((await ask("/")).status).toBe(200);
  expect(origin.seen[0]?.headers.get("X-Hop")).toBe("10");
});

test("connections to a backend are counted", async () => {
  const { ask } = await edgeOf({
    fetch:
      'set beresp.http.X-Used = backend.F_origin.connections_used " " backend.F_origin.connections_open;',
  });
  expect((await ask("/")).headers.get("X-Used")).toBe("1 1");
});
