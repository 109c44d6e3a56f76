import { S3Error } from "./s3-error.ts";
import { childText, parseXml, xmlElement, xmlText } from "./xml.ts";
import type { XmlElement } from "./xml.ts";

const DAY_MS = 86_400_000;
/** Rules in one configuration, and the longest id (userguide/intro-lifecycle-rules.html). */
const MAX_RULES = 1_000;
const MAX_ID = 255;

/** A rule that ends multipart uploads which nobody completed. */
export interface LifecycleRule {
  readonly id: string;
  readonly enabled: boolean;
  /** Keys that begin so; `""` = all. */
  readonly prefix: string;
  /** Days after the upload was begun. */
  readonly abortAfterDays: number;
}

/**
 * Reads a lifecycle configuration. This server carries out one kind of rule, the one that aborts abandoned uploads; what it
 * would only keep and never do is refused.
 * Throws `MalformedXML`, `InvalidArgument`, and `NotImplemented` for rules of other kinds.
 */
export function readLifecycle(document: XmlElement): readonly LifecycleRule[] {
  const rules = document.children.filter(({ name }) => name === "Rule");
  if (rules.length === 0 || rules.length > MAX_RULES) throw new S3Error("MalformedXML");
  const read = rules.map(readRule);
  const ids = read.map(({ id }) => id).filter((id) => id !== "");
  if (new Set(ids).size !== ids.length) {
    throw new S3Error("InvalidArgument", {
      message: "Rule ID must be unique. Found same ID for more than one rule",
    });
  }
  return read;
}

const KNOWN: ReadonlySet<string> = new Set([
  "AbortIncompleteMultipartUpload",
  "Filter",
  "ID",
  "Prefix",
  "Status",
]);

function readRule(rule: XmlElement): LifecycleRule {
  const other = rule.children.find(({ name }) => !KNOWN.has(name));
  if (other !== undefined) throw notBuilt(`lifecycle rules with ${other.name}`);
  const abort = rule.children.find(({ name }) => name === "AbortIncompleteMultipartUpload");
  const days = abort === undefined ? undefined : childText(abort, "DaysAfterInitiation")?.trim();
  const status = childText(rule, "Status")?.trim();
  const id = childText(rule, "ID") ?? "";
  if (days === undefined || !/^[1-9]\d{0,5}$/.test(days) || (status !== "Enabled" && status !== "Disabled")) {
    throw new S3Error("MalformedXML");
  }
  if (id.length > MAX_ID) {
    throw new S3Error("InvalidArgument", {
      message: `ID length should not exceed allowed limit of ${MAX_ID}`,
    });
  }
  return { id, enabled: status === "Enabled", prefix: prefixOf(rule), abortAfterDays: Number(days) };
}

/** A rule has a filter, or in the older form a prefix. */
function prefixOf(rule: XmlElement): string {
  const filter = rule.children.find(({ name }) => name === "Filter");
  const prefix = childText(filter ?? rule, "Prefix");
  const other = filter?.children.find(({ name }) => name !== "Prefix");
  if (other !== undefined) throw notBuilt(`lifecycle filters with ${other.name}`);
  if (filter === undefined && prefix === undefined) throw new S3Error("MalformedXML");
  return prefix ?? "";
}

function notBuilt(what: string): S3Error {
  return new S3Error("NotImplemented", { message: `${what} are not implemented by this server` });
}

/** The inside of the document that S3 answers with. */
export function writeLifecycle(rules: readonly LifecycleRule[]): string {
  return rules
    .map(({ id, enabled, prefix, abortAfterDays }) =>
      xmlElement(
        "Rule",
        xmlText("ID", id) +
          xmlElement("Filter", xmlText("Prefix", prefix)) +
          xmlText("Status", enabled ? "Enabled" : "Disabled") +
          xmlElement("AbortIncompleteMultipartUpload", xmlText("DaysAfterInitiation", abortAfterDays)),
      ),
    )
    .join("");
}

/** Whether a bucket's lifecycle (the inside of its document; absent = none) has an upload aborted by now. */
export function isAbandoned(
  lifecycle: string | undefined,
  upload: { readonly key: string; readonly initiated: number; readonly nowMs: number },
): boolean {
  const age = upload.nowMs - upload.initiated;
  // No rule has fewer days than one: most uploads need no look at the rules.
  if (lifecycle === undefined || age < DAY_MS) return false;
  const rules = readLifecycle(parseXml(Buffer.from(xmlElement("LifecycleConfiguration", lifecycle))));
  return rules.some(
    ({ enabled, prefix, abortAfterDays }) =>
      enabled && upload.key.startsWith(prefix) && age >= abortAfterDays * DAY_MS,
  );
}
