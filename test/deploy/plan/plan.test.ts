import { describe, expect, it } from "vitest";
import { desiredService } from "../../../src/deploy/service/desired.ts";
import type { LiveService } from "../../../src/deploy/live/live.ts";
import { formatPlanFile, parsePlanFile } from "../../../src/deploy/plan/plan-file.ts";
import { formatPlan } from "../../../src/deploy/plan/plan-text.ts";
import { planDeploy } from "../../../src/deploy/plan/plan.ts";
import { digestContent, formatStamp } from "../../../src/deploy/live/stamp.ts";
import { NO_RECORD, digestItems, parseState } from "../../../src/deploy/live/state.ts";
import { PRIVATE_DICTIONARY } from "../../../src/render/constants.ts";
import { VARIABLES, desiredWith, environmentWith, renderedWith, sealFor } from "../deploy-fixture.ts";

const DICTIONARIES = [
  { id: "private-id", name: "sitefleet_private", write_only: true },
  { id: "state-id", name: "sitefleet_state", write_only: false },
];

const SALTED = { dictionaryId: "private-id", salt: "5a17" };

function stampOf(version: number, content: string | null = null): string {
  return formatStamp({ version, from: version - 1, revision: "abc", content, commit: null, by: null });
}

/** A service on which everything is as wanted, but for what the test changes. */
function liveAs(body: string, change: Partial<LiveService> = {}): LiveService {
  const desired = desiredWith(body);
  return {
    id: "service-id",
    name: "fleet-test",
    versions: [],
    active: {
      number: 7,
      comment: stampOf(7, digestContent(desired.content)),
      content: desired.content,
      dictionaries: DICTIONARIES,
      acls: [],
      others: [],
    },
    written: desired.content,
    state: {
      digests: new Map([[PRIVATE_DICTIONARY, digestItems(desired.privateItems, SALTED)]]),
      journal: { state: "verified", version: 7, former: 6 },
      record: NO_RECORD,
    },
    stores: [],
    foreign: [],
    ...change,
  };
}

function activeOf(live: LiveService): NonNullable<LiveService["active"]> {
  if (!live.active) throw new Error("nothing is live");
  return live.active;
}

describe("planDeploy", () => {
  it("has no step when live is as wanted", () => {
    expect(planDeploy(desiredWith("# one"), liveAs("# one"))).toMatchObject({
      baseVersion: 7,
      service: { id: "service-id", name: "fleet-test" },
      steps: [],
      unverified: null,
      warnings: [],
      diffs: [],
    });
  });

  it("starts with the service where there is none", () => {
    const plan = planDeploy(desiredWith(), undefined);
    expect(plan.steps[0]).toEqual({ do: "create-service", name: "fleet-test" });
    expect(plan.steps.at(-1)).toMatchObject({ do: "put-private-items" });
    expect(plan.baseVersion).toBeNull();
  });

  it("names each field that differs", () => {
    const live = liveAs("# one");
    const active = activeOf(live);
    const backends = active.content.backends.map((one) => ({ ...one, first_byte_timeout: 1, shield: "" }));
    const changed = liveAs("# one", { active: { ...active, content: { ...active.content, backends } } });
    const plan = planDeploy(desiredWith("# one"), changed);
    expect(plan.steps).toHaveLength(2);
    expect(plan.steps[0]).toMatchObject({
      do: "put",
      change: "replace",
      changes: [
        { field: "shield", from: "", to: "iad-va-us" },
        { field: "first_byte_timeout", from: "1", to: "15000" },
      ],
    });
  });

  it("diffs VCL file by file, with the template line that each piece comes from", () => {
    const live = liveAs("# one");
    const active = activeOf(live);
    const vcls = active.content.vcls.map((file) =>
      file.name === "recv" ? { ...file, content: "sub sitefleet_recv {\n  esi;\n}\n" } : file,
    );
    const lines = [1, 2].map((line) => ({ template: "recv.vcl.njk", line: line * 10 }));
    const rendered = renderedWith("# one");
    const files = rendered.files.map((file) => (file.name === "recv" ? { ...file, lines } : file));
    const desired = desiredService(environmentWith(), { ...rendered, files });
    const plan = planDeploy(
      desired,
      liveAs("# one", { active: { ...active, content: { ...active.content, vcls } } }),
    );
    expect(plan.diffs).toEqual([
      {
        file: "recv",
        patch:
          "--- recv (version 7)\n+++ recv (rendered)\n@@ -1,3 +1,2 @@ (recv.vcl.njk:10)\n sub sitefleet_recv {\n-  esi;\n }\n",
        hunks: [
          {
            templates: [{ template: "recv.vcl.njk", line: 10 }],
            before: { start: 1, lines: 3 },
            after: { start: 1, lines: 2 },
            lines: [" sub sitefleet_recv {", "-  esi;", " }"],
          },
        ],
      },
    ]);
  });

  it.each([
    ["another secret", { ...VARIABLES, SITEFLEET_CONFIG_SEGMENT: "other-segment" }, {}],
    ["no digest", VARIABLES, { state: parseState([]) }],
    [
      "a digest of something else",
      VARIABLES,
      { state: parseState([{ item_key: "private_digest", item_value: "salt.0000" }]) },
    ],
  ])("writes the private items on %s", (_, variables, change) => {
    const desired = desiredService(environmentWith({}, variables), renderedWith("# one"));
    expect(planDeploy(desired, liveAs("# one", change)).steps).toEqual([
      {
        do: "put-private-items",
        dictionary: PRIVATE_DICTIONARY,
        keys: ["config_s3_key", "config_segment", "hosting_s3_key"],
        remove: [],
      },
    ]);
  });

  it("owes a verification only for the version that is live", () => {
    const journal = { state: "activating", version: 7, former: 6 } as const;
    const owing = liveAs("# one", { state: { ...liveAs("# one").state, journal } });
    expect(planDeploy(desiredWith("# one"), owing).unverified).toEqual({ version: 7, former: 6 });
    const other = liveAs("# one", { state: { ...owing.state, journal: { ...journal, version: 8 } } });
    expect(planDeploy(desiredWith("# one"), other).unverified).toBeNull();
  });

  it("refuses to render a secret into VCL", () => {
    const rendered = renderedWith('# "hidden-config-segment"');
    expect(() => desiredService(environmentWith(), rendered)).toThrow(
      '"main" contains the value of config_segment',
    );
    const half = renderedWith("# edge-s3-secret/with+signs");
    expect(() => desiredService(environmentWith(), half)).toThrow(
      '"main" contains the value of config_s3_key',
    );
  });
});

describe("the plan as text", () => {
  it("shows steps, fields, diffs, warnings and their number", () => {
    const live = liveAs("# one", { foreign: [{ kind: "snippets", names: ["x\u001b[31m"] }] });
    const text = formatPlan(planDeploy(desiredWith("# two"), live));
    expect(text).toBe(
      [
        'test: service "fleet-test" (service-id), version 7 is live',
        "",
        '  ~ vcl "main"',
        "",
        "--- main (version 7)",
        "+++ main (rendered)",
        "@@ -1,2 +1,2 @@",
        ' include "recv";',
        "-# one",
        "+# two",
        "",
        'warning: snippets "x\u{fffd}[31m": not made by sitefleet, kept, and they act inside its VCL through Fastly\'s macros',
        "",
        "1 change: 1 to change.",
      ].join("\n"),
    );
  });

  it("tells in one line where nothing differs but the revision, beside what does", () => {
    const body = (revision: string, more = ""): string =>
      `# fleet, revision ${revision}\n${"#\n".repeat(9)}${more}${"#\n".repeat(9)}set resp.http.R = "${revision}";`;
    const [old, fresh] = ["1a2b3c4d5e6f7a8b", "99aabbccddeeff00"];
    const desired = (text: string, revision: string) =>
      desiredService(environmentWith(), { ...renderedWith(text), revision });
    const base = liveAs("# one");
    const { content } = desired(body(old), old);
    const live = { ...base, active: { ...activeOf(base), content }, written: content };
    const only = formatPlan(planDeploy(desired(body(fresh), fresh), live));
    expect(only.split("\n").slice(2, -2)).toEqual([
      '  ~ vcl "main" (nothing but its revision)',
      "",
      "--- main (version 7)",
      "+++ main (rendered)",
      `@@ revision ${old} -> ${fresh} @@`,
    ]);
    const plan = planDeploy(desired(body(fresh, "# more\n"), fresh), live);
    const text = formatPlan(plan);
    expect(text).toContain('  ~ vcl "main"\n');
    expect(text).toContain(`@@ revision ${old} -> ${fresh} @@\n@@ -`);
    expect(text).toContain("\n+# more\n");
    expect(text).not.toContain(`+# fleet, revision ${fresh}`);
    // Machines get all of it.
    expect(plan.diffs[0]?.patch).toContain(`+# fleet, revision ${fresh}`);
  });

  it("tells a long text by the first line that differs", () => {
    const withText = (content: string) =>
      desiredWith(
        "# one",
        environmentWith({ fastly: { snippets: [{ name: "guard", type: "recv", content }] } }),
      );
    const base = liveAs("# one");
    const { content } = withText("# one\n# two\n# three");
    const live = { ...base, active: { ...activeOf(base), content }, written: content };
    expect(formatPlan(planDeploy(withText("# one\n# 2\n# three"), live))).toContain(
      "content (line 2): # two… -> # 2…\n",
    );
    expect(formatPlan(planDeploy(withText("# one\n# two"), live))).toContain(
      "content (line 2): # two… -> # two\n",
    );
  });

  it("says when there is nothing to do", () => {
    expect(formatPlan(planDeploy(desiredWith("# one"), liveAs("# one")))).toBe(
      'test: service "fleet-test" (service-id), version 7 is live\nNo changes.',
    );
  });
});

describe("a plan file", () => {
  const plan = planDeploy(desiredWith(), undefined);

  const from = { file: "p.json", ...sealFor() };

  it.each([
    ["no JSON", "{", "is not JSON"],
    ["another format", JSON.stringify({ ...plan, format: 1 }), "is not a deploy plan of format 2"],
    ["no seal", JSON.stringify(plan), "is not a deploy plan of format 2"],
    ["another's seal", JSON.stringify({ ...plan, seal: "0".repeat(64) }), "was changed after it was made"],
    ["an unknown step", JSON.stringify({ ...plan, steps: [{ do: "explode" }] }), "is not a deploy plan"],
    ["an unknown field", JSON.stringify({ ...plan, extra: 1 }), "is not a deploy plan"],
    ["a revision that is no word", JSON.stringify({ ...plan, revision: "a b" }), "is not a deploy plan"],
  ])("that is %s is refused", (_, text, message) => {
    expect(() => parsePlanFile(text, from)).toThrow(message);
  });

  it("gives back the same plan", () => {
    expect(parsePlanFile(formatPlanFile(plan, sealFor()), from)).toEqual(plan);
    const compact = JSON.stringify(JSON.parse(formatPlanFile(plan, sealFor())));
    expect(parsePlanFile(compact, from)).toEqual(plan);
  });

  it.each([
    ["another main VCL", (text: string) => text.replace("# one", "# two")],
    ["another base", (text: string) => text.replace('"baseVersion": null', '"baseVersion": 3')],
    ["drift that is overwritten", (text: string) => text.replace('"refuse"', '"overwrite"')],
  ])("that was changed to %s is refused", (_, change) => {
    const text = formatPlanFile(plan, sealFor());
    expect(change(text)).not.toBe(text);
    expect(() => parsePlanFile(change(text), from)).toThrow("was changed after it was made");
  });

  it("that was made with other secrets, or holds one, is refused", () => {
    const variables = { ...VARIABLES, SITEFLEET_CONFIG_SEGMENT: "other-segment" };
    const other = sealFor(desiredWith("# one", environmentWith({}, variables)));
    expect(() => parsePlanFile(formatPlanFile(plan, other), from)).toThrow("or made with other secrets");
    const text = formatPlanFile(plan, sealFor()).replace("# one", "# hidden-config-segment");
    expect(() => parsePlanFile(text, from)).toThrow('"p.json" holds the value of a secret');
    const warned = { ...plan, warnings: ["hidden-config-segment"] };
    expect(() => formatPlanFile(warned, sealFor())).toThrow("the plan would hold the value of a secret");
  });
});
