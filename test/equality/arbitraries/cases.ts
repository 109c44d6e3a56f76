import * as fc from "fast-check";
import type { BucketName, CaseObject, CaseRequest, CaseStep, EqualityCase, Mood } from "../equality-case.ts";
import { SETTINGS_COUNT } from "../settings.ts";
import { configFor, configs, guardedConfig, ruleBucket } from "./configs.ts";
import { hostingObject } from "./objects.ts";
import { spellings } from "./paths.ts";
import { caseRequest, HOSTS, RIGHT_PASSWORD, WRONG_PASSWORD } from "./requests.ts";

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

/** A request of its own, perhaps for a page that there is, or what was asked before, as it was or with other headers. */
type Question =
  | {
      readonly kind: "new";
      readonly request: CaseRequest;
      readonly page: number | null;
      readonly spelling: number;
    }
  | { readonly kind: "headers"; readonly request: CaseRequest }
  | { readonly kind: "again" };

const question: fc.Arbitrary<Question> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("new" as const),
      request: caseRequest,
      page: fc.option(fc.nat({ max: 99 }), { nil: null, freq: 3 }),
      spelling: fc.nat({ max: 9 }),
    }),
  },
  { weight: 3, arbitrary: fc.constant<Question>({ kind: "again" }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("headers" as const), request: caseRequest }) },
);

const put = fc.oneof(
  { weight: 10, arbitrary: fc.constant(null) },
  { weight: 1, arbitrary: hostingObject },
  { weight: 1, arbitrary: configFor(HOSTS[0]) },
);

const step = fc.record({ wait, purge, isSoft: fc.boolean(), put, moods, question });

type Step = Omit<CaseStep, "request"> & { readonly question: Question };

function stepsOf(all: readonly Step[], pages: readonly CaseObject[]): readonly CaseStep[] {
  const steps: CaseStep[] = [];
  for (const { question: asked, ...before } of all) {
    const request = requestOf(asked, { pages, last: steps.at(-1)?.request });
    if (request !== undefined) steps.push({ ...before, request });
  }
  return steps;
}

function requestOf(
  asked: Question,
  from: { readonly pages: readonly CaseObject[]; readonly last: CaseRequest | undefined },
): CaseRequest | undefined {
  const { pages, last } = from;
  if (asked.kind === "again") return last;
  if (asked.kind === "headers") {
    return last === undefined ? asked.request : { ...asked.request, host: last.host, target: last.target };
  }
  const page = asked.page === null ? undefined : pages[asked.page % Math.max(1, pages.length)];
  if (page === undefined) return asked.request;
  const ways = spellings(page.key.split("/").slice(4).join("/"));
  const query = /\?.*$/s.exec(asked.request.target)?.[0] ?? "";
  return { ...asked.request, target: `${ways[asked.spelling % ways.length] ?? "/"}${query}` };
}

const usualCase: fc.Arbitrary<EqualityCase> = fc
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
    steps: stepsOf(steps, pages),
  }));

/** Somebody guesses passwords until the edge no longer listens, and then knows it. */
const guessing: fc.Arbitrary<EqualityCase> = fc
  .record({
    setting: fc.nat({ max: SETTINGS_COUNT - 1 }),
    config: guardedConfig,
    page: hostingObject,
    guesses: fc.integer({ min: 18, max: 22 }),
    wait: fc.constantFrom(0, 1_000, 59_000, 61_000, 299_000, 301_000),
    last: caseRequest,
  })
  .map(({ setting, config, page, guesses, wait: pause, last }) => {
    const plain = { wait: 0, purge: [], isSoft: false, put: null, moods: {} };
    const request = { method: "GET", host: HOSTS[0], target: "/about", isTls: true };
    const guess = {
      ...plain,
      request: { ...request, headers: [["Authorization", WRONG_PASSWORD] as const] },
    };
    const right = { ...request, headers: [["Authorization", RIGHT_PASSWORD] as const] };
    const steps = Array.from({ length: guesses }, () => guess);
    return {
      setting,
      objects: [config, page],
      steps: [
        ...steps,
        { ...plain, request: right },
        { ...plain, wait: pause, request: right },
        { ...plain, request: { ...last, host: HOSTS[0] } },
      ],
    };
  });

/** Cases, which shrink to few objects, few steps and short requests. */
export const equalityCase: fc.Arbitrary<EqualityCase> = fc.oneof(
  { weight: 39, arbitrary: usualCase },
  { weight: 1, arbitrary: guessing },
);
