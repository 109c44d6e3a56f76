import { test } from "@fast-check/vitest";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { noteText, parseRedirects } from "../../src/site/redirects-file.ts";
import { isTarget, slotRuleProblem } from "../../src/site/rule-slots.ts";

function only(line: string): unknown {
  const { rules, problems } = parseRedirects(line, "_redirects");
  return rules[0] ?? problems[0]?.reason;
}

describe("parseRedirects", () => {
  it.each([
    ["/old /new", { keys: ["old.html"], path: "/old", target: "/new", status: 301, forced: false }],
    ["/old/ /new 302", { keys: ["old.html"], status: 302 }],
    ["/old.html /new 308!", { keys: ["old.html"], status: 308, forced: true }],
    [
      "/old/index.html  https://example.com/x?y=z#w  303",
      { keys: ["old.html"], target: "https://example.com/x?y=z#w" },
    ],
    ["/ /home 307 # why", { keys: ["index.html"], path: "/", text: "/ /home 307" }],
    ["old /new", { path: "/old", text: "old /new" }],
    ["/old.html /new", { path: "/old", spellings: ["/old", "/old.html"] }],
    ["/old/ /a/ü.html 200", { target: "/a/%C3%BC.html", status: 200 }],
    ["/gone /gone.html 410!", { status: 410, forced: true }],
    ["/file.pdf /new.pdf", { keys: ["file.pdf"], path: "/file.pdf" }],
    ["/v1.2/ /v2/", { keys: ["v1.2.html", "v1.2"] }],
    ["/ä%20b /ü c", 'has the status "c", which is no status code'],
    ["/ä%20b /ü", { keys: ["ä b.html"], path: "/%C3%A4%20b", target: "/%C3%BC" }],
    ["/a\u0308 /x", { keys: ["ä.html"] }],
    ["/a%3Ab /wiki/Special:Search", { keys: ["a:b.html"], target: "/wiki/Special:Search" }],
    ['/a /"<>|{}%', { target: "/%22%3C%3E%7C%7B%7D%25" }],
  ])("reads %s", (line, expected) => {
    const rule = only(line);
    if (typeof expected === "string") expect(rule).toBe(expected);
    else expect(rule).toMatchObject({ kind: "exact", ...expected });
  });

  it.each([
    ["/blog/* /news/:splat", { segments: ["blog"], splat: true, target: "/news/{*}" }],
    ["/* /:splat.html 302!", { segments: [], splat: true, forced: true, target: "/{*}.html" }],
    ["/:a/x/:b /:b?a=:a 302", { segments: [null, "x", null], splat: false, target: "/{3}?a={1}" }],
    [
      "/a%3A/:b/ https://example.com:8080/:b",
      { segments: ["a%3A", null], target: "https://example.com:8080/{2}" },
    ],
    ["/ü/* /x", { segments: ["%C3%BC"], target: "/x" }],
    ["/app/* 200", { status: 200, segments: ["app"], splat: true, target: "/app/{*}" }],
    ["/app/* 200! # as it is", { status: 200, forced: true, target: "/app/{*}" }],
    ["blog/* /:splat 404", { status: 404, segments: ["blog"], target: "/{*}" }],
    ["/:a/* /ä/:a//:splat%3Ax 200", { target: "/%C3%A4/{1}/{*}%3Ax" }],
    [
      "/ id=:id lang=d/e /post/:id 302",
      {
        segments: [],
        query: [
          { name: "id", value: null },
          { name: "lang", value: "d%2Fe" },
        ],
        target: "/post/{a}",
      },
    ],
    [
      "/:s/* x=1 y=:y /:s/:y/:splat",
      {
        query: [
          { name: "x", value: "1" },
          { name: "y", value: null },
        ],
        target: "/{1}/{b}/{*}",
      },
    ],
  ])("reads the pattern %s", (line, slot) => {
    expect(only(line)).toMatchObject({ kind: "pattern", slots: [slot] });
  });

  it.each([
    ["/a", "has no destination"],
    ["/a 301", "has no destination"],
    ["/a # /b", "has no destination"],
    ["/a b", 'has the destination "b", which is neither a path nor an http(s) URL'],
    [
      "/a javascript:alert(1)",
      'has the destination "javascript:alert(1)", which is neither a path nor an http(s) URL',
    ],
    ["/a //evil.example", "has a destination that begins with `//`; write the scheme"],
    ["/:a/* /:splat/:a", "could lead to another host when `:splat` is empty"],
    ["/* /:splat:splat/evil.example", "could lead to another host when `:splat` is empty"],
    ["/a /b 301abc", 'has the status "301abc", which is no status code'],
    ["/a /b 304", "has the status 304; possible are 200, 301, 302, 303, 307, 308, 404, 410, 451"],
    ["/a /b 0301", "has the status 0301; possible are 200, 301, 302, 303, 307, 308, 404, 410, 451"],
    [
      "/a https://example.com/ 200",
      "would fetch another host's page and show it with status 200, which a static site cannot do; redirect to it",
    ],
    [
      "/a/* http://example.com/:splat 404",
      "would fetch another host's page and show it with status 404, which a static site cannot do; redirect to it",
    ],
    ["/a /b?c 200", "shows a page with status 200, whose path has neither query nor fragment"],
    ["/a /b#c 410", "shows a page with status 410, whose path has neither query nor fragment"],
    ["/a //b 200", "has a destination that begins with `//`"],
    ["/a /../b 200", "has a destination that has a dot segment"],
    ["/a /b%2fc 200", "has a destination that has an encoded slash"],
    ["/a /%zz 200", "has a destination that has a `%` without two hex digits"],
    ["/a/* 301", "has no destination"],
    ["/a/* 404", "has no destination"],
    ["/a 200", "has no destination"],
    ["/a/* 200 x", 'has "x" after the status'],
    ["/a /b 301 x", 'has "x" after the status'],
    [
      "/a /b 301 Country=de",
      'has the condition "Country=de"; answers are kept by their URL alone and cannot differ by country',
    ],
    [
      "/a /b language=de,fr",
      'has the condition "language=de,fr"; answers are kept by their URL alone and cannot differ by language',
    ],
    [
      "/a /b 200! Role=admin",
      'has the condition "Role=admin"; answers are kept by their URL alone and cannot differ by visitor',
    ],
    [
      "/a /b 302 Cookie=x",
      'has the condition "Cookie=x"; answers are kept by their URL alone and cannot differ by visitor',
    ],
    [
      "/a https://example.com/ 200 Sign=KEY",
      'has "Sign=KEY"; signing is for requests to other hosts, which a static site does not make',
    ],
    ["/a /b x=1", 'has "x=1" behind its destination; a condition on the query stands before it'],
    ["/a x=1 y=2 z=3 /b", "has 3 conditions on the query, the limit is 2"],
    ["/a x=1 x=2 /b", "names a query parameter twice"],
    ["/:x y=:x /b", 'names ":x" twice'],
    [
      "/a x[]=1 /b",
      'matches on the query parameter "x[]"; names may have letters, digits and `-._~`, up to 64',
    ],
    ["/a x=%ff /b", 'matches on the query value "%ff", which is not percent-encoded UTF-8'],
    ["/a x=%0a /b", 'matches on the query value "%0a", which is not percent-encoded UTF-8'],
    ["/a x=:y /:z", 'uses ":z", which its source does not capture (a literal colon is %3A)'],
    ["/a x=1", "has no destination"],
    ["/a?id=1 /b", "has a query in its source; write it behind the path, as `/path name=value`"],
    ["//a /b", "has a source that begins with `//`"],
    ["/.netlify/functions/x /b", "is for `/.netlify/`, where Netlify has its own services"],
    ["/a#b /b", "has a fragment in its source, which browsers never send"],
    [
      "https://example.com/a /b",
      "has a full URL as its source; a rule is for all domains of the site, so write the path alone",
    ],
    ["/a* /b", "has a `*` that is not the whole last segment"],
    ["/*/a /b", "has a `*` that is not the whole last segment"],
    ["/*/* /b", "has a `*` that is not the whole last segment"],
    [
      "/a/:b.html /c",
      'has a placeholder inside ":b.html"; a placeholder is a whole segment, a literal colon is %3A',
    ],
    ["/:a/:a /b", 'names ":a" twice'],
    ["/:a /:b", 'uses ":b", which its source does not capture (a literal colon is %3A)'],
    ["/:a /:splat", 'uses ":splat", which its source does not capture (a literal colon is %3A)'],
    ["/a/* /b/*", "has a `*` in its destination; the matched rest is `:splat`"],
    [
      "/:a https://:a.example.com/",
      'has the destination "https://:a.example.com/", whose host is not plain ASCII letters, digits, dots and hyphens',
    ],
    [
      "/a https://münchen.de/",
      'has the destination "https://münchen.de/", whose host is not plain ASCII letters, digits, dots and hyphens',
    ],
    ["/1/2/3/4/5/6/7/8/:a /b", "has 9 segments, the limit is 8"],
    ["/a/../b /c", "has a source that has a dot segment"],
    ["/%ff /c", "has a source that is not UTF-8"],
    ["/a%2fb /c", "has a source that has an encoded slash"],
    [`/${"a".repeat(2_000)} /b`, "has more than 2000 characters"],
  ])("refuses %s and says why", (line, reason) => {
    expect(only(line)).toBe(reason);
  });

  it("counts lines, skips comments and blank lines, and reports every problem", () => {
    const text = "\ufeff# redirects\r\n\r\n/a /b\n  /c\t/d 302 # note\n/e\n/f x";
    const { rules, problems } = parseRedirects(text, "_redirects");
    expect(rules.map(({ source }) => source.line)).toEqual([3, 4]);
    expect(problems.map(noteText)).toEqual([
      '_redirects:5: the rule "/e" has no destination',
      '_redirects:6: the rule "/f x" has the destination "x", which is neither a path nor an http(s) URL',
    ]);
  });

  const word = fc.oneof(
    fc.string({ unit: "grapheme", maxLength: 12 }),
    fc.stringMatching(/^\/(?:[a-z:*%{}|.]{0,4}\/?){0,4}$/),
    fc.constantFrom(
      "200",
      "301",
      "302!",
      "410",
      "#",
      "https://example.com/:splat",
      "/:a/*",
      "//x",
      "x=:y",
      "x=1",
    ),
  );

  test.prop([fc.array(word, { maxLength: 5 })])("lets nothing through that could break a header", (words) => {
    for (const rule of parseRedirects(words.join(" "), "_redirects").rules) {
      if (rule.kind === "pattern")
        expect(rule.slots.map(slotRuleProblem)).toEqual(rule.slots.map(() => undefined));
      else expect([isTarget(rule.target), /[{}|]/.test(rule.target)]).toEqual([true, false]);
      // What is kept of a rule is its text: read again it is the same rule.
      expect(parseRedirects(rule.text, "_redirects").rules).toEqual([rule]);
    }
  });
});
