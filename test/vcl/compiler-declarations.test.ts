import { describe, expect, test } from "vitest";
import { FakeHost } from "../support/transaction.ts";
import { compileText, evaluate, transactionIn } from "../support/vcl.ts";

describe("declarations", () => {
  test("a backend gets Fastly's defaults", () => {
    const program = compileText('backend F_a { .host = "a.example"; }');
    expect(program.defaultBackend).toMatchObject({
      kind: "backend",
      spec: {
        host: "a.example",
        port: 80,
        ssl: false,
        sslCheckCert: true,
        connectTimeout: 1,
        firstByteTimeout: 15,
      },
    });
    expect(program.defaultBackend?.spec).toMatchObject({
      betweenBytesTimeout: 10,
      maxConnections: 200,
      probe: null,
    });
  });

  test("a backend's properties and its probe are read", () => {
    const program = compileText(`backend F_a {
      .host = "a.example"; .port = "443"; .ssl = true; .ssl_check_cert = never; .ssl_sni_hostname = "sni";
      .connect_timeout = 500ms; .always_use_host_header = true; .host_header = "b.example"; .share_key = "k";
      .probe = { .request = "HEAD / HTTP/1.1" "Host: a.example"; .interval = 10s; .threshold = 2; .window = 4; .initial = 2; }
    }`);
    expect(program.defaultBackend?.spec).toMatchObject({
      port: 443,
      ssl: true,
      sslCheckCert: false,
      sslSniHostname: "sni",
      connectTimeout: 0.5,
      alwaysUseHostHeader: true,
      hostHeader: "b.example",
      shareKey: "k",
      probe: {
        request: "HEAD / HTTP/1.1\r\nHost: a.example",
        interval: 10,
        threshold: 2,
        window: 4,
        initial: 2,
      },
    });
  });

  test("directors, the shield among them, are values like backends", () => {
    const declarations = `
      backend F_a { .host = "a"; }
      director d random { .quorum = 50%; { .backend = F_a; .weight = 2; } }
      director ssl_shield_x shield { .shield = "iad-va-us"; .is_ssl = true; }`;
    const program = compileText(`${declarations}
      sub vcl_recv { set req.backend = fastly.try_select_shield(ssl_shield_x, d); }`);
    expect(program.directors.get("d")?.spec).toMatchObject({
      quorumPercent: 50,
      members: [{ backend: "F_a", weight: 2, id: null }],
    });
    const host = new FakeHost();
    const t = transactionIn("recv", { host });
    program.run("recv", t);
    expect(t.backend).toBe(program.directors.get("ssl_shield_x"));
    host.visited.add("ssl_shield_x");
    program.run("recv", t);
    expect(t.backend).toBe(program.directors.get("d"));
  });

  test("backends compare by identity", () => {
    const declarations = 'backend F_a { .host = "a"; } backend F_b { .host = "a"; }';
    const before = "set req.backend = F_b;";
    expect(evaluate('if(req.backend == F_b, "b", "other")', { declarations, before })).toBe("b");
    expect(evaluate('if(req.backend == F_a, "a", "other")', { declarations, before })).toBe("other");
    expect(evaluate("req.backend", { declarations, before })).toBe("F_b");
  });

  test("a live dictionary replaces the declared table and is read anew each time", () => {
    const items = new Map([["k", "one"]]);
    const live = { get: (key: string) => items.get(key), has: (key: string) => items.has(key) };
    const program = compileText(
      'table d { "k": "old" } sub vcl_recv { set req.http.R = table.lookup(d, "k", "none"); }',
      {
        tables: new Map([["d", live]]),
      },
    );
    const t = transactionIn("recv");
    program.run("recv", t);
    expect(t.req.headers.get("r")).toBe("one");
    items.delete("k");
    program.run("recv", t);
    expect(t.req.headers.get("r")).toBe("none");
  });

  test("tables hold values of their type", () => {
    const declarations = `
      backend F_a { .host = "a"; } backend F_b { .host = "b"; }
      acl local { "192.0.2.0"/24; }
      table numbers INTEGER { "one": 1 } table flags BOOL { "on": true } table times RTIME { "t": 90s }
      table backends BACKEND { "b": F_b } table acls ACL { "l": local } table texts { "a": "x" }`;
    expect(
      evaluate('table.lookup_integer(numbers, "one", 9) table.lookup_integer(numbers, "two", 9)', {
        declarations,
      }),
    ).toBe("19");
    expect(evaluate('table.lookup_bool(flags, "on", false)', { declarations })).toBe("1");
    expect(evaluate('table.lookup_rtime(times, "t", 1s)', { declarations })).toBe("90.000");
    expect(evaluate('table.lookup_backend(backends, "b", F_a)', { declarations })).toBe("F_b");
    expect(
      evaluate('if("192.0.2.1" ~ table.lookup_acl(acls, "l", local), "in", "out")', { declarations }),
    ).toBe("in");
    expect(evaluate('if(table.lookup(texts, "b"), "set", "unset")', { declarations })).toBe("unset");
    expect(evaluate('if(table.contains(texts, "a"), "yes", "no")', { declarations })).toBe("yes");
  });

  test("client.ip is tested against an ACL", () => {
    const declarations = 'acl office { "198.51.100.0"/24; ! "198.51.100.9"; }';
    expect(evaluate('if(client.ip ~ office, "in", "out")', { declarations })).toBe("in");
    expect(evaluate('if(client.ip !~ office, "out", "in")', { declarations })).toBe("in");
  });
});
