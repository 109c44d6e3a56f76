import * as fc from "fast-check";
import type { BucketName, CaseRequest, CaseStep, EqualityCase, Mood } from "../equality-case.ts";
import { SETTINGS_COUNT } from "../settings.ts";
import { configFor, configs, ruleBucket } from "./configs.ts";
import { hostingObject } from "./objects.ts";
import { caseRequest, HOSTS } from "./requests.ts";

const wait = fc.oneof(
  { weight: 6, arbitrary: fc.constant(0) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      1,
      999,
      1_000,
      1_001,
      5_001,
      10_000,
      10_001,
      31_000,
      60_000,
      60_001,
      121_000,
      301_000,
      601_000,
      901_000,
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom(3_601_000, 86_401_000, 90_000_000) },
);

const purge = fc.oneof(
  { weight: 6, arbitrary: fc.constant<readonly string[]>([]) },
  {
    weight: 2,
    arbitrary: fc.uniqueArray(
      fc.constantFrom(
        "all",
        "s:blog",
        "c:blog",
        "d:www.example.com",
        "env:production",
        "r:blog/1",
        "r:blog/2",
        "s:shop",
        "d:unknown.example.com",
      ),
      { minLength: 1, maxLength: 2 },
    ),
  },
);

const moods = fc.oneof(
  { weight: 7, arbitrary: fc.constant({}) },
  {
    weight: 2,
    arbitrary: fc
      .uniqueArray(
        fc.tuple(
          fc.constantFrom<BucketName>("config", "hosting", "hosting", "config_second", "hosting_second"),
          fc.constantFrom<Mood>("403", "500", "503", "timeout", "refused", "empty"),
        ),
        { minLength: 1, maxLength: 3, selector: ([bucket]) => bucket },
      )
      .map((all): Partial<Record<BucketName, Mood>> => Object.fromEntries(all)),
  },
);

/** A request of its own, or what was asked before, as it was or with another one's headers. */
type Question =
  { readonly kind: "new" | "headers"; readonly request: CaseRequest } | { readonly kind: "again" };

const question: fc.Arbitrary<Question> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("new" as const), request: caseRequest }) },
  { weight: 3, arbitrary: fc.constant<Question>({ kind: "again" }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("headers" as const), request: caseRequest }) },
);

const put = fc.oneof(
  { weight: 10, arbitrary: fc.constant(null) },
  { weight: 1, arbitrary: hostingObject },
  { weight: 1, arbitrary: configFor(HOSTS[0]) },
);

const step = fc.record({ wait, purge, isSoft: fc.boolean(), put, moods, question });

function stepsOf(
  all: readonly (Omit<CaseStep, "request"> & { readonly question: Question })[],
): readonly CaseStep[] {
  const steps: CaseStep[] = [];
  for (const { question: asked, ...before } of all) {
    const last = steps.at(-1)?.request;
    if (asked.kind === "again") {
      if (last !== undefined) steps.push({ ...before, request: last });
    } else if (asked.kind === "headers" && last !== undefined) {
      const { host, target } = last;
      steps.push({ ...before, request: { ...asked.request, host, target } });
    } else steps.push({ ...before, request: asked.request });
  }
  return steps;
}

/** Cases, which shrink to few objects, few steps and short requests. */
export const equalityCase: fc.Arbitrary<EqualityCase> = fc
  .record({
    setting: fc.nat({ max: SETTINGS_COUNT - 1 }),
    configs,
    pages: fc.array(hostingObject, { maxLength: 45, size: "max" }),
    buckets: fc.array(ruleBucket, { maxLength: 3 }),
    steps: fc.array(step, { minLength: 1, maxLength: 8, size: "max" }),
  })
  .map(({ setting, configs: hosts, pages, buckets, steps }) => ({
    setting,
    objects: [...hosts, ...pages, ...buckets],
    steps: stepsOf(steps),
  }));
