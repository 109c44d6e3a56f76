import { assert, constantFrom, oneof, property, string } from "fast-check";
import { describe, expect, test } from "vitest";
import { generatedVcl, serviceSources } from "../../../src/mirror/api/generated-vcl.ts";
import { liveTables } from "../../../src/mirror/api/live-content.ts";
import type { VersionInput } from "../../../src/mirror/api/generated-vcl.ts";
import { initialFields } from "../../../src/mirror/api/fields.ts";
import { VCL_STATES } from "../../../src/vcl/states.ts";
import { kindRow } from "../../../src/mirror/api/kinds.ts";
import { EMPTY_VERSION } from "../../../src/mirror/api/state.ts";
import type { KindName, ResourceRecord, VersionObjects } from "../../../src/mirror/api/state.ts";
import { vclString } from "../../../src/mirror/api/vcl-text.ts";
import { parseService, parseVcl } from "../../../src/vcl/service.ts";

function record(kind: KindName, fields: ResourceRecord): ResourceRecord {
  return { ...initialFields(kindRow(kind).fields), ...fields };
}

function input(
  resources: Partial<VersionObjects["resources"]>,
  settings: Partial<VersionObjects["settings"]> = {},
  collections: ReadonlyMap<string, ReadonlyMap<string, ResourceRecord>> = new Map(),
): VersionInput {
  return {
    serviceId: "S".repeat(22),
    customerId: "C".repeat(22),
    objects: {
      settings: { ...EMPTY_VERSION.settings, ...settings },
      resources: { ...EMPTY_VERSION.resources, ...resources },
    },
    collection: (id) => collections.get(id) ?? new Map(),
  };
}

const ORIGIN = record("backend", { name: "my origin", address: "origin.example", shield: "iad-va-us" });

describe("generated VCL", () => {
  test("of an empty version is the boilerplate with every macro, and parses", () => {
    const text = generatedVcl(input({}));
    for (const state of VCL_STATES) expect(text).toContain(`#--FASTLY ${state.toUpperCase()} BEGIN`);
    expect(text).not.toMatch(/^#FASTLY/m);
    expect(text).toContain("set beresp.ttl = 3600s;");
    expect(() => parseVcl({ name: "generated", text })).not.toThrow();
    expect(() => parseService(serviceSources(input({})))).not.toThrow();
  });

  test("declares backends as F_name, their probe, and one director per shield POP", () => {
    const check = record("healthcheck", { name: "up", path: "/up", host: "h.example", headers: ["X-A: 1"] });
    const backends = [
      ORIGIN,
      record("backend", {
        name: "tls",
        address: "tls.example",
        port: 443,
        use_ssl: true,
        ssl_check_cert: false,
        ssl_sni_hostname: "sni.example",
        override_host: "bucket.example",
        healthcheck: "up",
        first_byte_timeout: 1500,
        shield: "iad-va-us",
      }),
    ];
    const text = generatedVcl(input({ backend: backends, healthcheck: [check] }));
    expect(text).toContain("backend F_my_origin {");
    expect(text).toContain(".dummy = true;");
    expect(text.match(/director ssl_shield_iad_va_us shield \{/g)).toHaveLength(1);
    expect(text).toContain('.shield = "iad-va-us";');
    expect(text).toContain(".first_byte_timeout = 1500ms;");
    expect(text).toContain(".ssl_check_cert = never;");
    expect(text).toContain('.host_header = "bucket.example";');
    expect(text).toContain('.request = "HEAD /up HTTP/1.1" "Host: h.example"');
    expect(text).toContain('"X-A: 1"');
    expect(() => parseVcl({ name: "generated", text })).not.toThrow();
  });

  test("in recv: the shield variable, then snippets by priority, the default backend, the shield", () => {
    const snippets = [
      record("snippet", { name: "late", type: "recv", priority: "200", content: "# late" }),
      record("snippet", { name: "early", type: "recv", priority: "9", content: "# early" }),
      record("snippet", { name: "other", type: "hit", content: "# elsewhere" }),
    ];
    const recv =
      serviceSources(input({ backend: [ORIGIN], snippet: snippets })).macros.get("recv")?.text ?? "";
    const order = [
      "set req.http.X-Timer",
      "set var.fastly_req_do_shield = (req.restarts == 0);",
      "# early",
      "# late",
      "set req.backend = F_my_origin;",
      "fastly.try_select_shield(ssl_shield_iad_va_us, F_my_origin)",
    ].map((piece) => recv.indexOf(piece));
    expect(order).not.toContain(-1);
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(recv).not.toContain("# elsewhere");
  });

  test("a conditional backend is not the default, and balanced ones share a director", () => {
    const conditional = record("backend", { name: "c", address: "c.example", request_condition: "never" });
    const plain = serviceSources(input({ backend: [conditional, ORIGIN] })).macros.get("recv")?.text;
    expect(plain).toContain("set req.backend = F_my_origin;");
    const pair = ["a", "b"].map((name) =>
      record("backend", { name, address: "x.example", auto_loadbalance: true }),
    );
    const text = generatedVcl(input({ backend: pair }));
    expect(text).toContain("director autodirector_ random {");
    expect(text).toContain("set req.backend = autodirector_;");
    expect(() => parseVcl({ name: "generated", text })).not.toThrow();
  });

  test("stale_if_error adds Fastly's handling of 5xx in fetch and error", () => {
    const off = serviceSources(input({})).macros;
    const on = serviceSources(input({}, { staleIfError: true, staleIfErrorTtl: 60 })).macros;
    expect(off.get("fetch")?.text).not.toContain("deliver_stale");
    expect(on.get("fetch")?.text).toContain("set beresp.stale_if_error = 60s;");
    expect(on.get("error")?.text).toContain("return(deliver_stale);");
  });

  test("an uploaded main replaces the boilerplate; includes and snippets of type none are found by name", () => {
    const vcl = [
      record("vcl", {
        name: "main",
        main: true,
        content: 'include "other";\nsub vcl_recv {\n  #FASTLY recv\n}\n',
      }),
      record("vcl", { name: "other", content: "# from the other file\n" }),
    ];
    const snippet = [record("snippet", { name: "lib", type: "none", content: "# library" })];
    const version = input({ vcl, snippet });
    const sources = serviceSources(version);
    expect(sources.main.name).toBe("main");
    expect([...sources.includes.keys()]).toEqual(["other", "snippet::lib"]);
    const text = generatedVcl(version);
    expect(text).toContain("# from the other file");
    expect(text).not.toContain("include");
    expect(text).toContain("#--FASTLY RECV BEGIN");
    expect(text).not.toContain("sub vcl_hash");
  });

  test("files that include each other do not go round for ever", () => {
    const vcl = [
      record("vcl", { name: "main", main: true, content: 'include "a";\n' }),
      record("vcl", { name: "a", content: 'include "b";\n' }),
      record("vcl", { name: "b", content: 'include "a";\n' }),
    ];
    expect(generatedVcl(input({ vcl }))).toContain('include "a";');
  });

  test("text outside ASCII reaches the compiler as UTF-8 bytes and is shown as it came", () => {
    const vcl = [record("vcl", { name: "main", main: true, content: "# grün €\n" })];
    const version = input({ vcl });
    expect(serviceSources(version).main.text).toBe(Buffer.from("# grün €\n").toString("latin1"));
    expect(generatedVcl(version)).toContain("# grün €");
  });

  test("tables show their items, and live tables are named as in VCL", () => {
    const dictionary = [{ name: "my words", id: "D1", write_only: false }];
    const items = new Map([['say "hi"', { item_key: 'say "hi"', item_value: "100% ü" }]]);
    const version = input({ dictionary }, {}, new Map([["D1", items]]));
    expect(generatedVcl(version)).toContain('table my_words {\n  "say %22hi%22": "100%25 %C3%BC",\n}');
    expect(liveTables(version).get("my_words")?.get('say "hi"')).toBe(
      Buffer.from("100% ü").toString("latin1"),
    );
  });
});

describe("fields of objects", () => {
  test("any text becomes one literal and nothing else", () => {
    assert(
      property(string({ unit: "binary" }), (text) => {
        const literal = vclString(text);
        const bytes = Buffer.from(text, "utf8").toString("utf8");
        return (
          /^"(?:[ !#$&-~]|%[0-9A-F]{2})*"$/.test(literal) &&
          decodeURIComponent(literal.slice(1, -1)) === bytes
        );
      }),
    );
  });

  test("no name, comment, key or value can add a declaration", () => {
    const hostile = oneof(
      string({ unit: "binary" }),
      constantFrom(
        '"; } sub evil { error 600; }',
        "\n}\nsub evil {}\n#",
        '{"',
        "%22; sub evil {}",
        "*/ sub evil {} /*",
      ),
    );
    assert(
      property(hostile, hostile, (a, b) => {
        const name = `n${a}`;
        const resources = {
          backend: [
            record("backend", {
              name,
              address: "origin.example",
              override_host: b,
              ssl_ca_cert: a,
              use_ssl: true,
              healthcheck: "h",
            }),
          ],
          healthcheck: [record("healthcheck", { name: "h", path: `/${a}`, host: b, headers: [`X: ${b}`] })],
          dictionary: [{ name: "d", id: "D1", write_only: false }],
          acl: [{ name: "a", id: "A1" }],
          snippet: [record("snippet", { name: a, type: "recv", content: "# fine" })],
        };
        const item = { item_key: a, item_value: b };
        const entry = { ip: "10.0.0.1", subnet: 8, negated: "0", comment: b };
        const collections = new Map<string, ReadonlyMap<string, ResourceRecord>>([
          ["D1", new Map([[a, item]])],
          ["A1", new Map([["1", entry]])],
        ]);
        const program = parseService(serviceSources(input(resources, {}, collections)));
        const kinds = program.declarations.map((declaration) => declaration.kind);
        const subs = kinds.filter((kind) => kind === "sub");
        expect(subs).toHaveLength(VCL_STATES.length);
      }),
      { numRuns: 100 },
    );
  });
});
