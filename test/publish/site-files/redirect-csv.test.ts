import { test } from "@fast-check/vitest";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { parseRedirectCsv } from "../../../src/publish/site-files/redirect-csv.ts";
import { noteText, parseRedirects } from "../../../src/site/redirects-file.ts";

function read(text: string): { readonly rules: readonly string[]; readonly problems: readonly string[] } {
  const { rules, problems } = parseRedirectCsv(text, "r.csv");
  return {
    rules: rules.map(({ source, text: line }) => `${source.line}: ${line}`),
    problems: problems.map(noteText),
  };
}

describe("parseRedirectCsv", () => {
  it.each([
    ["/a,/b\n/c,/d,302\n", ["1: /a /b 301", "2: /c /d 302"]],
    ["source,target,status\r\n/a,/b,307\r\n", ["2: /a /b 307"]],
    ["\ufeffStatus_Code , New URL,notes,Old URL\n410,/gone,x,/a\n", ["2: /a /gone 410"]],
    [
      "source,destination,permanent\n/a,/b,true\n/c,/d,FALSE\n/e,/f,\n",
      ["2: /a /b 308", "3: /c /d 307", "4: /e /f 301"],
    ],
    ['\n"/a b","/c,d ""e""",301\n\n/x*y,/z\n', ['2: /a%20b /c,d%20"e" 301']],
    ["/a;/b;302\n/c;/d,e", ["1: /a /b 302", "2: /c /d,e 301"]],
    ["/a\t/b\n", ["1: /a /b 301"]],
    ["/p?id=5&l=,https://example.com/x?y=z#w\n", ["1: /p id=5 l= https://example.com/x?y=z#w 301"]],
    ["/blog/*,/news/:splat\n", ["1: /blog/* /news/:splat 301"]],
    ["", []],
    ["source,target\n", []],
    [",,\n/a,/b", ["2: /a /b 301"]],
  ])("reads %j", (text, rules) => {
    expect(read(text).rules).toEqual(rules);
  });

  it.each([
    [
      "/a,/b,301,\n/c,b\n",
      'r.csv:2: the rule "/c b" has a destination that is neither a path nor an http(s) URL',
    ],
    ["/a\n", 'the rule "/a" has no destination'],
    ["/a,/b,30x\n", 'r.csv:1: the rule "/a,/b,30x" has the status "30x", which is no status code'],
    ["/a,/b,299\n", "has the status 299; possible are"],
    ["source,target,permanent\n/a,/b,maybe\n", 'has the status "maybe"'],
    ["https://example.com/a,/b\n", "has a full URL as its source"],
    ["source,target\n,/b\n", "has no source"],
    ["/a?b=1&c=2&d=3,/b\n", "has 3 conditions on the query"],
    ["a,b,c\n/x,/y,z", 'r.csv:1: the header "a,b,c" has no column named source or from'],
    ['/a,/b\n/c,"/d\n', "is no CSV"],
    [`/a,/${"b".repeat(3_000)}\n`, "has more than 2000 characters"],
    [`/a,/${"b".repeat(20_000)}\n`, "is no CSV"],
  ])("refuses %j and says where and why", (text, problem) => {
    expect(read(text).problems).toEqual([expect.stringContaining(problem)]);
  });

  it("takes 10,000 lines", () => {
    const text = Array.from({ length: 10_000 }, (_, index) => `/old/${index},/new/${index}`).join("\n");
    const { rules, problems } = read(text);
    expect([rules.length, rules.at(-1), problems]).toEqual([10_000, "10000: /old/9999 /new/9999 301", []]);
  });

  test.prop([
    fc.array(
      fc.array(fc.oneof(fc.string(), fc.constantFrom("/a", "/b/:x", "301", "/a?x=1")), { maxLength: 4 }),
    ),
  ])("gives only rules that are the same when their text is read again", (cells) => {
    const text = cells
      .map((row) => row.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(","))
      .join("\n");
    for (const rule of parseRedirectCsv(text, "r.csv").rules) {
      const again = parseRedirects(rule.text, "r.csv").rules;
      expect(again).toEqual([{ ...rule, source: { file: "r.csv", line: 1 } }]);
    }
  });
});
