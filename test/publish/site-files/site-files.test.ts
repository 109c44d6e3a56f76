import { test } from "@fast-check/vitest";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { readSiteFiles } from "../../../src/publish/site-files/site-files.ts";
import { headersFor } from "../../../src/site/headers-file.ts";
import { noteText, parseRedirects } from "../../../src/site/redirects-file.ts";

function read(files: Readonly<Record<string, string>>): Readonly<Record<string, unknown>> {
  const site = readSiteFiles(new Map(Object.entries(files)));
  // What is kept of a rule is its text: read again as a line of `_redirects` it is the same rule.
  for (const rule of site.redirects) {
    const again = parseRedirects(rule.text, rule.source.file).rules;
    expect(again).toEqual([{ ...rule, source: { ...rule.source, line: 1 } }]);
  }
  return {
    rules: site.redirects.map(({ text, source }) => `${source.line}: ${text}`),
    headers: site.headers.map(
      ({ path, source, lines }) =>
        `${source.line}: ${path} ${lines.map(({ name, value }) => `${name}=${value ?? "!"}`).join(" ")}`,
    ),
    problems: site.problems.map(noteText),
    warnings: site.warnings.map(noteText),
    ...(site.trailingSlash === undefined ? {} : { trailingSlash: site.trailingSlash }),
    ...(site.publishDir === undefined ? {} : { publishDir: site.publishDir }),
  };
}

const nothing = { rules: [], headers: [], problems: [], warnings: [] };

describe("readSiteFiles", () => {
  it("finds nothing where there is nothing", () => {
    expect(read({})).toEqual(nothing);
    expect(read({ _redirects: "", _headers: "", "netlify.toml": "" })).toEqual(nothing);
    expect(read({ "vercel.json": "{}" })).toEqual(nothing);
  });

  it("tries `_redirects` before netlify.toml, and lets the headers of the latter win", () => {
    const files = {
      "netlify.toml":
        '[[redirects]]\nfrom = "/b"\nto = "/c"\n[[headers]]\nfor = "/*"\nvalues = { X-A = "toml" }\n',
      _redirects: "/a /b",
      _headers: "/*\n X-A: file\n X-B: file",
    };
    expect(read(files)).toMatchObject({ rules: ["1: /a /b", "1: /b /c 301"] });
    const { headers } = readSiteFiles(new Map(Object.entries(files)));
    expect(headersFor(headers, "x.js").extra).toEqual([
      { kind: "set", name: "X-A", value: "toml" },
      { kind: "set", name: "X-B", value: "file" },
    ]);
  });

  it("does not read a vercel.json beside the files of another host", () => {
    expect(read({ _headers: "", "vercel.json": "{" })).toEqual({
      ...nothing,
      warnings: ['vercel.json:1: the setting "vercel.json" is not read beside _headers'],
    });
  });
});

describe("netlify.toml", () => {
  it("is read with all fields that a built site has, and their old names", () => {
    const text = `
[build]
  base = "packages/site/"
  publish = "./dist"
  command = "npm run build"
[[redirects]]
  from = "/old/*"
  to = "/new/:splat"
  status = 302
  force = true
  query = { id = ":id", lang = "d e" }
# [[redirects]]
[[redirects]]
  origin = "/a b"
  destination = "https://example.com/"
  params = { x = "1" }
  conditions = {}
[[redirects]]
  from = "/app/*"
  status = 200
[[headers]]
  for = "/*"
  [headers.values]
    X-Frame-Options = "DENY"
    cache-control = '''
    max-age=0,
    [[headers]]
    no-cache'''
[[headers]]
  for = "/x"
  values = { Link = ["</a>", "</b>"], X-N = 1 }
`;
    expect(read({ "netlify.toml": text })).toEqual({
      ...nothing,
      publishDir: "packages/site/dist",
      rules: [
        "6: /old/* id=:id lang=d%20e /new/:splat 302!",
        "13: /a%20b x=1 https://example.com/ 301",
        "18: /app/* /app/:splat 200",
      ],
      headers: [
        "21: /* X-Frame-Options=DENY cache-control=max-age=0, [[headers]] no-cache",
        "29: /x Link=</a>, </b> X-N=1",
      ],
    });
  });

  it.each([
    [
      '[[redirects]]\nfrom = "/a"\nto = "/b"\n[redirects.conditions]\nCountry = ["DE"]',
      'netlify.toml:1: the rule "/a /b" has the condition "Country=DE"',
    ],
    [
      '[[redirects]]\nfrom = "/a"\nto = "/b"\nsigned = "KEY"',
      'has "signed"; signing is for requests to other hosts',
    ],
    [
      '[[redirects]]\nfrom = "/a"\nto = "/b"\nheaders = { X = "1" }',
      "has `headers`, which are for requests to other hosts",
    ],
    [
      '[[redirects]]\nfrom = "/a"\nto = "https://api.example.com/"\nstatus = 200',
      "would fetch another host's page",
    ],
    ['[[redirects]]\nfrom = "/a"\nto = "/b"\nstatus = 305', "has the status 305; possible are"],
    ['[[redirects]]\nfrom = "/a"\nto = "b"', "has a destination that is neither a path nor an http(s) URL"],
    ['[[redirects]]\nfrom = "/a"', 'the rule "/a" has no destination'],
    ['[[redirects]]\nfrom = ""\nto = "/b"', "has no source"],
    [
      '\n[[redirects]]\nto = "/b"',
      'netlify.toml:2: the rule "(no path)" has a field that is missing or of the wrong kind: from',
    ],
    ['[[redirects]]\nfrom = "/a"\nto = "/b"\nstatus = "301"', "of the wrong kind: status"],
    ['redirects = "x"', 'the setting "redirects" is no list of tables'],
    ['x = 1\nredirects = [{ from = "/a", to = "b" }]', "netlify.toml:2:"],
    [
      '[[headers]]\nfor = "/a"\nvalues = { Set-Cookie = "a" }',
      'the header "Set-Cookie: a" would give one visitor\'s cookie to all',
    ],
    ['[[headers]]\nfor = "/a"', 'the header "/a" has a field that is missing or of the wrong kind: values'],
    ['[build]\npublish = "../x"', 'the setting "publish = "../x"" leads out of the folder'],
    ["[build]\npublish = 1", 'the setting "build" has a field that is no text'],
    ["a = 1\nb = = 2", 'netlify.toml:2: the setting "b = = 2" cannot be read'],
    ["[__proto__]\nx = 1", "netlify.toml:1:"],
  ])("refuses %j and says where and why", (text, problem) => {
    expect(read({ "netlify.toml": text })["problems"]).toEqual([expect.stringContaining(problem)]);
  });

  it("warns of what has no effect, and never fails for it", () => {
    const text = `
speed = 1
[context.production.environment]
  A = "b"
[[context.deploy-preview.redirects]]
  from = "/a"
  to = "/b"
[functions]
  node_bundler = "esbuild"
[[edge_functions]]
  path = "/x"
[[redirects]]
  from = "/a"
  to = "/b"
  color = "red"
`;
    expect(read({ "netlify.toml": text })).toEqual({
      ...nothing,
      rules: ["12: /a /b 301"],
      warnings: [
        'netlify.toml:1: the setting "speed" is not known',
        'netlify.toml:1: the setting "functions" has no effect: a static site runs no code',
        'netlify.toml:1: the setting "edge_functions" has no effect: a static site runs no code',
        'netlify.toml:1: the setting "context.deploy-preview.redirects" has no effect: rules are for every context',
        'netlify.toml:12: the setting "color" is not known here',
      ],
    });
  });

  test.prop([
    fc.string(),
    fc.string({ unit: fc.constantFrom("[", "]", "=", '"', "'", "\n", "a", "redirects", "#", ".") }),
  ])("ends in problems, not in a crash, whatever it holds", (one, other) => {
    for (const text of [one, other]) read({ "netlify.toml": text });
  });
});

describe("vercel.json", () => {
  it("is read with all members that a built site has", () => {
    const text = `{
  "$schema": "https://openapi.vercel.sh/vercel.json",
  "cleanUrls": true, "trailingSlash": false, "outputDirectory": "out",
  "redirects": [
    { "source": "/a", "destination": "/b" },
    { "source": "/c/:id", "destination": "/d/:id?x={[,", "permanent": false },
    {
      "source": "/e/:path*", "destination": "https://example.com/:path*", "statusCode": 301
    }, { "source": "/f/(.*)", "destination": "/g/$1" },
    { "source": "/h/:rest(.*)", "destination": "/i/:rest", "has": [
      { "type": "query", "key": "id", "value": "(?<id>.*)" }, { "type": "query", "key": "l", "value": "d/e" } ] }
  ],
  "rewrites": [{ "source": "/(.*)", "destination": "/index.html" }],
  "headers": [
    { "source": "/(.*).js", "headers": [{ "key": "X-A", "value": "1" }, { "key": "Cache-Control", "value": "no-cache" }] },
    { "source": "/x/:path*", "headers": [{ "key": "X-B", "value": "2" }] }
  ]
}`;
    expect(read({ "vercel.json": text })).toEqual({
      ...nothing,
      trailingSlash: "drop",
      publishDir: "out",
      rules: [
        "5: /a /b 308!",
        "6: /c/:id /d/:id?x={[, 307!",
        "7: /e/* https://example.com/:splat 301!",
        "9: /f/* /g/:splat 308!",
        "10: /h/* id=:id l=d%2Fe /i/:splat 308!",
        "13: /* /index.html 200",
      ],
      headers: ["15: /*.js X-A=1 Cache-Control=no-cache", "16: /x/* X-B=2"],
    });
  });

  it.each([
    [{ trailingSlash: true }, "force"],
    [{ cleanUrls: false }, "none"],
    [{ cleanUrls: true }, undefined],
  ])("%j means the policy %s", (settings, policy) => {
    expect(read({ "vercel.json": JSON.stringify(settings) })["trailingSlash"]).toBe(policy);
  });

  it.each([
    [{ source: "/a/:id(\\d+)", destination: "/b" }, "has a regular expression at character 7 of its source"],
    [{ source: "/a/:id?", destination: "/b" }, "has `?` at character 7"],
    [{ source: "/:x*/b", destination: "/b" }, "has `*` at character 4"],
    [{ source: "/a/:x+", destination: "/b" }, "has `+` at character 6"],
    [{ source: "/((?!api/).*)", destination: "/b" }, "has a regular expression at character 2"],
    [{ source: "/a{/}?", destination: "/b" }, "has `{` at character 3"],
    [{ source: "a", destination: "/b" }, "has a source that does not begin with `/`"],
    [{ source: "/a", destination: "/b/$1" }, 'uses "$1", which its source does not capture'],
    [{ source: "/a/(.*)", destination: "/b/$2" }, 'uses "$2"'],
    [{ source: "/a", destination: "/b/:c" }, undefined],
    [{ source: "/:a", destination: "/b/:c" }, 'uses ":c", which its source does not capture'],
    [{ source: "/a", destination: "b" }, "has a destination that is neither a path nor an http(s) URL"],
    [{ source: "/a", destination: "/b", has: [{ type: "cookie", key: "x" }] }, "asks for a cookie"],
    [{ source: "/a", destination: "/b", has: [{ type: "query", key: "x" }] }, "by more than a text"],
    [
      { source: "/a", destination: "/b", has: [{ type: "query", key: "x", value: "a|b" }] },
      "by more than a text",
    ],
    [{ source: "/a", destination: "/b", missing: [{ type: "query", key: "x" }] }, "has `missing` (query)"],
    [{ source: "/a" }, "of the wrong kind: destination"],
    [5, "of the wrong kind"],
  ])("takes the redirect %j or says why not", (item, problem) => {
    const found = read({ "vercel.json": JSON.stringify({ redirects: [item] }, null, 1) })["problems"];
    expect(found).toEqual(problem === undefined ? [] : [expect.stringContaining(problem)]);
  });

  it.each([
    [
      '{\n "rewrites": [{ "source": "/a", "destination": "https://x.example/" }] }',
      "vercel.json:2: the rule",
    ],
    [
      '{ "headers": [{ "source": "/a", "headers": [], "has": [{ "type": "host", "value": "x" }] }] }',
      "asks for a host; a file has the same headers for everyone",
    ],
    ['{ "headers": [{ "source": "/a(b|c)", "headers": [] }] }', "has a regular expression at character 3"],
    [
      '{ "headers": [{ "source": "/a", "headers": [{ "key": "Vary", "value": "Cookie" }] }] }',
      "is set by the edge",
    ],
    ['{ "headers": [{ "source": "/a" }] }', "of the wrong kind: headers"],
    ['{ "redirects": {} }', 'the setting "redirects" is no list'],
    ['{ "routes": [] }', 'the setting "routes" is the old form'],
    ['{ "cleanUrls": "yes" }', 'the setting "cleanUrls" is of the wrong kind'],
    ['{ "outputDirectory": "a/../.." }', "leads out of the folder"],
    ["[]", "is of the wrong kind"],
    ["{\n  x\n}", "vercel.json:2:"],
    ["", "vercel.json:1:"],
  ])("refuses %j and says where and why", (text, problem) => {
    expect(read({ "vercel.json": text })["problems"]).toEqual([expect.stringContaining(problem)]);
  });

  it("warns of what has no effect", () => {
    expect(read({ "vercel.json": '{"functions":{},"speed":1,"framework":"astro"}' })["warnings"]).toEqual([
      'vercel.json:1: the setting "functions" has no effect: a static site runs no code',
      'vercel.json:1: the setting "speed" is not known',
    ]);
  });

  test.prop([fc.json(), fc.constantFrom("redirects", "rewrites", "headers", "cleanUrls")])(
    "ends in problems, not in a crash, whatever it holds",
    (value, name) => {
      read({ "vercel.json": value });
      read({ "vercel.json": `{"${name}":${value}}` });
      read({ "vercel.json": `{"${name}":[${value}]}` });
    },
  );
});
