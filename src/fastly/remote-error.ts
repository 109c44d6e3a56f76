import { z } from "zod";
import type { ErrorCode } from "../lib/error-codes.ts";
import { SitefleetError } from "../lib/errors.ts";
import type { Secret } from "../lib/secret.ts";

export interface RemoteErrorInit {
  /** HTTP status; absent when no answer came. */
  readonly status?: number;
  /** Whether the request can have had its effect. */
  readonly landed: "no" | "unknown";
  readonly hint?: string;
  readonly details?: readonly string[];
  readonly cause?: unknown;
}

/** Fastly refused a call or could not be reached. */
export class RemoteError extends SitefleetError {
  readonly status: number | undefined;
  readonly landed: "no" | "unknown";

  constructor(code: ErrorCode, message: string, init: RemoteErrorInit) {
    super(code, message, {
      cause: init.cause,
      ...(init.hint === undefined ? {} : { hint: init.hint }),
      ...(init.details === undefined ? {} : { details: init.details }),
    });
    this.status = init.status;
    this.landed = init.landed;
  }
}

/** Whether an error says that the thing asked for is not there. */
export function isNotFound(error: unknown): boolean {
  return error instanceof RemoteError && error.status === 404;
}

/** Of a service that is not there Fastly says 404 or, as its own client has it written down, 400 (go-fastly, `GetService`). */
export async function orUndefined<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isNotFound(error) || (error instanceof RemoteError && error.status === 400)) return undefined;
    throw error;
  }
}

/** One refused answer, as the transport saw it. */
export interface RefusedAnswer {
  /** `METHOD /path`, without host and query. */
  readonly call: string;
  readonly status: number;
  readonly body: string;
  readonly requestId: string;
  /** Values that must not survive in the message, should the server echo them. */
  readonly secrets: readonly Secret[];
  readonly landed: "no" | "unknown";
}

/** Turns a refused answer into the error for it; the server's own words are kept, cleaned and cut. */
export function refusedError(answer: RefusedAnswer): RemoteError {
  const said = cleanText(reasonIn(answer.body), answer.secrets);
  const row = codeOf(answer.status);
  // With the environment's suffix or without: a hint names the one that was read.
  const token = answer.secrets.map(({ source }) => source).find((name) => name?.startsWith(TOKEN_VARIABLE));
  const words = said === "" ? "" : `: ${said}`;
  return new RemoteError(row.code, `Fastly answered ${answer.status} to ${answer.call}${words}`, {
    status: answer.status,
    landed: answer.landed,
    hint: row.hint.replace(TOKEN_VARIABLE, token ?? TOKEN_VARIABLE),
    details: [`request id ${answer.requestId}`],
  });
}

const TOKEN_VARIABLE = "FASTLY_API_TOKEN";

function codeOf(status: number): { readonly code: ErrorCode; readonly hint: string } {
  switch (status) {
    case 401:
    case 403:
      return {
        code: "fastly/unauthorized",
        hint: `check ${TOKEN_VARIABLE}: it must be valid, cover this service and have the \`global\` scope (\`purge_select\` is enough to purge)`,
      };
    case 404:
      return {
        code: "fastly/not-found",
        hint: "check the service id and that the token belongs to its account",
      };
    case 409:
      return { code: "fastly/conflict", hint: "look at the service's current objects with `deploy status`" };
    case 422:
      return {
        code: "fastly/refused",
        hint: "a locked version cannot be changed; run the command again, it makes a new one",
      };
    case 429:
      return {
        code: "fastly/rate-limited",
        hint: "wait for the limit to reset, then run the command again: it goes on where it stopped",
      };
    default:
      return status >= 500
        ? {
            code: "fastly/unavailable",
            hint: "run the command again: it goes on where it stopped; see https://www.fastlystatus.com",
          }
        : { code: "fastly/refused", hint: "the call was not accepted; nothing that is live has changed" };
  }
}

const text = z.string().nullish();
const errorBody = z.object({
  msg: text,
  detail: text,
  title: text,
  errors: z
    .array(z.object({ title: text, detail: text, reason: text }))
    .nullish()
    .catch(undefined),
});

/** The three error bodies that Fastly's endpoints use: classic `{msg, detail}`, JSON:API `{errors}` and RFC 9457. */
function reasonIn(body: string): string {
  const parsed = errorBody.safeParse(parseOrUndefined(body));
  if (!parsed.success) return body;
  const { msg, detail, title, errors } = parsed.data;
  const first = [msg ?? title, detail];
  const others = (errors ?? []).flatMap((error) => [error.title, error.detail ?? error.reason]);
  return [...first, ...others]
    .filter((part) => part !== null && part !== undefined && part !== "")
    .join(": ");
}

function parseOrUndefined(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined; // a proxy's HTML page is shown as it is
  }
}

const LONGEST_REASON = 2_000;

/** Makes text from the network fit for a terminal: no control characters, no secret, no endless page. */
export function cleanText(value: string, secrets: readonly Secret[]): string {
  const hidden = secrets
    .flatMap(spellings)
    .reduce((line, spelling) => line.replaceAll(spelling, "[secret]"), value);
  const plain = hidden.replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029]+/g, " ").trim();
  return plain.length > LONGEST_REASON ? `${plain.slice(0, LONGEST_REASON)}…` : plain;
}

/** A secret as it stands, as JSON writes it and as a form or path writes it. */
function spellings(secret: Secret): readonly string[] {
  const value = secret.reveal();
  if (value === "") return [];
  return [value, JSON.stringify(value).slice(1, -1), encodeURIComponent(value)];
}
