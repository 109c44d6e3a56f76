import { z } from "zod";
import { traceOf } from "../lib/caught.ts";
import { SitefleetError } from "../lib/errors.ts";
import type { JobFailure } from "./job.ts";
import { RetryLater } from "./refusal.ts";

/** What is sent back. */
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body: object;
}

/** A problem (RFC 9457); `code` is stable and has a section in docs/errors.md. */
export const problemSchema = z
  .strictObject({
    type: z.string().meta({ description: "urn:sitefleet:error: and the code" }),
    title: z.string().meta({ description: "the HTTP status in words" }),
    status: z.int(),
    code: z
      .string()
      .meta({ description: "stable; docs/errors.md describes each", examples: ["hook/unauthorized"] }),
    detail: z.string(),
    hint: z.string().nullable().meta({ description: "what to do next" }),
    details: z.array(z.string()).meta({ description: "every problem, where there are several" }),
    job: z.string().nullable().meta({ description: "id of the job that failed, where there is one" }),
  })
  .meta({ id: "Problem", description: "why something was not done (RFC 9457)" });

export type Problem = z.output<typeof problemSchema>;

/** Every status that the endpoint answers with. */
export const STATUS_TITLES = {
  200: "OK",
  202: "Accepted",
  400: "Bad Request",
  401: "Unauthorized",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  409: "Conflict",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  422: "Unprocessable Content",
  429: "Too Many Requests",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
} as const;

export type HookStatus = keyof typeof STATUS_TITLES;

const BY_CODE: ReadonlyMap<string, HookStatus> = new Map([
  ["hook/bad-request", 400],
  ["hook/body-too-large", 413],
  ["hook/busy", 503],
  ["hook/invalid-archive", 422],
  ["hook/job-not-found", 404],
  ["hook/rate-limited", 429],
  ["hook/too-slow", 408],
  ["hook/unauthorized", 401],
  ["hook/unsupported-type", 415],
  ["hook/wrong-digest", 400],
  ["cli/usage", 400],
  ["domain/invalid-name", 400],
  ["domain/not-found", 404],
  ["domain/taken", 409],
  ["release/not-found", 404],
  ["site/changed-meanwhile", 409],
  ["site/deleting", 409],
  ["site/invalid-name", 400],
  ["site/not-found", 404],
]);

/** The status for an error by its code: what the caller sent, what the endpoint is set up with, or what lies behind it. */
export function statusOf({ code, kind }: { readonly code: string; readonly kind?: string }): HookStatus {
  const known = BY_CODE.get(code);
  if (known !== undefined) return known;
  if (/^(?:settings|fault|mirror)\//.test(code) || kind === "fault") return 500;
  if (/^(?:fastly|store|deploy)\//.test(code) || kind === "remote") return 502;
  return 422;
}

/** The answer for an error. What is our own fault is told to the log, not to the caller. */
export function problemOf(error: unknown, warn: (line: string) => void): Answer {
  if (!(error instanceof SitefleetError) || error.kind === "fault") {
    warn(`a request failed, and it is our fault: ${traceOf(error)}`);
    return problemAnswer(500, {
      code: "fault/internal",
      message: "the endpoint failed",
      hint: null,
      details: [],
    });
  }
  const { code, message, hint = null, details } = error;
  const answer = problemAnswer(statusOf(error), { code, message, hint, details: [...details] });
  return error instanceof RetryLater ? withHeader(answer, "retry-after", String(error.after)) : answer;
}

/** The answer for a job that has failed. */
export function failedJobAnswer(id: string, failure: JobFailure): Answer {
  return problemAnswer(statusOf(failure), failure, id);
}

export function withHeader(answer: Answer, name: string, value: string): Answer {
  return { ...answer, headers: { ...answer.headers, [name]: value } };
}

function problemAnswer(status: HookStatus, failure: JobFailure, job: string | null = null): Answer {
  const { code, message, hint, details } = failure;
  const title = STATUS_TITLES[status];
  const body: Problem = {
    type: `urn:sitefleet:error:${code}`,
    title,
    status,
    code,
    detail: message,
    hint,
    details,
    job,
  };
  return { status, headers: { "content-type": "application/problem+json" }, body };
}

/** A path that no route has, or a method that its routes do not take. */
export function noRoute(path: string, allowed: readonly string[]): Answer {
  const hint = "GET /openapi.json says what there is";
  const shown = path.slice(0, 100);
  if (allowed.length === 0) {
    return problemAnswer(404, {
      code: "hook/bad-request",
      message: `there is no "${shown}"`,
      hint,
      details: [],
    });
  }
  const message = `"${shown}" takes ${allowed.join(", ")}`;
  const answer = problemAnswer(405, { code: "hook/bad-request", message, hint, details: [] });
  return withHeader(answer, "allow", allowed.join(", "));
}
