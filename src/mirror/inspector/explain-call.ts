import type { IncomingMessage } from "node:http";
import { z } from "zod";
import { toByteString } from "../../http/byte-string.ts";
import { SitefleetError } from "../../lib/errors.ts";
import { parseJson } from "../../lib/json.ts";
import type { ClientCall } from "../edge/client-request.ts";

const MAX_BODY = 256 * 1024;
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Names and values as HTTP can carry them (RFC 9110 §5.1, §5.5): nothing that would end a line. */
const callSchema = z.strictObject({
  method: z.string().regex(TOKEN, "it is no name of a method (letters, digits and -)"),
  url: z.url({ protocol: /^https?$/, error: "it is no http or https URL" }),
  headers: z.array(
    z
      .tuple([
        z.string().regex(TOKEN, "it is no name of a header").refine(isBodiless, "the request has no body"),
        z.string().regex(/^[\t\u0020-\u007e\u0080-\uffff]*$/, "it has a character that no header can hold"),
      ])
      .readonly(),
  ),
  country: z.string().optional(),
  pop: z.string().optional(),
});

/** Whether a header may stand in a request without a body. */
function isBodiless(name: string): boolean {
  return !/^(?:content-length|transfer-encoding)$/i.test(name);
}

/** The JSON form of a call, as the command sends it. */
export type CallDocument = z.input<typeof callSchema>;

/**
 * Reads what is to be explained.
 * @throws SitefleetError `explain/invalid-request`
 */
export async function readCall(request: IncomingMessage): Promise<ClientCall> {
  if (!(request.headers["content-type"] ?? "").startsWith("application/json"))
    throw refused("it is not JSON");
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    if (!Buffer.isBuffer(chunk)) continue;
    size += chunk.length;
    if (size > MAX_BODY) throw refused(`it has more than ${MAX_BODY} bytes`);
    chunks.push(chunk);
  }
  const parsed = callSchema.safeParse(parseJson(Buffer.concat(chunks).toString("utf8")));
  if (!parsed.success) throw refused(problemsOf(parsed.error));
  const { method, url, headers, country, pop } = parsed.data;
  return {
    method,
    url: new URL(url),
    headers: headers.map(([name, value]) => [name, toByteString(value)]),
    ...(country === undefined ? {} : { country }),
    ...(pop === undefined ? {} : { pop }),
  };
}

/** Each problem with where it is: `method: it is no name of a method`. */
function problemsOf({ issues }: z.ZodError): string {
  return issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; ");
}

function refused(reason: string): SitefleetError {
  return new SitefleetError("explain/invalid-request", `the request to explain cannot be read: ${reason}`, {
    hint: "give a method, an http or https URL and headers as [name, value] pairs",
  });
}
