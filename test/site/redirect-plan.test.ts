import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";

import { DEFAULT_RULE_ROOM, planRedirects } from "../../src/site/redirect-plan.ts";
import type { RedirectPlan, RedirectPlanInput } from "../../src/site/redirect-plan.ts";
import { noteText, parseRedirects } from "../../src/site/redirects-file.ts";
import { metadataProblem } from "../../src/site/object-metadata.ts";
import { bucketListBytes, bucketMetadata, bucketsText } from "../../src/site/rule-buckets.ts";
import { packRules, ruleText } from "../../src/site/rule-slots.ts";

function plan(
  lines: readonly string[],
  files: readonly string[] = [],
  more: Partial<RedirectPlanInput> = {},
): RedirectPlan {
  const { rules, problems } = parseRedirects(lines.join("\n"), "_redirects");
  expect(problems).toEqual([]);
  return planRedirects({ rules, files: new Set(files), ...more });
}

function sha256Hex(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function shape(result: RedirectPlan): unknown {
  return {
    objects: result.objects.map(({ key, location, status }) => `${key} ${status} ${location}`),
    aliases: result.aliases.map(({ key, file, status }) => `${key} ${status} ${file}`),
    slots: result.slots.map(({ rule }) => ruleText(rule)),
    warnings: result.warnings.map(noteText),
    problems: result.problems.map(noteText),
  };
}

const nothing = { objects: [], aliases: [], slots: [], warnings: [], problems: [] };

describe("planRedirects", () => {
  it("makes objects of exact rules and slots of patterns", () => {
    expect(shape(plan(["/a /b 302", "/c/* /d/:splat"]))).toEqual({
      ...nothing,
      objects: ["a.html 302 /b"],
      slots: ["301 /c/* /d/{*}"],
    });
  });

  it("lets a file win over an exact rule that is not forced", () => {
    expect(shape(plan(["/a.html /b"], ["a.html"]))).toEqual({
      ...nothing,
      warnings: [
        '_redirects:1: the rule "/a.html /b" never applies: the page "a.html" exists (write the status with `!` to redirect all the same)',
      ],
    });
    expect(shape(plan(["/a /b 301!"], ["a.html"]))).toEqual({ ...nothing, objects: ["a.html 301 /b"] });
  });

  it("keeps the first of two rules for one page", () => {
    expect(shape(plan(["/a /b", "/a/ /c"]))).toEqual({
      ...nothing,
      objects: ["a.html 301 /b"],
      warnings: ['_redirects:2: the rule "/a/ /c" never applies: line 1 of _redirects ("/a /b") comes first'],
    });
  });

  it("gives no object to an exact rule below a pattern that matches it", () => {
    const result = plan(["/a/* /x/:splat", "/a/b /c", "/a/d /e 301!"], ["a/d.html"]);
    expect(shape(result)).toEqual({
      ...nothing,
      objects: ["a/d.html 301 /e"],
      slots: ["301 /a/* /x/{*}"],
      warnings: [
        '_redirects:2: the rule "/a/b /c" never applies: line 1 of _redirects ("/a/* /x/:splat") comes first',
      ],
    });
  });

  it("gives a slot to an exact rule that must come before a forced pattern", () => {
    expect(shape(plan(["/a/b.html /c", "/a/* /x/:splat 302!"]))).toEqual({
      ...nothing,
      slots: ["!301 /a/b /c", "!301 /a/b.html /c", "!302 /a/* /x/{*}"],
    });
  });

  it("gives the root a slot like any other path", () => {
    expect(shape(plan(["/ https://example.com/c", "/* https://example.com/:splat 302!"]))).toEqual({
      ...nothing,
      slots: ["!301 / https://example.com/c", "!302 /* https://example.com/{*}"],
    });
  });

  it.each([
    [
      ["/a/ /a"],
      [],
      ['"/a/ /a" leads back to its own page (a rule cannot add or remove a trailing slash or `.html`)'],
    ],
    [
      ["/a /b", "/b /c", "/c /a"],
      [],
      ['"/a /b" loops by way of', '"/b /c" loops by way of', '"/c /a" loops by way of'],
    ],
    [["/a/* /a/b/:splat"], [], ['"/a/* /a/b/:splat" never ends']],
    [["/a/* /a"], [], ['"/a/* /a" loops by way of line 1']],
    [["/a/* /a"], ["a.html"], []],
    [["/* /down 302!"], ["down.html"], ['"/* /down 302!" loops by way of line 1']],
    [["/:a/:b /:b/:a"], [], ['"/:a/:b /:b/:a" leads back to its own page']],
    [["/a https://example.com/a"], [], []],
  ])("finds the loop in %j with the pages %j", (lines, files, problems) => {
    const found = plan(lines, files).problems.map(noteText);
    expect(found).toEqual(problems.map((text) => expect.stringContaining(text) as string));
  });

  it("warns of a chain and says where it ends", () => {
    expect(plan(["/a /b", "/b /c/x", "/c/* /d"]).warnings.map(noteText)).toEqual([
      '_redirects:1: the rule "/a /b" leads to a path that line 2 of _redirects ("/b /c/x") redirects again; it ends at /d',
      '_redirects:2: the rule "/b /c/x" leads to a path that line 3 of _redirects ("/c/* /d") redirects again; it ends at /d',
    ]);
  });

  it("names the rule that finds no slot free", () => {
    const lines = Array.from({ length: 25 }, (_, index) => `/p${index}/* /q`);
    expect(plan(lines).problems.map(noteText)).toEqual([
      '_redirects:25: the rule "/p24/* /q" is one too many of the rules that are tried for the same paths; 24 is the most',
    ]);
  });

  it("takes any number of exact rules", () => {
    const lines = Array.from({ length: 5_000 }, (_, index) => `/from/${index} /to/${index}`);
    expect(plan(lines).objects).toHaveLength(5_000);
  });

  it("refuses a location that does not fit in metadata", () => {
    expect(plan([`/a /${"ä".repeat(400)}`]).problems.map(({ reason }) => reason)).toEqual([
      "has metadata that takes 2406 bytes, the limit is 2000",
    ]);
  });

  it("makes an alias of an exact rule that shows a page", () => {
    expect(shape(plan(["/a /b 200", "/c/ /b.html 410", "/d /b 451"], ["b.html", "d.html"]))).toEqual({
      ...nothing,
      aliases: ["a.html 200 b.html", "c.html 410 b.html"],
      warnings: [expect.stringContaining('the page "d.html" exists')],
    });
  });

  it.each([
    [["/a /b 200"], [], '"/a /b 200" shows the page "b.html" with status 200, which the site does not have'],
    [["/* /404.html 404"], [], 'shows the page "404.html" with status 404, which the site does not have'],
    [["/b /c 302!", "/a /b 200"], ["b.html"], 'shows the page "b.html", whose place line 1 of _redirects'],
    [["/b /c 302!", "/x/* /b 200"], ["b.html"], 'shows the page "b.html", whose place line 1 of _redirects'],
  ])("refuses %j with the pages %j: the page is not there", (lines, files, problem) => {
    const result = plan(lines, files);
    expect(result.problems.map(noteText)).toEqual([expect.stringContaining(problem)]);
    expect([...result.aliases, ...result.slots.filter(({ text }) => text !== lines[0])]).toEqual([]);
  });

  it("shows a page at its own path with another status, or to keep it from a forced rule", () => {
    expect(shape(plan(["/a /a 410!"], ["a.html"]))).toEqual({ ...nothing, aliases: ["a.html 410 a.html"] });
    expect(shape(plan(["/a /a 200!"], ["a.html"]))).toEqual(nothing);
    expect(shape(plan(["/a /a 200!", "/* https://example.com/:splat 301!"], ["a.html"]))).toEqual({
      ...nothing,
      slots: ["!200 /a /a", "!301 /* https://example.com/{*}"],
    });
  });

  it("gives rules that ask for the query a slot", () => {
    expect(shape(plan(["/ p=:id /post/:id", "/old.html id=1 /x 302"]))).toEqual({
      ...nothing,
      slots: ["301 / /post/{a} p={a}", "302 /old /x id=1", "302 /old.html /x id=1"],
    });
  });

  it("tries an exact rule after an earlier one that asks for the query", () => {
    expect(shape(plan(["/a id=:id /b/:id", "/a /c"]))).toEqual({
      ...nothing,
      slots: ["301 /a /b/{a} id={a}", "301 /a /c"],
    });
    expect(shape(plan(["/a /c", "/a id=:id /b/:id"]))).toMatchObject({
      objects: ["a.html 301 /c"],
      slots: ["301 /a /b/{a} id={a}"],
    });
  });

  it("forces no exact rule for an earlier forced one, past a rule between them that asks for the query", () => {
    const lines = [
      "/a/:x q=1 /b 200!",
      "/* q=:q https://example.com/x 301",
      "/a/c https://example.com/x 301",
    ];
    expect(shape(plan(lines, ["b.html"]))).toMatchObject({
      slots: ["!200 /a/: /b q=1", "301 /* https://example.com/x q={a}", "301 /a/c https://example.com/x"],
      warnings: [],
    });
    expect(shape(plan(["/a/:x q=1 /b 200!", "/a/c /d"], ["b.html"]))).toMatchObject({
      slots: ["!200 /a/: /b q=1", "301 /a/c /d"],
    });
  });

  it("forces a pattern that a later forced one would overtake, if no file is in its way", () => {
    const lines = ["/blog/* /news/:splat", "/* https://example.com/:splat 302!"];
    expect(shape(plan(lines, ["index.html", "blogs.html"]))).toMatchObject({
      slots: ["!301 /blog/* /news/{*}", "!302 /* https://example.com/{*}"],
      warnings: [expect.stringContaining("redirects again")],
    });
    expect(shape(plan(lines, ["blog/a.html"]))).toMatchObject({
      slots: ["301 /blog/* /news/{*}", "!302 /* https://example.com/{*}"],
      warnings: [
        expect.stringContaining('"/blog/* /news/:splat" is tried after line 2 of _redirects'),
        expect.stringContaining("redirects again"),
      ],
    });
  });

  it("drops a pattern that an earlier one covers", () => {
    expect(shape(plan(["/a/* /x", "/a/:b /y", "/a/b/* q=1 /z", "/a/* /w 302!"]))).toEqual({
      ...nothing,
      slots: ["!301 /a/* /x", "!302 /a/* /w"],
      warnings: [
        expect.stringContaining('"/a/:b /y" never applies: line 1 of _redirects'),
        expect.stringContaining('"/a/b/* q=1 /z" never applies: line 1 of _redirects'),
      ],
    });
    expect(
      plan(["/* q=1 https://a.example/", "/* https://b.example/", "/* /i 200"], ["i.html"]).slots,
    ).toHaveLength(2);
    expect(plan(["/* /i 200", "/* /n 404"], ["i.html", "n.html"]).slots).toHaveLength(2);
  });

  it("finds loops of rules that ask for the query, and no others", () => {
    expect(plan(["/a id=:id /a?id=:id"]).problems.map(noteText)).toEqual([
      expect.stringContaining("leads back to its own page"),
    ]);
    expect(plan(["/a id=1 /a?id=2"]).problems).toEqual([]);
    expect(plan(["/a /a/b 200", "/a/* /a"], ["a/b.html"]).problems).toEqual([]);
  });

  it("forces every rule when rules come first", () => {
    const more = { precedence: "rule-first" } as const;
    expect(shape(plan(["/a /b", "/c/* /d"], ["a.html", "c/x.html"], more))).toEqual({
      ...nothing,
      objects: ["a.html 301 /b"],
      slots: ["!301 /c/* /d"],
    });
  });

  it("moves what does not fit in slots into buckets, where rules for every path are too", () => {
    const lines = Array.from({ length: 30 }, (_, index) => `/s${index % 2}/p${index}/* /q`);
    const result = plan(["/* x=1 https://a.example/", ...lines, "/:any/last /x"], [], { sha256Hex });
    const hash = sha256Hex("s1").slice(0, 4);
    expect([result.problems, result.warnings, [...result.buckets.keys()]]).toEqual([[], [], [hash]]);
    const bucket = result.buckets.get(hash)?.map(({ text }) => text) ?? [];
    expect([bucket[0], bucket[1], bucket.at(-1), bucket.length]).toEqual([
      "/* x=1 https://a.example/",
      "/s1/p1/* /q",
      "/:any/last /x",
      17,
    ]);
    expect(result.slots).toHaveLength(17);
    expect(result.slots.some(({ text }) => text.startsWith("/s1/"))).toBe(false);
  });

  it.each([
    [100, 5, DEFAULT_RULE_ROOM],
    [1_000, 42, DEFAULT_RULE_ROOM],
    [1_000, 60, 400],
  ])("has room for %i patterns over %i first segments", (count, segments, room) => {
    const lines = Array.from(
      { length: count },
      (_, index) => `/department-${index % segments}/subject-${index}/* /archive/topics/${index}/:splat 302`,
    );
    const result = plan(lines, [], { sha256Hex, room });
    expect(result.problems).toEqual([]);
    const held = [...result.buckets.values()].reduce((sum, rules) => sum + rules.length, result.slots.length);
    expect(held).toBe(count);
    for (const rules of result.buckets.values()) {
      const metadata = bucketMetadata({ site: "a".repeat(40), rules: rules.map(({ rule }) => rule) });
      expect(metadataProblem(metadata)).toBeUndefined();
    }
    const slots = packRules(result.slots.map(({ rule }) => rule));
    expect(slots.length + 1 + bucketListBytes(result.buckets.keys())).toBeLessThanOrEqual(room);
  });

  it.each([
    [
      Array.from({ length: 25 }, (_, index) => `/a/p${index} x=1 /q`),
      'the rule "/a/p24 x=1 /q" is one too many of the rules that are tried for the same paths; 24 is the most',
    ],
    [
      [...Array.from({ length: 23 }, (_, index) => `/:x/p${index} /q`), "/a/:b /c", "/a/c/:d /e"],
      'the rule "/a/c/:d /e" is one too many of the rules that are tried for the same paths; 24 is the most',
    ],
    [
      Array.from({ length: 24 }, (_, index) => `/a/p${index}/* /${"x".repeat(90)}`),
      "does not fit: the rules that are tried below /a have 1956 bytes, and with it they take",
    ],
    [
      Array.from({ length: 20 }, (_, index) => `/:a/p${index}/* /${"x".repeat(90)}`),
      "does not fit: the rules that are tried for every path have 1500 bytes, and with it they take",
    ],
    [
      Array.from({ length: 400 }, (_, index) => `/a${index}/* /b`),
      "does not fit: the rules begin with 400 different segments, and a config can list",
    ],
  ])("names the rule that is over a limit (%#)", (lines, problem) => {
    const found = plan(lines, [], { sha256Hex });
    expect(found.problems.map(noteText)[0]).toContain(problem);
    // The others are in the tables as if those rules had not been written.
    const odd = new Set(found.problems.map(({ text }) => text));
    const left = plan(
      lines.filter((line) => !odd.has(line)),
      [],
      { sha256Hex },
    );
    expect(left.problems).toEqual([]);
    expect(bucketsText(found.buckets)).toBe(bucketsText(left.buckets));
    expect(found.slots.map(({ text }) => text)).toEqual(left.slots.map(({ text }) => text));
  });

  it("counts exact rules that need a slot with the patterns", () => {
    const lines = Array.from({ length: 24 }, (_, index) => `/a/p${index}/x /q`);
    expect(plan([...lines, "/a/* /b 302!"], [], { sha256Hex }).problems.map(noteText)).toEqual([
      '_redirects:25: the rule "/a/* /b 302!" is one too many of the rules that are tried below /a; 24 is the most',
    ]);
  });

  it("has one text for the same buckets", () => {
    const lines = Array.from({ length: 30 }, (_, index) => `/s${index % 2}/p${index}/* /q`);
    const texts = [lines, ["/exact /x", ...lines]].map((rules) =>
      bucketsText(plan(rules, [], { sha256Hex }).buckets),
    );
    expect(texts[0]).toMatch(/^[0-9a-f]{4} 0=301 \/s\d\/p\d\/\* \/q\|/);
    expect(texts[1]).toBe(texts[0]);
    expect(bucketsText(plan(lines.toReversed(), [], { sha256Hex }).buckets)).not.toBe(texts[0]);
  });
});
