import { randomUUID } from "node:crypto";

export type FormValue = string | number | boolean;

/** A file as the only field of a form. */
export interface FileField {
  readonly field: string;
  readonly fileName: string;
  readonly bytes: Uint8Array;
}

export interface EncodedBody {
  /** Value of `Content-Type`. */
  readonly type: string;
  readonly bytes: Buffer;
}

/** The body of a call: JSON, a form's fields, or a file as a browser's form sends one. */
export function encodeBody(call: {
  readonly json?: unknown;
  readonly form?: Readonly<Record<string, FormValue>>;
  readonly file?: FileField;
}): EncodedBody | undefined {
  if (call.file !== undefined) return encodeFile(call.file);
  if (call.json !== undefined) {
    return { type: "application/json", bytes: Buffer.from(JSON.stringify(call.json)) };
  }
  if (call.form === undefined) return undefined;
  const fields = Object.entries(call.form).map(([name, value]) => [name, formText(value)] as const);
  const text = new URLSearchParams(Object.fromEntries(fields)).toString();
  return { type: "application/x-www-form-urlencoded", bytes: Buffer.from(text) };
}

/** RFC 7578. The boundary is new each time, so that no file can hold it. */
function encodeFile({ field, fileName, bytes }: FileField): EncodedBody {
  const boundary = `sitefleet-${randomUUID()}`;
  const head = [
    `--${boundary}`,
    `Content-Disposition: form-data; name="${field}"; filename="${fileName}"`,
    "Content-Type: application/octet-stream",
    "",
    "",
  ].join("\r\n");
  return {
    type: `multipart/form-data; boundary=${boundary}`,
    bytes: Buffer.concat([Buffer.from(head), bytes, Buffer.from(`\r\n--${boundary}--\r\n`)]),
  };
}

/** Booleans travel as 1 and 0 in forms, as every official client sends them. */
function formText(value: FormValue): string {
  return typeof value === "boolean" ? (value ? "1" : "0") : String(value);
}
