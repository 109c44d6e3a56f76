import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import type { VersionStep } from "../../../src/deploy/plan/deploy-plan.ts";
import { planContent } from "../../../src/deploy/plan/plan-content.ts";
import { EMPTY_COMPUTE } from "../../../src/deploy/service/compute-content.ts";
import { sortContent } from "../../../src/deploy/service/service-content.ts";
import type { ServiceContent } from "../../../src/deploy/service/service-content.ts";
import { backend, healthcheck } from "../../../src/fastly/wire.ts";
import { assertNever } from "../../../src/lib/errors.ts";
import { desiredWith, environmentWith } from "../deploy-fixture.ts";

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
    case "put-package":
      return { ...content, compute: { ...(content.compute ?? EMPTY_COMPUTE), package: step.package } };
    case "put-app-settings":
      throw new Error("which version a content is of is decided elsewhere");
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
    case "link": {
      const compute = content.compute ?? EMPTY_COMPUTE;
      const links = [...without(compute.links, step.object.name), step.object];
      return { ...content, compute: { ...compute, links } };
    }
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
    compute: fc.record({
      package: fc.constantFrom({ filesHash: "1", size: 1 }, { filesHash: "2", size: 1 }),
      stores: fc.constant([]),
      // Links are never dropped: those of others stay.
      links: fc.constantFrom("one", "two").map((store) => [{ name: "settings", store }]),
      settings: fc.constant(null),
    }),
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
