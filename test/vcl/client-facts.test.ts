import { describe, expect, test } from "vitest";
import { listVariables } from "../../src/vcl/catalog.ts";
import { parseClientFacts } from "../../src/vcl/client-facts.ts";
import { isInScope } from "../../src/vcl/catalog-rows.ts";
import { VCL_STATES } from "../../src/vcl/states.ts";
import { runStatements, transactionIn } from "../support/vcl.ts";

/** The facts of a fixture that must be one. */
function factsOf(fixture: object): ReadonlyMap<string, string | number | boolean> {
  const parsed = parseClientFacts(Buffer.from(JSON.stringify(fixture), "utf8").toString("latin1"));
  if (!parsed.ok) throw new Error(parsed.reason);
  return parsed.facts;
}

describe("parseClientFacts", () => {
  test("takes each type as its JSON", () => {
    const facts = factsOf({
      "client.platform.mobile": true,
      "client.display.width": 390,
      "client.socket.ploss": 0.25,
      "client.sess_timeout": 30,
      "tls.client.certificate.not_after": 1_800_000_000,
      "client.socket.nexthop": "2001:db8::1",
      "client.geo.city": "Zürich",
      "client.ip": "203.0.113.9",
    });
    expect(facts.get("client.geo.city")).toBe("Z\u00c3\u00bcrich");
    expect([...facts.keys()]).toHaveLength(8);
  });

  test.each([
    ["", "it is no JSON object"],
    ["[]", "it is no JSON object"],
    ["null", "it is no JSON object"],
    ["{", "it is no JSON object"],
    ['{"nonsense":1}', '"nonsense" is no variable that a fixture gives'],
    ['{"req.url":"/"}', '"req.url" is no variable that a fixture gives'],
    ['{"__proto__":{}}', '"__proto__" is no variable that a fixture gives'],
    ['{"client.platform.mobile":"yes"}', '"client.platform.mobile" is true or false'],
    ['{"client.os.name":1}', '"client.os.name" is a string'],
    ['{"client.os.name":"a\\u0000b"}', '"client.os.name" is a string'],
    ['{"client.display.width":1.5}', '"client.display.width" is a whole number'],
    ['{"client.display.width":1e300}', '"client.display.width" is a whole number'],
    ['{"client.geo.latitude":"52"}', '"client.geo.latitude" is a number'],
    ['{"client.ip":"nowhere"}', '"client.ip" is an IP address'],
  ])("%j is refused: %s", (text, reason) => {
    expect(parseClientFacts(text)).toEqual({ ok: false, reason });
  });
});

describe("variables of a fixture", () => {
  const rows = listVariables().filter(({ fact }) => fact === true);

  const SAMPLES: ReadonlyMap<string, readonly [given: string | number | boolean, printed: string]> = new Map([
    ["STRING", ["seen", "seen"]],
    ["BOOL", [true, "1"]],
    ["INTEGER", [7, "7"]],
    ["FLOAT", [7, "7.000"]],
    ["RTIME", [7, "7.000"]],
    ["TIME", [7, "Thu, 01 Jan 1970 00:00:07 GMT"]],
    ["IP", ["192.0.2.7", "192.0.2.7"]],
  ]);

  test("each has a value without a fixture and takes the one that it is given", () => {
    for (const { name, type, read } of rows) {
      const [given, printed] = SAMPLES.get(type) ?? [];
      if (given === undefined) throw new Error(`${name} has a type that no fixture can give: ${type}`);
      const state = VCL_STATES.find((candidate) => isInScope(read, candidate)) ?? "recv";
      const printWith = (facts?: ReadonlyMap<string, string | number | boolean>): string | null => {
        const t = transactionIn(state, facts === undefined ? {} : { facts });
        runStatements(`set req.http.Result = ${name};`, { state, t });
        return t.req.headers.get("result");
      };
      expect(() => printWith(), name).not.toThrow();
      expect(printWith(factsOf({ [name]: given })), name).toBe(printed);
    }
    expect(rows.length).toBeGreaterThan(200);
  });

  test("what nobody knows is not set, 0 or false", () => {
    const { t } = runStatements(
      `if (!client.platform.mobile && !client.os.name && client.display.width == 0) { set req.http.R = "nothing"; }
      if (!waf.executed && tls.client.certificate.is_cert_missing && !tls.client.ja4) { set req.http.S = "nothing"; }`,
      { state: "log" },
    );
    expect([t.req.headers.get("R"), t.req.headers.get("S")]).toEqual(["nothing", "nothing"]);
  });

  test("a knob that VCL sets reads as set, in later states too", () => {
    const { t } = runStatements(
      'set client.socket.cwnd = 60; set client.socket.congestion_algorithm = "bbr"; set client.sess_timeout = 5s;',
      { state: "deliver" },
    );
    runStatements(
      "set req.http.R = client.socket.cwnd client.socket.congestion_algorithm client.sess_timeout;",
      {
        state: "log",
        t,
      },
    );
    expect(t.req.headers.get("R")).toBe("60bbr5.000");
  });
});
