import { describe, expect, it } from "vitest";

import { planRedirects } from "../../src/site/redirect-plan.ts";
import type { RedirectPlan } from "../../src/site/redirect-plan.ts";
import { noteText, parseRedirects } from "../../src/site/redirects-file.ts";
import { ruleText } from "../../src/site/rule-slots.ts";

function plan(lines: readonly string[], files: readonly string[] = []): RedirectPlan {
  const { rules, problems } = parseRedirects(lines.join("\n"), "_redirects");
  expect(problems).toEqual([]);
  return planRedirects({ rules, files: new Set(files) });
}

function shape(result: RedirectPlan): unknown {
  return {
    objects: result.objects.map(({ key, location, status }) => `${key} ${status} ${location}`),
    slots: result.slots.map(({ rule }) => ruleText(rule)),
    warnings: result.warnings.map(noteText),
    problems: result.problems.map(noteText),
  };
}

const nothing = { objects: [], slots: [], warnings: [], problems: [] };

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
      slots: ["!301 /a/b /c", "!302 /a/* /x/{*}"],
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
    const lines = Array.from({ length: 26 }, (_, index) => `/p${index}/* /q`);
    expect(plan(lines).problems.map(noteText)).toEqual([
      '_redirects:25: the rule "/p24/* /q" is number 25 of the rules that need a slot; a site has 24',
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
});
