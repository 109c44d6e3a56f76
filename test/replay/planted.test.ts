import { describe, expect, it } from "vitest";
import { compileSides } from "../../src/replay/side-program.ts";
import type { SideVersion, WireObject } from "../../src/replay/version-input.ts";
import { MadeSites } from "../support/made-sites.ts";
import { DELIVER_END, linesOf, replay, sideWith } from "./replay-fixture.ts";

const COUNT = 3;
/** The only site that any of the changes here touches. */
const TOUCHED = 1;
const HOST = MadeSites.host(TOUCHED);
const IS_TOUCHED = `req.http.SF-Host == "${HOST}"`;

/** Every site's pages, each twice, so that what one request stored answers another. */
function* visits(): Generator<object> {
  for (const path of ["/", "/missing", "/"]) {
    for (let number = 0; number < COUNT; number += 1)
      yield { url: `https://${MadeSites.host(number)}${path}` };
  }
}

const PLAIN = sideWith();

/** A version with more objects of the kinds given, under the names that `/details` has for them. */
function plus(more: Readonly<Record<string, readonly WireObject[]>>, side = PLAIN): SideVersion {
  const objects = new Map(side.objects);
  for (const [key, list] of Object.entries(more)) objects.set(key, [...(objects.get(key) ?? []), ...list]);
  return { ...side, objects };
}

function snippet(type: string, content: string): WireObject {
  return { name: `planted ${type}`, type, priority: "100", dynamic: "0", content };
}

const HEADER = { name: "planted", action: "set", type: "response", dst: "http.X-Planted", priority: "100" };

function headerWhen(statement: string, src = '"1"'): SideVersion {
  const condition = { name: "planted", type: "RESPONSE", statement, priority: "100" };
  return plus({ conditions: [condition], headers: [{ ...HEADER, src, response_condition: "planted" }] });
}

const FOR_NOBODY = 'req.http.SF-Host == "nobody.example"';

function withDictionary(value: string): SideVersion {
  const side = plus({
    dictionaries: [{ name: "team", write_only: false }],
    snippets: [snippet("deliver", 'set resp.http.X-Planted = table.lookup(team, req.http.SF-Host, "-");')],
  });
  const items = new Map([
    [HOST, value],
    [MadeSites.host(2), "the same"],
  ]);
  return { ...side, dictionaries: new Map([...side.dictionaries, ["team", items]]) };
}

function withAcl(ip: string): SideVersion {
  const rule = `if (${IS_TOUCHED} && client.ip ~ office) { set resp.http.X-Planted = "1"; }`;
  const side = plus({ acls: [{ name: "office" }], snippets: [snippet("deliver", rule)] });
  return { ...side, acls: new Map([["office", [{ ip, subnet: null, negated: false }]]]) };
}

/** Where visitors of a replay are. */
const VISITOR = "198.51.100.7";

function withDynamic(content: string): SideVersion {
  const side = plus({ snippets: [{ ...snippet("deliver", ""), dynamic: "1", content: null }] });
  return { ...side, dynamicSnippets: new Map([["planted deliver", content]]) };
}

function withTable(value: string): SideVersion {
  const table = `table planted { "${HOST}": "${value}", "${MadeSites.host(2)}": "the same" }`;
  const use = `set resp.http.X-Planted = table.lookup(planted, req.http.SF-Host, "-");\n${DELIVER_END}`;
  const used = sideWith([DELIVER_END, use]);
  return plus({ snippets: [snippet("init", table)] }, used);
}

/** What a site that has moved in has of its own: everything of the touched site comes from another backend. */
function withBackend(address: string): SideVersion {
  const route = `if (req.http.host == "${HOST}") { set req.backend = F_legacy; return(pass); }`;
  return plus({
    backends: [{ name: "legacy", address, port: 443, use_ssl: true, request_condition: "never" }],
    conditions: [{ name: "never", type: "REQUEST", statement: "false", priority: "100" }],
    snippets: [snippet("recv", route)],
  });
}

function withDirector(member: string): SideVersion {
  const never = { request_condition: "never", port: 443, use_ssl: true };
  const route = `if (req.http.host == "${HOST}") { set req.backend = pool; return(pass); }`;
  return plus({
    backends: ["one", "two"].map((name) => ({ ...never, name, address: `${name}.example` })),
    conditions: [{ name: "never", type: "REQUEST", statement: "false", priority: "100" }],
    directors: [{ name: "pool", type: 1, quorum: 0, backends: [member] }],
    snippets: [snippet("recv", route)],
  });
}

/** A version without VCL of its own: Fastly's boilerplate, where the default TTL counts for what says nothing itself. */
function withDefaultTtl(seconds: number): SideVersion {
  const others = `if (req.http.host != "${HOST}") { set beresp.http.Cache-Control = "max-age=60"; set beresp.ttl = 60s; }`;
  const side = plus({ snippets: [snippet("fetch", others)] });
  return {
    ...side,
    objects: new Map([
      ...side.objects,
      ["vcls", []],
      ["backends", [{ name: "web", address: "web.example" }]],
    ]),
    settings: { ...side.settings, "general.default_ttl": seconds },
  };
}

/** Called on the POP that asks the store, for the touched site's objects only. */
function atShield(statement: string): SideVersion {
  const sub = `sub planted {\n  if (req.url ~ "/site-${TOUCHED}/") { ${statement} }\n}`;
  return plus({
    snippets: [
      snippet("init", sub),
      snippet("fetch", "if (fastly.ff.visits_this_service > 0) { call planted; }"),
    ],
  });
}

/** Stored with every object; shown only by those that come out of the cache. */
function laterHit(value: string): SideVersion {
  const store = `if (req.url ~ "/site-${TOUCHED}/") { set beresp.http.X-Planted = "${value}"; }`;
  const hide = 'if (fastly_info.state !~ "^HIT") { unset resp.http.X-Planted; }';
  return plus({ snippets: [snippet("fetch", store), snippet("deliver", hide)] });
}

const CASES: readonly (readonly [what: string, before: () => SideVersion, after: () => SideVersion])[] = [
  ["the statement of a condition", () => headerWhen(FOR_NOBODY), () => headerWhen(IS_TOUCHED)],
  ["a header object that is new", () => PLAIN, () => headerWhen(IS_TOUCHED)],
  ["what a header object sets", () => headerWhen(IS_TOUCHED), () => headerWhen(IS_TOUCHED, '"2"')],
  [
    "a subroutine that only the shield's hop calls",
    () => atShield('set beresp.http.X-Planted = "1";'),
    () => atShield('set beresp.http.X-Planted = "2";'),
  ],
  ["the default TTL", () => withDefaultTtl(3600), () => withDefaultTtl(60)],
  ["an item of a dictionary", () => withDictionary("1"), () => withDictionary("2")],
  ["an entry of an ACL", () => withAcl("203.0.113.9"), () => withAcl(VISITOR)],
  [
    "a dynamic snippet's text",
    () => withDynamic(`if (${IS_TOUCHED}) { set resp.http.X-Planted = "1"; }`),
    () => withDynamic(`if (${IS_TOUCHED}) { set resp.http.X-Planted = "2"; }`),
  ],
  ["an entry of a table", () => withTable("1"), () => withTable("2")],
  ["a backend's address", () => withBackend("old.example"), () => withBackend("new.example")],
  ["a director's members", () => withDirector("one"), () => withDirector("two")],
  ["what only a later hit shows", () => laterHit("1"), () => laterHit("2")],
];

describe("a planted change that touches one site", () => {
  it.each(CASES)("is found there and nowhere else: %s", async (_, before, after) => {
    const sides = compileSides(before(), after());
    const found = await replay(PLAIN, { count: COUNT, work: linesOf(visits()), sides });
    const everything = { ...sides, scout: null };
    const plain = await replay(PLAIN, { count: COUNT, work: linesOf(visits()), sides: everything });
    expect(found.changes).toEqual(plain.changes);
    expect(new Set(found.changes.map(({ host }) => host))).toEqual(new Set([HOST]));
    expect(found.summary.sites).toEqual({ replayed: COUNT, unaffected: COUNT - 1, changed: 1 });
  });

  it("is found at the later hit and not before it, where only that one shows it", async () => {
    const sides = compileSides(
      plus({ snippets: [snippet("deliver", "")] }),
      plus({
        snippets: [
          snippet(
            "deliver",
            `if (${IS_TOUCHED} && fastly_info.state ~ "^HIT") { set resp.http.X-Hit = "1"; }`,
          ),
        ],
      }),
    );
    const { changes } = await replay(PLAIN, { count: COUNT, work: linesOf(visits()), sides });
    expect(changes.length).toBeGreaterThan(0);
    expect(Math.min(...changes.map(({ request }) => request.line ?? 0))).toBeGreaterThan(2 * COUNT);
  });
});
