import type { IncomingHttpHeaders } from "node:http";

import type { HttpAnswer } from "../lib/http-exchange.ts";

/** An answer that says no; `name` is S3's code (`NoSuchKey`), made from the status where the answer has no body. */
export class S3Refusal extends Error {
  override readonly name: string;
  /** HTTP status; that of a 200 with an error inside is 503, as the AWS SDK takes it. */
  readonly status: number;
  readonly headers: IncomingHttpHeaders;

  constructor(answer: HttpAnswer) {
    const { code, message } = readError(answer);
    super(message);
    this.name = code;
    this.status = answer.status === 200 ? 503 : answer.status;
    this.headers = answer.headers;
  }
}

/** Codes of answers to HEAD, which have no body. */
const BARE_CODES: Readonly<Record<number, string>> = {
  301: "PermanentRedirect",
  304: "NotModified",
  400: "BadRequest",
  403: "Forbidden",
  404: "NotFound",
  412: "PreconditionFailed",
  503: "ServiceUnavailable",
};

/** The error document is two fields for us; a parser of XML would be read whole for them at every start. */
function readError({ status, body }: HttpAnswer): { readonly code: string; readonly message: string } {
  const text = Buffer.from(body.buffer, body.byteOffset, Math.min(body.length, ERROR_LIMIT)).toString("utf8");
  const code =
    /<Code>\s*([\w.-]{1,100})\s*<\/Code>/.exec(text)?.[1] ?? BARE_CODES[status] ?? `Status${status}`;
  const message = /<Message>([^<]{0,2000})<\/Message>/.exec(text)?.[1] ?? "";
  return { code, message: decodeEntities(message) };
}

const ERROR_LIMIT = 64 * 1024;

/** Whether a CopyObject that was answered with 200 failed after all (S3 API reference, CopyObject). */
export function hasErrorInside(answer: HttpAnswer): boolean {
  return !/<CopyObjectResult[\s>]/.test(Buffer.from(answer.body).toString("utf8"));
}

/** The ETag inside a CopyObject's answer. */
export function copiedEtag(answer: HttpAnswer): string | undefined {
  const found = /<ETag>([^<]{1,200})<\/ETag>/.exec(Buffer.from(answer.body).toString("utf8"))?.[1];
  return found === undefined ? undefined : decodeEntities(found);
}

const ENTITIES: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
};

/** The text that XML writes with references to characters (XML 1.0, sections 4.1 and 4.6); what is none stays as it is. */
export function decodeEntities(text: string): string {
  if (!text.includes("&")) return text;
  return text.replace(
    /&(?:(amp|lt|gt|quot|apos)|#(\d{1,7})|#x([0-9a-f]{1,6}));/gi,
    (entity, name?: string, decimal?: string, hex?: string) => {
      if (name !== undefined) return ENTITIES[name] ?? entity;
      const code = decimal === undefined ? Number.parseInt(hex ?? "", 16) : Number(decimal);
      return code <= 0x10_ff_ff ? String.fromCodePoint(code) : entity;
    },
  );
}
