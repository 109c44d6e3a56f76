import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { z } from "zod";

/** A header value; a number in a date header is seconds from the origin's now. */
const value = z.union([z.string(), z.number()]);
/** What one side sends. The third part, `false`, says that the value is not to be looked for at the client. */
const sentHeader = z.union([z.tuple([z.string(), value]), z.tuple([z.string(), value, z.boolean()])]);
/** There; there with this value; equal to another header (`=`) or larger than a number (`>`). */
const expectedHeader = z.union([
  z.string(),
  z.tuple([z.string(), value]),
  z.tuple([z.string(), z.enum(["=", ">"]), value]),
]);
const missingHeader = z.union([z.string(), z.tuple([z.string(), z.string()])]);
const interim = z.union([
  z.tuple([z.number()]),
  z.tuple([z.number(), z.array(z.tuple([z.string(), z.string()]))]),
]);

/** Strict: a field this runner does not know must not pass for one that it obeys. */
const requestSchema = z.strictObject({
  request_method: z.string().optional(),
  request_headers: z.array(z.tuple([z.string(), value])).default([]),
  request_body: z.string().optional(),
  filename: z.string().optional(),
  query_arg: z.string().optional(),
  /** How a browser is to ask; of these only the handling of redirects means anything here. */
  cache: z.string().optional(),
  redirect: z.string().optional(),
  magic_ims: z.boolean().default(false),
  magic_locations: z.boolean().default(false),
  rfc850date: z.array(z.string()).default([]),
  pause_after: z.boolean().default(false),
  response_status: z.tuple([z.number(), z.string()]).optional(),
  response_headers: z.array(sentHeader).default([]),
  response_body: z.string().nullish(),
  response_pause: z.number().optional(),
  interim_responses: z.array(interim).default([]),
  disconnect: z.boolean().default(false),
  /** All checks of this request are setup, or only the named ones. */
  setup: z.boolean().default(false),
  setup_tests: z.array(z.string()).default([]),
  check_body: z.boolean().default(true),
  expected_type: z.enum(["cached", "not_cached", "etag_validated", "lm_validated"]).optional(),
  expected_status: z.number().nullish(),
  expected_method: z.string().optional(),
  expected_request_headers: z.array(z.union([z.string(), z.tuple([z.string(), z.string()])])).default([]),
  expected_request_headers_missing: z
    .array(z.union([z.string(), z.tuple([z.string(), z.string()])]))
    .default([]),
  expected_response_headers: z.array(expectedHeader).default([]),
  expected_response_headers_missing: z.array(missingHeader).default([]),
  expected_response_text: z.string().nullish(),
  expected_interim_responses: z.array(interim).optional(),
});

const caseSchema = z.object({
  id: z.string(),
  name: z.string(),
  browser_only: z.boolean().default(false),
  requests: z.array(requestSchema),
});

const suiteSchema = z.object({ id: z.string(), tests: z.array(caseSchema) });

/** A published result: passed, or the kind of failure and its text. */
const resultsSchema = z.record(z.string(), z.union([z.literal(true), z.tuple([z.string(), z.string()])]));

export type CaseRequest = z.output<typeof requestSchema>;
export type SentHeader = z.output<typeof sentHeader>;
export type CacheCase = z.output<typeof caseSchema>;
export type Suite = z.output<typeof suiteSchema>;
export type Results = z.output<typeof resultsSchema>;

/** The package's suites without the cases that only a browser can run. `root` is the package's folder. */
export async function readSuites(root: string): Promise<readonly Suite[]> {
  const suites = z.array(suiteSchema).parse(await defaultExport(join(root, "tests/index.mjs")));
  const ids = new Set(suites.map(({ id }) => id));
  const more = suiteSchema.parse(await defaultExport(join(root, "tests/surrogate-control.mjs")));
  return [...suites, ...(ids.has(more.id) ? [] : [more])].map((suite) => ({
    ...suite,
    tests: suite.tests.filter((test) => !test.browser_only),
  }));
}

/** What the real Fastly did, by case id. */
export async function readFastlyResults(root: string): Promise<Results> {
  return resultsSchema.parse(JSON.parse(await readFile(join(root, "results/fastly.json"), "utf8")));
}

async function defaultExport(path: string): Promise<unknown> {
  const loaded: unknown = await import(pathToFileURL(path).href);
  return z.object({ default: z.unknown() }).parse(loaded).default;
}
