import { describe, expect, it } from "vitest";
import { desiredCompute } from "../../src/deploy/service/desired-compute.ts";
import { environmentOf } from "../../src/settings/environment.ts";
import { parseSettings } from "../../src/settings/schema.ts";
import { desiredWith } from "../deploy/deploy-fixture.ts";
import { packageWith } from "../deploy/compute/compute-fixture.ts";

const COMPUTE = {
  target: "compute",
  fastly: { domains: ["*.example.com"] },
  s3: { region: "us-east-1", configBucket: "a-config", hostingBucket: "a-hosting" },
};
const VARIABLES = {
  SITEFLEET_EDGE_S3_KEY: "id:secret-of-the-edge",
  SITEFLEET_CONFIG_SEGMENT: "hidden-segment",
};

/** What is wrong with a Compute environment, changed so; `path: message`. */
function issuesWith(change: object): readonly string[] {
  const result = parseSettings({ environments: { test: { ...COMPUTE, ...change } } });
  if (!("issues" in result)) return [];
  return result.issues.map(({ path, message }) => `${path.replace("environments.test.", "")}: ${message}`);
}

/** What a deploy of it tells. */
async function notesWith(change: object, edge?: object): Promise<readonly string[]> {
  const input = { environments: { test: { ...COMPUTE, ...change } }, ...(edge ? { edge } : {}) };
  const result = parseSettings(input);
  if (!("settings" in result)) throw new Error(JSON.stringify(result.issues));
  const environment = environmentOf(
    edge ? { ...result.settings, edgeFolder: { path: "/team/edge", label: "edge" } } : result.settings,
    "test",
    VARIABLES,
  );
  return desiredCompute(environment, await packageWith("")).notes;
}

describe("the settings of a Compute service", () => {
  it("need no more than the target, and have the HTTP cache unless they say otherwise", () => {
    const parsed = parseSettings({ environments: { test: COMPUTE } });
    expect(parsed).toMatchObject({
      settings: { environments: { test: { target: "compute", compute: { httpCache: true } } } },
    });
    expect(issuesWith({ compute: {} })).toEqual([]);
    expect(issuesWith({ compute: { httpCache: false } })).toEqual([]);
  });

  it.each([
    [{ target: "wasm" }, /^target: /],
    [{ target: "Compute" }, /^target: /],
    [{ target: null }, /^target: /],
    [{ compute: true }, /^compute: /],
    [{ compute: null }, /^compute: /],
    [{ compute: { httpCache: "no" } }, /^compute\.httpCache: /],
    [{ compute: { httpCache: 0 } }, /^compute\.httpCache: /],
    [{ compute: { httpcache: false } }, /^compute: .*httpcache/],
    [{ compute: { httpCache: true, package: "mine.tar.gz" } }, /^compute: .*package/],
    [{ httpCache: false }, /^: .*httpCache/],
    [{ fastly: { ...COMPUTE.fastly, target: "compute" } }, /^fastly: .*target/],
  ])("refuse %j", (change, message) => {
    expect(issuesWith(change).map((issue) => issue.replace(/^environments\.test: /, ": "))).toEqual([
      expect.stringMatching(message),
    ]);
  });
});

describe("where a Compute service is verified", () => {
  const at = (url: string, more: object = {}): readonly string[] =>
    issuesWith({ verify: { url, hostSuffix: "verify.example.com", ...more } });

  it("is reached over TLS", () => {
    expect(at("https://verify.example.com")).toEqual([]);
    expect(at("https://verify.example.com", { edges: ["https://192.0.2.1"], ca: "ca.pem" })).toEqual([]);
  });

  it("is not reached over plain HTTP, which is always redirected, and the same holds for further addresses", () => {
    const why =
      "must begin with https://, because Fastly redirects all plain HTTP of a Compute service with 308";
    expect(at("http://verify.example.com")).toEqual([`verify.url: ${why}`]);
    expect(at("https://verify.example.com", { edges: ["https://192.0.2.1", "http://192.0.2.2"] })).toEqual([
      `verify.edges.1: ${why}`,
    ]);
  });

  it("is the TLS port of a mirror, which is named with its authority", () => {
    expect(at("http://127.0.0.1:8080")).toEqual([
      "verify.url: must begin with https://, because Fastly redirects all plain HTTP of a Compute service with 308, and so does a mirror: give its TLS port, such as https://127.0.0.1:8443, and its authority as `ca`",
    ]);
  });

  it("may be plain HTTP for VCL", () => {
    expect(
      issuesWith({ target: "vcl", verify: { url: "http://127.0.0.1:8080", hostSuffix: "v.example.com" } }),
    ).toEqual([]);
  });

  it.each(["", "a\nb", "a\0b", 7])("has no authority in a file %j", (ca) => {
    expect(at("https://verify.example.com", { ca })).toEqual([expect.stringMatching(/^verify\.ca: /)]);
  });
});

describe("settings that only one target acts by", () => {
  const vclOnly = {
    shield: "iad-va-us",
    settings: { defaultTtl: 60 },
    acls: { office: ["192.0.2.0/24"] },
    dictionaries: { flags: { items: { a: "1" } } },
    snippets: [{ name: "one", type: "recv", content: "# x" }],
    logging: { kind: "syslog", fields: { address: "logs.example.net", format: "%h", placement: "none" } },
  };

  it("are each told with every plan of a Compute service", async () => {
    const notes = await notesWith({ fastly: { ...COMPUTE.fastly, ...vclOnly } }, { templates: "./edge" });
    expect(notes.map((note) => /^no effect with target "compute": `([^`]+)`/.exec(note)?.[1])).toEqual([
      "fastly.shield",
      "fastly.snippets",
      "edge.templates",
      "fastly.dictionaries",
      "fastly.acls",
      "fastly.settings",
      "fastly.logging.fields",
    ]);
    expect(notes.at(-1)).toContain('"format", "placement"');
  });

  it("are none where nothing of the kind is set", async () => {
    expect(await notesWith({})).toEqual([]);
  });

  it("are told of a VCL service too", () => {
    const parsed = parseSettings({
      environments: { test: { ...COMPUTE, target: "vcl", compute: { httpCache: false } } },
    });
    if (!("settings" in parsed)) throw new Error("refused");
    const environment = environmentOf(parsed.settings, "test", VARIABLES);
    expect(desiredWith(undefined, environment).notes).toEqual([
      'no effect with target "vcl": `compute.httpCache`: a VCL service always has the cache',
    ]);
  });
});

describe("the environment `local`", () => {
  it("is the mirror, which no settings describe", () => {
    const result = parseSettings({ environments: { local: COMPUTE } });
    expect(result).toEqual({
      issues: [
        {
          path: "environments.local",
          message:
            "`local` is the mirror and needs no settings; `mirror up --target` says what its edge runs",
        },
      ],
    });
  });
});
