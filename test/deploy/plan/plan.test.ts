import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import type { VersionStep } from "../../../src/deploy/plan/deploy-plan.ts";
import { desiredService } from "../../../src/deploy/service/desired.ts";
import type { LiveService } from "../../../src/deploy/live/live.ts";
import { formatPlanFile, parsePlanFile } from "../../../src/deploy/plan/plan-file.ts";
import { formatPlan } from "../../../src/deploy/plan/plan-text.ts";
import { planContent } from "../../../src/deploy/plan/plan-content.ts";
import { planDeploy } from "../../../src/deploy/plan/plan.ts";
import { sortContent } from "../../../src/deploy/service/service-content.ts";
import type { ServiceContent } from "../../../src/deploy/service/service-content.ts";
import { digestContent, formatStamp, ownStamp, parseStamp } from "../../../src/deploy/live/stamp.ts";
import {
  NO_RECORD,
  digestItems,
  digestMatches,
  formatJournal,
  formatRecord,
  parseState,
} from "../../../src/deploy/live/state.ts";
import { backend, healthcheck } from "../../../src/fastly/wire.ts";
import { Secret } from "../../../src/lib/secret.ts";
import { assertNever } from "../../../src/lib/errors.ts";
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
    foreign: [],
    ...change,
  };
}

function activeOf(live: LiveService): NonNullable<LiveService["active"]> {
  if (!live.active) throw new Error("nothing is live");
  return live.active;
}

/** Carries steps out on content, as Fastly would. */
function carryOut(content: ServiceContent, steps: readonly VersionStep[]): ServiceContent {
  return sortContent(steps.reduce(carryOutOne, content));
}

function without<T extends { readonly name: string }>(list: readonly T[], name: string): T[] {
  return list.filter((object) => object.name !== name);
}

function carryOutOne(content: ServiceContent, step: VersionStep): ServiceContent {
  switch (step.do) {
    case "put":
      return putInto(content, step);
    case "drop":
      return dropFrom(content, step);
    case "set-main":
      return { ...content, vcls: content.vcls.map((file) => ({ ...file, main: file.name === step.name })) };
    case "put-settings":
      return { ...content, settings: step.settings };
    default:
      return assertNever(step);
  }
}

function putInto(content: ServiceContent, step: Extract<VersionStep, { do: "put" }>): ServiceContent {
  switch (step.kind) {
    case "vcl": {
      const main = content.vcls.find(({ name }) => name === step.object.name)?.main ?? false;
      return { ...content, vcls: [...without(content.vcls, step.object.name), { ...step.object, main }] };
    }
    case "backend":
      return { ...content, backends: [...without(content.backends, step.object.name), step.object] };
    case "healthcheck":
      return { ...content, healthchecks: [...without(content.healthchecks, step.object.name), step.object] };
    case "domain":
      return { ...content, domains: [...content.domains, step.object.name] };
    case "dictionary":
      return { ...content, dictionaries: [...without(content.dictionaries, step.object.name), step.object] };
    case "acl": {
      const acl = { ...step.object, entries: [] };
      return { ...content, acls: [...without(content.acls, step.object.name), acl] };
    }
    case "snippet":
      return { ...content, snippets: [...without(content.snippets, step.object.name), step.object] };
    case "logging":
      return { ...content, loggings: [...withoutLogging(content, step.object), step.object] };
    default:
      return assertNever(step);
  }
}

function withoutLogging(
  { loggings }: ServiceContent,
  gone: { readonly kind: string; readonly name: string },
): ServiceContent["loggings"] {
  return loggings.filter(({ kind, name }) => kind !== gone.kind || name !== gone.name);
}

function dropFrom(content: ServiceContent, step: Extract<VersionStep, { do: "drop" }>): ServiceContent {
  const { name } = step;
  if (step.kind === "logging") {
    return { ...content, loggings: withoutLogging(content, { kind: step.endpoint, name }) };
  }
  return {
    ...content,
    vcls: step.kind === "vcl" ? without(content.vcls, name) : content.vcls,
    backends: step.kind === "backend" ? without(content.backends, name) : content.backends,
    healthchecks: step.kind === "healthcheck" ? without(content.healthchecks, name) : content.healthchecks,
    domains: step.kind === "domain" ? content.domains.filter((domain) => domain !== name) : content.domains,
    dictionaries: step.kind === "dictionary" ? without(content.dictionaries, name) : content.dictionaries,
    acls: step.kind === "acl" ? without(content.acls, name) : content.acls,
    snippets: step.kind === "snippet" ? without(content.snippets, name) : content.snippets,
  };
}

const name = fc.constantFrom("a", "b", "c", "d");
const named = <T>(make: (name: string) => fc.Arbitrary<T>) =>
  fc.uniqueArray(name, { maxLength: 4 }).chain((names) => fc.tuple(...names.map(make)));
const arbitraryContent = fc
  .record({
    vcls: named((file) =>
      fc.record({ name: fc.constant(file), content: fc.string(), main: fc.constant(false) }),
    ),
    main: fc.nat(),
    backends: named((one) =>
      fc
        .record({ port: fc.integer({ min: 1, max: 3 }), use_ssl: fc.boolean(), shield: name })
        .map((fields) => backend.parse({ name: one, address: "192.0.2.1", ...fields })),
    ),
    healthchecks: named((one) =>
      fc.nat(3).map((threshold) => healthcheck.parse({ name: one, threshold, path: "/", method: "HEAD" })),
    ),
    domains: fc.uniqueArray(name),
    dictionaries: named((one) => fc.boolean().map((write_only) => ({ name: one, write_only }))),
    acls: named((one) => fc.constant({ name: one, entries: [] })),
    snippets: named((one) =>
      fc.record({
        name: fc.constant(one),
        type: fc.constantFrom("recv", "deliver"),
        dynamic: fc.boolean(),
        priority: fc.nat(3),
        content: fc.string(),
      }),
    ),
    loggings: named((one) =>
      fc.record({
        kind: fc.constantFrom("s3", "https"),
        name: fc.constant(one),
        fields: fc.constantFrom({ path: "/a" }, { path: "/b" }, { path: { env: "LOG_PATH" } }),
      }),
    ),
    ttl: fc.nat(5),
  })
  .map(({ main, ttl, vcls, ...rest }) =>
    sortContent({
      ...rest,
      vcls: vcls.map((file, i) => ({ ...file, main: i === main % Math.max(1, vcls.length) })),
      settings: { "general.default_ttl": ttl, "general.default_host": "", "general.stale_if_error": false },
    }),
  );

function sharedNames({ acls, dictionaries, snippets, loggings }: ServiceContent): readonly string[] {
  return [
    ...acls.map((one) => `acl/${one.name}`),
    ...dictionaries.map((one) => `dictionary/${one.name}`),
    ...snippets.map((one) => `snippet/${one.name}`),
    ...loggings.map((one) => `logging/${one.kind}/${one.name}`),
  ];
}

describe("planContent", () => {
  test.prop([arbitraryContent, arbitraryContent])(
    "leads from any content to any other",
    (target, current) => {
      const all = new Set(sharedNames(current));
      const reached = carryOut(current, planContent(target, current, all));
      expect(reached).toEqual(target);
      expect(planContent(target, reached, all)).toEqual([]);
    },
  );

  test.prop([arbitraryContent, arbitraryContent])(
    "leaves alone what others made in the kinds that they make too",
    (target, current) => {
      const reached = new Set(sharedNames(carryOut(current, planContent(target, current))));
      const taken = new Set(target.loggings.map(({ name }) => name));
      for (const name of sharedNames(current)) {
        // Endpoints of all kinds share their names.
        if (!taken.has(name.replace(/^logging\/[a-z0-9]+\//, ""))) expect(reached).toContain(name);
      }
    },
  );

  test.prop([arbitraryContent])("has nothing to do where all is as wanted", (content) => {
    expect(planContent(content, content)).toEqual([]);
  });

  it("makes health checks before the backends that name them, and drops them after", () => {
    const one = desiredWith().content;
    const second = {
      region: "eu-west-1",
      configBucket: "fleet-config-eu",
      hostingBucket: "fleet-hosting-eu",
    };
    const two = desiredWith("# one", environmentWith({ s3: { second } })).content;
    const kinds = (steps: readonly VersionStep[]) =>
      steps.map((step) => (step.do === "put" || step.do === "drop" ? `${step.do} ${step.kind}` : step.do));
    const up = kinds(planContent(two, one));
    expect(up.lastIndexOf("put healthcheck")).toBeLessThan(up.indexOf("put backend"));
    const down = kinds(planContent(one, two));
    expect(down.lastIndexOf("drop backend")).toBeLessThan(down.indexOf("drop healthcheck"));
    expect(down.indexOf("put backend")).toBeLessThan(down.indexOf("drop healthcheck"));
  });

  it("makes a dictionary anew when it is readable and must not be", () => {
    const target = desiredWith().content;
    const open = { name: "sitefleet_private", write_only: false };
    const current = { ...target, dictionaries: [open, ...target.dictionaries.slice(1)] };
    expect(planContent(target, current)).toEqual([
      { do: "drop", kind: "dictionary", name: "sitefleet_private" },
      {
        do: "put",
        kind: "dictionary",
        change: "create",
        object: { name: "sitefleet_private", write_only: true },
        changes: [],
      },
    ]);
  });
});

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
    expect(() => parsePlanFile(formatPlanFile(plan, other), from)).toThrow(
      expect.objectContaining({
        hint: expect.stringContaining('it is for environment "test": apply it there') as unknown,
      }) as Error,
    );
    const text = formatPlanFile(plan, sealFor()).replace("# one", "# hidden-config-segment");
    expect(() => parsePlanFile(text, from)).toThrow('"p.json" holds the value of a secret');
    const warned = { ...plan, warnings: ["hidden-config-segment"] };
    expect(() => formatPlanFile(warned, sealFor())).toThrow("the plan would hold the value of a secret");
  });
});

describe("what is kept at Fastly", () => {
  test.prop([
    fc.record({
      version: fc.integer({ min: 1, max: 1e6 }),
      from: fc.option(fc.integer({ min: 1, max: 1e6 })),
      revision: fc.stringMatching(/^[0-9a-f]{16}$/),
      content: fc.option(fc.stringMatching(/^[0-9a-f]{16}$/)),
      commit: fc.option(fc.stringMatching(/^[0-9a-f]{12}(-dirty)?$/)),
      by: fc.option(fc.stringMatching(/^[a-z0-9@.[\]-]{1,20}$/)),
    }),
  ])("a stamp comes back from a comment", (stamp) => {
    expect(parseStamp(formatStamp(stamp))).toEqual(stamp);
  });

  it("a stamp of before there were commits in it is read too", () => {
    expect(parseStamp("sitefleet 7 from none: revision abc")).toEqual({
      version: 7,
      from: null,
      revision: "abc",
      content: null,
      commit: null,
      by: null,
    });
  });

  test.prop([fc.array(fc.string({ maxLength: 80 }), { maxLength: 400 })])(
    "a record comes back from as many items as it takes",
    (owned) => {
      const record = { owned, written: owned, adopted: [], former: owned, kinds: [] };
      const items = formatRecord(record).map(({ key, value }) => ({ item_key: key, item_value: value }));
      for (const { item_value } of items) expect(item_value.length).toBeLessThanOrEqual(8_000);
      const longer = [...items, { item_key: "record_9999", item_value: "left of a longer one" }];
      expect(parseState(longer).record).toEqual(record);
    },
  );

  it.each(["", "1", "1 {", '2 {"owned":[],"written":[]', '1 {"owned":"x","written":[],"adopted":[]}'])(
    "a record of %j counts as none",
    (item_value) => {
      expect(parseState([{ item_key: "record", item_value }]).record).toEqual(NO_RECORD);
    },
  );

  it("a stamp that a clone copied is not its own", () => {
    const comment = stampOf(7);
    expect(ownStamp({ number: 7, comment })?.from).toBe(6);
    expect(ownStamp({ number: 8, comment })).toBeUndefined();
    expect(ownStamp({ number: 8, comment: "sitefleet 8" })).toBeUndefined();
  });

  it.each([
    "",
    "{",
    "null",
    '{"state":"done","version":1,"former":null}',
    '{"state":"verified","version":0,"former":null}',
  ])("a journal of %j counts as none", (item_value) => {
    expect(parseState([{ item_key: "journal", item_value }]).journal).toBeUndefined();
  });

  it("a journal comes back", () => {
    const journal = { state: "activating", version: 3, former: null } as const;
    expect(parseState([{ item_key: "journal", item_value: formatJournal(journal) }]).journal).toEqual(
      journal,
    );
  });

  test.prop([fc.array(fc.tuple(fc.string(), fc.string()), { minLength: 1 }), fc.nat()])(
    "a digest knows its items in any order, and no others",
    (pairs, index) => {
      const items = pairs.map(([key, value]) => ({ key, value: new Secret(value) }));
      const digest = digestItems(items, { dictionaryId: "d", salt: "s" });
      expect(digestMatches(digest, items, "d")).toBe(true);
      expect(digestMatches(digest, items, "other")).toBe(false);
      const at = index % items.length;
      const changed = items.map((item, i) =>
        i === at ? { ...item, value: new Secret(`${item.value.reveal()}x`) } : item,
      );
      expect(digestMatches(digest, changed, "d")).toBe(false);
    },
  );
});
