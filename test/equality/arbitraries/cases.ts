import * as fc from "fast-check";
import type { HeaderLine } from "../../../src/http/header-list.ts";
import type { BucketName, CaseObject, CaseRequest, CaseStep, EqualityCase, Mood } from "../equality-case.ts";
import { CACHED_COUNT, SETTINGS_COUNT } from "../settings.ts";
import { configFor, configs, guardedConfig, plainConfig, ruleBucket } from "./configs.ts";
import { hostingObject } from "./objects.ts";
import { spellings } from "./paths.ts";
import { ADDRESSES, caseRequest, HOSTS, RIGHT_PASSWORD, WRONG_PASSWORD } from "./requests.ts";

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

/** Regions fail as a whole more often than a bucket alone. */
const sick = fc.oneof(
  { weight: 12, arbitrary: fc.constant<readonly BucketName[]>([]) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<readonly BucketName[]>(
      ["config", "hosting"],
      ["hosting"],
      ["config"],
      ["config_second", "hosting_second"],
      ["config", "hosting", "config_second", "hosting_second"],
    ),
  },
);

/** What S3 never says of itself, and somebody before it might. */
const noise = fc.oneof(
  { weight: 5, arbitrary: fc.constant<readonly HeaderLine[]>([]) },
  {
    weight: 1,
    arbitrary: fc.uniqueArray(
      fc.constantFrom<HeaderLine>(
        ["Set-Cookie", "proxy=1; Path=/"],
        ["Surrogate-Key", "proxy-1 proxy-2"],
        ["Surrogate-Control", "max-age=86400"],
        ["Surrogate-Control", "no-store"],
        ["Cache-Control", "private, no-store"],
        ["Cache-Control", "max-age=31536000"],
        ["Cache-Control", "no-cache"],
        ["Expires", "0"],
        ["Pragma", "no-cache"],
        ["Age", "86399"],
        ["Vary", "Cookie, Accept-Encoding"],
        ["Vary", "*"],
        ["X-Compress-Hint", "on"],
        ["Strict-Transport-Security", "max-age=63072000; includeSubDomains; preload"],
        ["SF-Region", "second"],
        ["SF-Stale", "1"],
        ["SF-Without", ",referrer-policy,"],
        ["SF-Location", "https://evil.example/"],
        ["Location", "https://evil.example/"],
        ["Retry-After", "3600"],
        ["WWW-Authenticate", "Basic"],
        ["Content-Range", "bytes 0-1/2"],
        ["Fastly-FF", "proxy!LHR!cache-lhr7000-LHR"],
        ["X-Robots-Tag", "none"],
        ["Fastly-Debug", "1"],
        ["Link", "</a.css>; rel=preload"],
        ["x-amz-request-charged", "caf\u00e9"],
        ["X-Latin", "\u00e9\u00a0"],
      ),
      { minLength: 1, maxLength: 3, selector: ([name]) => name },
    ),
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

const step = fc.record({ wait, purge, isSoft: fc.boolean(), put, moods, sick, question });

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

const setting = fc.oneof(
  { weight: 4, arbitrary: fc.nat({ max: CACHED_COUNT - 1 }) },
  { weight: 1, arbitrary: fc.integer({ min: CACHED_COUNT, max: SETTINGS_COUNT - 1 }) },
);

const usualCase: fc.Arbitrary<EqualityCase> = fc
  .record({
    setting,
    noise,
    configs,
    pages: fc.array(hostingObject, { maxLength: 45, size: "max" }),
    buckets: fc.array(ruleBucket, { maxLength: 3 }),
    steps: fc.array(step, { minLength: 1, maxLength: 8, size: "max" }),
  })
  .map(({ configs: hosts, pages, buckets, steps, ...rest }) => ({
    ...rest,
    objects: [...hosts, ...pages, ...buckets],
    steps: stepsOf(steps, pages),
  }));

/** A step in which nothing happens before its request. */
const plain = { wait: 0, purge: [], isSoft: false, put: null, moods: {}, sick: [] } as const;

/** Somebody guesses passwords until the edge no longer listens, and then knows it; perhaps from all of a network. */
const guessing: fc.Arbitrary<EqualityCase> = fc
  .record({
    setting,
    config: guardedConfig,
    addresses: fc.oneof(
      fc.constant([undefined]),
      fc.constant([ADDRESSES[0], ADDRESSES[1]]),
      fc.array(fc.constantFrom(...ADDRESSES), { minLength: 1, maxLength: 3 }),
    ),
    knowing: fc.constantFrom(undefined, ...ADDRESSES),
    page: hostingObject,
    guesses: fc.integer({ min: 18, max: 22 }),
    wait: fc.constantFrom(0, 1_000, 59_000, 61_000, 299_000, 301_000),
    last: caseRequest,
  })
  .map(({ setting: index, config, page, guesses, addresses, knowing, wait: pause, last }) => {
    const request = { method: "GET", host: HOSTS[0], target: "/about", isTls: true };
    const from = (ip: string | undefined) => (ip === undefined ? request : { ...request, ip });
    const steps = Array.from({ length: guesses }, (_, turn) => ({
      ...plain,
      request: {
        ...from(addresses[turn % addresses.length]),
        headers: [["Authorization", WRONG_PASSWORD] as const],
      },
    }));
    const right = { ...from(knowing), headers: [["Authorization", RIGHT_PASSWORD] as const] };
    return {
      setting: index,
      noise: [],
      objects: [config, page],
      steps: [
        ...steps,
        { ...plain, request: right },
        { ...plain, wait: pause, request: right },
        { ...plain, request: { ...last, host: HOSTS[0] } },
      ],
    };
  });

/** Ways to ask for the bytes around 2 MB, up to which a range is cut out of what is cached, and around VCL's segments. */
const FAR_RANGES = [
  "bytes=0-9",
  "bytes=0-",
  "bytes=1999990-1999999",
  "bytes=1999990-2000000",
  "bytes=2000000-2000009",
  "bytes=1048570-1048580",
  "bytes=2300000-",
  "bytes=-7",
  "bytes=99999999-",
] as const;

/** A file of more than 2 MB, and ranges of it, perhaps while it is written anew or S3 is in trouble. */
const manyBytes: fc.Arbitrary<EqualityCase> = fc
  .record({
    setting,
    key: fc.constantFrom("img/logo.png", "film.mp4"),
    steps: fc.array(
      fc.record({
        wait: fc.constantFrom(0, 0, 0, 1_001, 601_000),
        moods,
        isNew: fc.oneof(
          { weight: 5, arbitrary: fc.constant(false) },
          { weight: 1, arbitrary: fc.constant(true) },
        ),
        method: fc.constantFrom("GET", "GET", "GET", "HEAD"),
        range: fc.option(fc.constantFrom(...FAR_RANGES), { nil: undefined, freq: 5 }),
        condition: fc.constantFrom(undefined, undefined, undefined, '"none"'),
      }),
      { minLength: 1, maxLength: 4, size: "max" },
    ),
  })
  .map(({ setting: index, key, steps }) => {
    const file = (text: string): CaseObject => ({
      bucket: "hosting",
      key: `test/production/blog/1/${key}`,
      body: { text, times: Math.ceil(MANY_BYTES / text.length) },
      headers: [["Content-Type", key.endsWith("mp4") ? "video/mp4" : "image/png"]],
      metadata: {},
    });
    return {
      setting: index,
      noise: [],
      objects: [plainConfig, file(`object ${key}\n`)],
      steps: steps.map(({ wait: pause, moods: how, isNew, method, range, condition }) => ({
        ...plain,
        wait: pause,
        moods: how,
        put: isNew ? file(`object new ${key}\n`) : null,
        request: {
          method,
          host: HOSTS[0],
          target: `/${key}`,
          isTls: true,
          headers: [
            ...(range === undefined ? [] : [["Range", range] as const]),
            ...(condition === undefined ? [] : [["If-Range", condition] as const]),
          ],
        },
      })),
    };
  });

/** Bytes of a file of which ranges lie behind those that are cut out of the cache. */
const MANY_BYTES = 2_400_000;

/** Cases, which shrink to few objects, few steps and short requests. */
export const equalityCase: fc.Arbitrary<EqualityCase> = fc.oneof(
  { weight: 39, arbitrary: usualCase },
  { weight: 1, arbitrary: guessing },
  { weight: 1, arbitrary: manyBytes },
);
