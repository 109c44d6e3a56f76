import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { compileSides } from "../../src/replay/side-program.ts";
import type { Sides } from "../../src/replay/side-program.ts";
import { markProgram } from "../../src/replay/program-marks.ts";
import { compileProgram } from "../../src/vcl/compiler.ts";
import type { Transaction } from "../../src/vcl/runtime.ts";
import { parseVcl } from "../../src/vcl/service.ts";
import { MadeSites } from "../support/made-sites.ts";
import { DELIVER_END, linesOf, replay, sideWith } from "./replay-fixture.ts";
import { transactionIn } from "../support/vcl.ts";

const RECV = "sub vcl_recv {";
const BEFORE = sideWith();

/** Changes of the rendered VCL, each by a text and what replaces it: of much, of little, of nothing that is reached. */
const CHANGES: readonly (readonly [text: string, by: string])[] = [
  [DELIVER_END, `set resp.http.X-All = "1";\n${DELIVER_END}`],
  [
    DELIVER_END,
    `if (req.http.SF-Host == "${MadeSites.host(1)}") { set resp.http.X-One = "1"; }\n${DELIVER_END}`,
  ],
  [
    DELIVER_END,
    `if (resp.status == 404 && req.url ~ "replay") { set resp.http.X-Few = "1"; }\n${DELIVER_END}`,
  ],
  [
    DELIVER_END,
    `if (resp.status == 404) { set resp.status = 200; } else if (resp.status == 503) { set resp.http.X-Trouble = "1"; }\n${DELIVER_END}`,
  ],
  [
    DELIVER_END,
    `if (fastly_info.state ~ "^HIT") { set resp.http.X-Hit = fastly_info.state; }\n${DELIVER_END}`,
  ],
  [DELIVER_END, `if (randombool(1, 3)) { set resp.http.X-Chance = "1"; }\n${DELIVER_END}`],
  [DELIVER_END, `if (workspace.bytes_free < 1) { set resp.http.X-Full = "1"; }\n${DELIVER_END}`],
  [RECV, `${RECV}\nif (req.method == "PURGE") { error 405; }`],
  [RECV, `${RECV}\nif (req.http.Accept-Encoding !~ "gzip") { unset req.http.Accept-Encoding; }`],
  [RECV, `${RECV}\ndeclare local var.other STRING;\nset var.other = req.url;`],
  ["set beresp.ttl = 3600s;", "set beresp.ttl = 60s;"],
  ["set beresp.stale_if_error = 86400s;", "set beresp.stale_if_error = 0s;"],
  ['"all env:"', '"all new env:"'],
  ["sub vcl_log {", 'sub vcl_log {\nlog "one line more";'],
  ["# Rendered from templates", "# Other words"],
];

interface Compiled {
  readonly scouting: Sides;
  readonly both: Sides;
}

/** What is compiled once serves all runs: programs keep nothing of them. */
const COMPILED = new Map<string, Compiled>();

function sidesOf(change: readonly [text: string, by: string]): Compiled {
  const known = COMPILED.get(change[1]);
  if (known !== undefined) return known;
  const scouting = compileSides(BEFORE, sideWith(change));
  const compiled = { scouting, both: { ...scouting, scout: null } };
  COMPILED.set(change[1], compiled);
  return compiled;
}

/** Requests over a few hosts: some repeat, so that what one stored answers another. */
const asked = fc.array(
  fc.record({
    host: fc.integer({ min: 0, max: 2 }),
    path: fc.constantFrom("/", "/about", "/about/", "/style.css", "/missing", "/moved", "/old/x", "/replay"),
    fault: fc.constantFrom(undefined, "hosting-503", "config-timeout-everywhere"),
    gzip: fc.boolean(),
    minutes: fc.constantFrom(0, 1, 90),
  }),
  { minLength: 1, maxLength: 16 },
);

const START = Date.parse("2026-01-01T00:00:00Z");

describe("leaving the new side unasked where it would do the same", () => {
  test.prop([fc.constantFrom(...CHANGES), asked], { numRuns: 30 })(
    "changes no verdict, no example and no count, whatever changes and whoever asks",
    async (change, requests) => {
      let at = START;
      const documents = requests.map(({ host, path, fault, gzip, minutes }) => ({
        url: `https://${MadeSites.host(host)}${path}`,
        headers: gzip ? { "Accept-Encoding": "gzip" } : {},
        ...(fault === undefined ? {} : { fault }),
        time: (at += minutes * 60_000),
      }));
      const run = (sides: Sides) => replay(BEFORE, { count: 3, work: linesOf(documents), sides });
      const { scouting, both } = sidesOf(change);
      const [scouted, plain] = [await run(scouting), await run(both)];
      expect(scouted.changes).toEqual(plain.changes);
      expect(scouted.summary).toEqual(plain.summary);
    },
    120_000,
  );

  it.each(CHANGES)("changes no verdict of the bundled list: %s", async (...change) => {
    const work = { kind: "sample", sites: "all" } as const;
    const { scouting, both } = sidesOf([...change]);
    const run = (sides: Sides) => replay(BEFORE, { count: 2, work, sides });
    const [scouted, plain] = [await run(scouting), await run(both)];
    expect(scouted.changes).toEqual(plain.changes);
    expect(scouted.summary).toEqual(plain.summary);
  });

  it("is done where a change can be told apart, and not where it is in what no subroutine shows", () => {
    const [text, by] = CHANGES[1] ?? ["", ""];
    expect(compileSides(sideWith(), sideWith([text, by])).scout).not.toBeNull();
    const backend = sideWith([RECV, `backend F_more { .host = "127.0.0.1"; }\n${RECV}`]);
    expect(compileSides(sideWith(), backend).scout).toBeNull();
  });
});

function atUrl(url: string): Transaction {
  const transaction = transactionIn("recv");
  transaction.req.url = url;
  return transaction;
}

/** Whether a run of vcl_recv of the old program comes by a change. */
function reaches(before: string, after: string, url = "/"): boolean | null {
  const [old, next] = [before, after].map((text) => parseVcl({ name: "main.vcl", text }));
  if (old === undefined || next === undefined) return null;
  const at = markProgram(old, next, { changedNames: new Set(), mayAsk: true });
  if (at === null) return null;
  let isReached = false;
  const marks = { at, reached: () => void (isReached = true) };
  compileProgram(old, { tables: new Map(), marks }).run("recv", atUrl(url));
  return isReached;
}

describe("marks of a program", () => {
  const recv = (body: string): string => `sub vcl_recv { ${body} }`;

  it.each([
    ["nothing changes", 'set req.http.A = "1";', 'set req.http.A = "1";', false],
    ["a statement is new", "", "esi;", true],
    ["a statement is gone", "esi;", "", true],
    ["a statement is new behind the end", "return(lookup);", "return(lookup); esi;", false],
    ["a condition that does not hold is new", "", 'if (req.url == "/b") { esi; }', false],
    ["a condition that holds is new", "", 'if (req.url == "/") { esi; }', true],
    ["a regex that does not match is new", "", 'if (req.http.A && req.url ~ "^/b") { esi; }', false],
    ["a negated regex may set captures", "", 'if (req.url !~ "^/") { esi; }', true],
    ["there is an else", "", 'if (req.url == "/b") { esi; } else { esi; }', true],
    [
      "a branch not taken changes",
      'if (req.url == "/b") { esi; }',
      'if (req.url == "/b") { restart; }',
      false,
    ],
    [
      "a branch that is taken changes",
      'if (req.url == "/") { esi; }',
      'if (req.url == "/") { restart; }',
      true,
    ],
    ["a variable changes its type", "declare local var.a STRING;", "declare local var.a INTEGER;", true],
    ["a function is asked", "", "if (randombool(0, 1)) { esi; }", true],
  ])("are reached or not: %s", (_, before, after, isReached) => {
    expect(reaches(recv(before), recv(after))).toBe(isReached);
  });

  it("follow calls, and tables by the statements that name them", () => {
    const called = (body: string): string => `sub a { ${body} } ${recv('if (req.url == "/a") { call a; }')}`;
    expect(reaches(called("esi;"), called("restart;"), "/a")).toBe(true);
    expect(reaches(called("esi;"), called("restart;"), "/b")).toBe(false);
    const table = (value: string): string =>
      `table t { "k": "${value}" } ${recv('if (req.url == "/a") { set req.http.A = table.lookup(t, "k"); }')}`;
    expect(reaches(table("1"), table("2"), "/a")).toBe(true);
    expect(reaches(table("1"), table("2"), "/b")).toBe(false);
  });

  it("cannot be set where a backend or a state's subroutine is another one", () => {
    const backend = (port: number): string =>
      `backend b { .host = "127.0.0.1"; .port = "${port}"; } ${recv("")}`;
    expect(reaches(backend(1), backend(2))).toBeNull();
    expect(reaches(recv(""), `${recv("")} sub vcl_hit { }`)).toBeNull();
  });
});
