import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { lintService } from "../../src/deploy/lint/lint.ts";
import type { LintedService } from "../../src/deploy/lint/lint.ts";
import { computeContentOf } from "../../src/deploy/service/desired-compute.ts";
import { contentOf } from "../../src/deploy/service/desired.ts";
import { readRenderSources } from "../../src/render/render-sources.ts";
import { TEMPLATES, renderService } from "../../src/render/render.ts";
import { environmentOf } from "../../src/settings/environment.ts";
import { parseSettings } from "../../src/settings/schema.ts";
import { VARIABLES } from "../deploy/deploy-fixture.ts";

const SOURCES = readRenderSources(undefined, TEMPLATES);
const PACKAGE = { filesHash: "0".repeat(128), size: 1 };

/** Settings with one of their strings made of `text`; each lands in VCL, in the app's settings or in an object's name. */
const PLACES: readonly (readonly [name: string, change: (text: string) => object])[] = [
  ["s3.endpoint, whole", (text) => ({ s3: { endpoint: text } })],
  ["s3.endpoint, its host", (text) => ({ s3: { endpoint: `https://a${text}b.example.net` } })],
  ["s3.endpoint, behind its host", (text) => ({ s3: { endpoint: `https://s3.example.net/${text}` } })],
  ["s3.endpoint, a user", (text) => ({ s3: { endpoint: `https://${text}@s3.example.net` } })],
  ["s3.region", (text) => ({ s3: { region: text } })],
  ["s3.configBucket", (text) => ({ s3: { configBucket: text } })],
  ["s3.hostingBucket", (text) => ({ s3: { hostingBucket: `a${text}b` } })],
  ["hostSuffixes, a suffix", (text) => ({ hostSuffixes: { [`.${text}.example.net`]: "staging" } })],
  ["hostSuffixes, an environment", (text) => ({ hostSuffixes: { ".a.example.net": text } })],
  ["segmented.extensions", (text) => ({ segmented: { extensions: [text] } })],
  ["fastly.serviceName", (text) => ({ fastly: { serviceName: text } })],
  ["fastly.shield", (text) => ({ fastly: { shield: text } })],
  ["fastly.logEndpoint", (text) => ({ fastly: { logEndpoint: text } })],
  ["fastly.domains", (text) => ({ fastly: { domains: [`a${text}.example.net`] } })],
  ["fastly.settings.defaultHost", (text) => ({ fastly: { settings: { defaultHost: text } } })],
  ["fastly.acls, a name", (text) => ({ fastly: { acls: { [text]: ["192.0.2.1"] } } })],
  ["fastly.acls, a comment", (text) => ({ fastly: { acls: { a: [{ entry: "::1", comment: text }] } } })],
  ["fastly.dictionaries, a name", (text) => ({ fastly: { dictionaries: { [text]: { items: {} } } } })],
  [
    "fastly.dictionaries, an item",
    (text) => ({ fastly: { dictionaries: { a: { items: { [text]: text } } } } }),
  ],
  [
    "fastly.snippets, a name",
    (text) => ({ fastly: { snippets: [{ name: text, type: "recv", content: "# x" }] } }),
  ],
  ["verify.url", (text) => ({ verify: { url: `https://a${text}`, hostSuffix: "v.example.net" } })],
  ["verify.hostSuffix", (text) => ({ verify: { url: "https://a", hostSuffix: `${text}.example.net` } })],
];

interface Input {
  readonly target: "vcl" | "compute";
  readonly change: object;
}

function inputOf({ target, change }: Input): unknown {
  const given: Readonly<Record<string, object>> = { ...change };
  return {
    environments: {
      test: {
        target,
        ...given,
        fastly: { domains: ["*.example.net"], ...given["fastly"] },
        s3: { region: "us-east-1", configBucket: "a-config", hostingBucket: "a-hosting", ...given["s3"] },
      },
    },
  };
}

/** What ends a string, a line, a comment or a block in VCL or JSON, and what no VCL, header or UTF-8 can hold. */
const PIECES = [
  '"',
  '"}',
  '{"',
  "%0A",
  "%22",
  "\\",
  "\n",
  "\r",
  "\0",
  "\u007f",
  "\u0085",
  "\u2028",
  "\ud800",
  "é",
  "💥",
  "*/",
  "//",
  "#",
  ";",
  "}",
  "${x}",
  "{{ 7 }}",
  "{% raw %}",
  "..",
  "`",
  "'",
  "]]",
  "a.b",
  "127.1",
] as const;
const piece = fc.oneof(
  fc.constantFrom(...PIECES),
  fc.string({ unit: "binary", maxLength: 4 }),
  fc.stringMatching(/^[a-z0-9.-]{0,8}$/),
);
const hostile = fc.array(piece, { minLength: 1, maxLength: 4 }).map((parts) => parts.join(""));

/** Everything of a content that a program reads, or an object is called by. */
function textsOf(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [key, ...textsOf(inner)]);
}

/** Texts that were found without an error: most changes are of what is no VCL. */
const clean = new Set<string>();

function expectClean({ content, files, snippets, revision }: LintedService): void {
  const text = JSON.stringify(content.vcls).replaceAll(revision, "");
  if (clean.has(text)) return;
  const found = lintService({ content, files, snippets, revision });
  expect(found.filter(({ severity }) => severity === "error")).toEqual([]);
  clean.add(text);
}

function outcome({ target, change }: Input): "refused" | "rendered" {
  const parsed = parseSettings(inputOf({ target, change }));
  if (!("settings" in parsed)) return "refused";
  const environment = environmentOf(parsed.settings, "test", VARIABLES);
  if (target === "compute") {
    const { content } = computeContentOf(environment, PACKAGE);
    const item: unknown = JSON.parse(content.compute?.settings ?? "");
    expect(content.compute?.settings).toMatch(/^[\x20-\x7e]+$/);
    expect(item).toMatchObject({ environment: "test" });
    for (const { name } of content.compute?.stores ?? []) expect(name).toMatch(/^[A-Za-z0-9._-]{1,150}$/);
    for (const text of textsOf(content.backends)) expect(text).toMatch(/^[\x21-\x7e]*$/);
    return "rendered";
  }
  const rendered = renderService(environment, { sources: SOURCES });
  const content = contentOf(environment, rendered);
  for (const { content: text } of content.vcls) expect(text).toMatch(/^[\x20-\x7e\n]*$/);
  for (const text of textsOf(content.backends)) expect(text).toMatch(/^[\x21-\x7e]*$/);
  for (const text of textsOf(content)) expect(() => encodeURIComponent(text)).not.toThrow();
  expectClean({ ...rendered, content });
  return "rendered";
}

describe("a string of the settings", () => {
  it.each(PLACES)("(%s) is refused, or both targets hold it safely", { timeout: 60_000 }, (_, change) => {
    fc.assert(
      fc.property(hostile, fc.constantFrom("vcl", "compute"), (text, target) => {
        expect(["refused", "rendered"]).toContain(outcome({ target, change: change(text) }));
      }),
      { numRuns: 20 },
    );
  });

  it.each([
    'https://a"b.example.net',
    'https://a"}b.example.net',
    "https://user:secret@s3.example.net",
    "https://s3.example.net/store",
    "https://s3.example.net?x",
    "https://s3.example.net#x",
    "https://a`b.example.net",
    "ftp://s3.example.net",
    "s3.example.net",
  ])("is no endpoint of a store: %s", (endpoint) => {
    expect(outcome({ target: "vcl", change: { s3: { endpoint } } })).toBe("refused");
  });

  it.each([
    "http://minio:9000",
    "http://minio_1:9000/",
    "http://127.0.0.1:8082",
    "http://[::1]:8082",
    "https://S3.Example.net",
    "https://münchen.example",
  ])("is the endpoint of a store: %s", (endpoint) => {
    for (const target of ["vcl", "compute"] as const) {
      expect(outcome({ target, change: { s3: { endpoint } } })).toBe("rendered");
    }
  });

  it.each([
    ["https://s3.example.net/store", "https://s3.example.net"],
    ["https://s3.example.net:9000/?x#y", "https://s3.example.net:9000"],
    ["http://user:secret@[::1]:8082", "http://[::1]:8082"],
  ])("is told what to write in place of %s", (endpoint, instead) => {
    const message = `must be scheme, host and port alone: write \`${instead}\`, for a path, a query or a user would not be sent`;
    expect(parseSettings(inputOf({ target: "vcl", change: { s3: { endpoint } } }))).toEqual({
      issues: [{ path: "environments.test.s3.endpoint", message }],
    });
  });

  it("asks for the path style where the endpoint is an address", () => {
    const s3 = { endpoint: "http://127.0.0.1:8082", pathStyle: false };
    expect(parseSettings(inputOf({ target: "vcl", change: { s3 } }))).toEqual({
      issues: [
        { path: "environments.test.s3.pathStyle", message: "must be true with an address as `endpoint`" },
      ],
    });
  });
});
