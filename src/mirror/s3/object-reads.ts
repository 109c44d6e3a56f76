import { checkRead, matchesEtag, preconditionFailed, readDate } from "./conditions.ts";
import { toChecksumHeaders, toObjectHeaders } from "./object-detail.ts";
import { checkVersionId, findObject, quoteEtag, readIntegerParameter } from "./operation-context.ts";
import type { OperationContext } from "./operation-context.ts";
import { parseRange } from "./range.ts";
import type { ByteRange } from "./range.ts";
import type { ObjectDetail } from "./records.ts";
import { emptyReply, toHttpDate } from "./reply.ts";
import type { S3Reply } from "./reply.ts";
import type { S3Request } from "./request.ts";
import { S3Error, invalidArgument } from "./s3-error.ts";
import type { ObjectEntry } from "./store-index.ts";

/** Query parameters that replace a response header (API/API_GetObject.html). */
const OVERRIDES: ReadonlyMap<string, string> = new Map([
  ["response-cache-control", "cache-control"],
  ["response-content-disposition", "content-disposition"],
  ["response-content-encoding", "content-encoding"],
  ["response-content-language", "content-language"],
  ["response-content-type", "content-type"],
  ["response-expires", "expires"],
]);

type MutableHeaders = (readonly [name: string, value: string])[];

/** What a GET or HEAD answers, apart from the body. */
interface Description {
  readonly status: 200 | 206 | 304;
  readonly headers: MutableHeaders;
  readonly range: ByteRange;
}

/** GetObject. */
export function getObject(context: OperationContext): S3Reply {
  const entry = findObject(context);
  const object = context.store.open(entry);
  try {
    const { status, headers, range } = describe(context, { entry, detail: object.detail });
    if (status !== 304 && object.inline === undefined) {
      return {
        status,
        headers,
        body: { size: range.end - range.start, chunks: object.read(range), release: () => object.release() },
      };
    }
    object.release();
    if (status === 304 || object.inline === undefined) return emptyReply(status, headers);
    return { status, headers, body: object.inline.subarray(range.start, range.end) };
  } catch (error) {
    object.release();
    throw error;
  }
}

/** HeadObject: the same answer without the body. */
export function headObject(context: OperationContext): S3Reply {
  const entry = findObject(context);
  const { status, headers, range } = describe(context, {
    entry,
    detail: context.store.readObjectDetail(entry),
  });
  if (status !== 304) headers.push(["content-length", String(range.end - range.start)]);
  return emptyReply(status, headers);
}

interface Found {
  readonly entry: ObjectEntry;
  readonly detail: ObjectDetail;
}

function describe({ request }: OperationContext, { entry, detail }: Found): Description {
  checkVersionId(request.query.get("versionId"));
  const headers: MutableHeaders = [
    ["etag", quoteEtag(entry.etag)],
    ["last-modified", toHttpDate(entry.modified)],
    ["accept-ranges", "bytes"],
  ];
  const whole = { start: 0, end: entry.size };
  const verdict = checkConditions(request, entry);
  headers.push(...override(toObjectHeaders(detail), request));
  // RFC 9110 §15.4.5: a 304 says nothing of the content it does not have.
  if (verdict === "not-modified")
    return { status: 304, headers: headers.filter(([name]) => name !== "content-type"), range: whole };
  const part = selectPart(request, entry);
  if (part !== undefined) headers.push(...part.headers);
  const range = part?.range ?? selectRange(request, entry);
  if (range === undefined) {
    if (request.headers.get("x-amz-checksum-mode")?.toUpperCase() === "ENABLED")
      headers.push(...toChecksumHeaders(detail.checksum));
    return { status: 200, headers, range: whole };
  }
  if (range.end > range.start)
    headers.push(["content-range", `bytes ${range.start}-${range.end - 1}/${entry.size}`]);
  return { status: 206, headers, range };
}

function checkConditions({ headers }: S3Request, entry: ObjectEntry): "ok" | "not-modified" {
  const ifMatch = headers.get("if-match");
  const verdict = checkRead(
    {
      ifMatch,
      ifNoneMatch: headers.get("if-none-match"),
      ifModifiedSince: headers.get("if-modified-since"),
      ifUnmodifiedSince: headers.get("if-unmodified-since"),
    },
    entry,
  );
  if (verdict === "failed")
    throw preconditionFailed(ifMatch === undefined ? "If-Unmodified-Since" : "If-Match");
  return verdict;
}

function override(headers: MutableHeaders, request: S3Request): MutableHeaders {
  const replaced = new Map(headers);
  for (const [parameter, name] of OVERRIDES) {
    const value = request.query.get(parameter);
    if (value === undefined) continue;
    const bytes = Buffer.from(value).toString("latin1");
    if (/[\x00-\x08\x0a-\x1f\x7f]/.test(bytes))
      throw invalidArgument("Header value cannot hold control characters", { name: parameter, value });
    replaced.set(name, bytes);
  }
  return [...replaced];
}

function selectRange(request: S3Request, entry: ObjectEntry): ByteRange | undefined {
  const header = request.headers.get("range");
  if (header === undefined || !holdsIfRange(request.headers.get("if-range"), entry)) return undefined;
  const range = parseRange(header, entry.size);
  if (range !== "unsatisfiable") return range;
  throw new S3Error("InvalidRange", {
    fields: [
      ["RangeRequested", header],
      ["ActualObjectSize", String(entry.size)],
    ],
    headers: [["content-range", `bytes */${entry.size}`]],
  });
}

/** If-Range (RFC 9110 §13.1.5): a range of another version than the client has would be of no use to it. */
function holdsIfRange(header: string | undefined, entry: ObjectEntry): boolean {
  if (header === undefined) return true;
  const date = header.startsWith('"') ? undefined : readDate(header);
  if (date !== undefined) return Math.floor(entry.modified / 1000) * 1000 === date;
  return !header.startsWith("W/") && matchesEtag(header, entry.etag);
}

/** `partNumber`: the bytes of one part of a multipart object; any other object is its own part 1. */
function selectPart(
  request: S3Request,
  entry: ObjectEntry,
): { readonly range: ByteRange; readonly headers: MutableHeaders } | undefined {
  if (!request.query.has("partNumber")) return undefined;
  if (request.headers.has("range")) {
    throw new S3Error("InvalidRequest", {
      message: "Cannot specify both Range header and partNumber query parameter",
    });
  }
  const number = readIntegerParameter(request, { name: "partNumber", fallback: 1, min: 1, max: 10_001 });
  const parts = Number(/-(\d+)$/.exec(entry.etag)?.[1] ?? 0);
  if (number > Math.max(1, parts)) throw new S3Error("InvalidPartNumber");
  if (parts === 0) return { range: { start: 0, end: entry.size }, headers: [] };
  const sizes = entry.segments.map(([, size]) => size);
  const start = sizes.slice(0, number - 1).reduce((sum, size) => sum + size, 0);
  return {
    range: { start, end: start + (sizes[number - 1] ?? 0) },
    headers: [["x-amz-mp-parts-count", String(parts)]],
  };
}
