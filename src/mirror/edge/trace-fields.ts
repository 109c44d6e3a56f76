import type { HeaderList } from "../../http/header-list.ts";
import type { RequestMessage, ResponseMessage, Transaction } from "../../vcl/runtime.ts";
import type { ShowText } from "./shown-text.ts";
import type { HeaderText, TraceChange } from "./trace.ts";

/** Their values open something for whoever reads them. */
const SECRET_HEADERS: ReadonlySet<string> = new Set([
  "authorization",
  "cookie",
  "fastly-key",
  "proxy-authorization",
  "set-cookie",
  "x-amz-security-token",
]);

/** Header lines as a trace shows them. */
export function headersOf(headers: HeaderList, show: ShowText): HeaderText[] {
  return [...headers].map(([name, value]) => [show(name), headerText(name, value, show)]);
}

function headerText(name: string, value: string, show: ShowText): string {
  return SECRET_HEADERS.has(name.toLowerCase()) ? `(${value.length} bytes)` : show(value);
}

/** What VCL can change, by the name it has there; values as they are, for comparison only. */
export function fieldsOf(t: Transaction): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  addRequest(fields, "req", t.req);
  if (t.backend !== null) fields.set("req.backend", t.backend.spec.name);
  if (t.hash !== "") fields.set("req.hash", t.hash);
  if (t.bereq !== null) addRequest(fields, "bereq", t.bereq);
  if (t.beresp !== null) {
    addResponse(fields, "beresp", t.beresp);
    const { ttl, staleIfError, staleWhileRevalidate, cacheable, gzip, brotli, stream } = t.beresp;
    fields.set("beresp.ttl", `${ttl}s`);
    fields.set("beresp.stale_if_error", `${staleIfError}s`);
    fields.set("beresp.stale_while_revalidate", `${staleWhileRevalidate}s`);
    for (const [name, value] of Object.entries({ cacheable, gzip, brotli, do_stream: stream })) {
      fields.set(`beresp.${name}`, String(value));
    }
  }
  if (t.obj !== null) {
    addResponse(fields, "obj", t.obj);
    fields.set("obj.ttl", `${t.obj.ttl}s`);
  }
  if (t.resp !== null) addResponse(fields, "resp", t.resp);
  if (t.synthetic !== null) fields.set("synthetic", `${t.synthetic.content.length} bytes`);
  return fields;
}

function addRequest(fields: Map<string, string>, scope: string, message: RequestMessage): void {
  fields.set(`${scope}.method`, message.method);
  fields.set(`${scope}.url`, message.url);
  addHeaders(fields, scope, message.headers);
}

function addResponse(fields: Map<string, string>, scope: string, message: ResponseMessage): void {
  fields.set(`${scope}.status`, String(message.status));
  fields.set(`${scope}.response`, message.reason);
  addHeaders(fields, scope, message.headers);
}

function addHeaders(fields: Map<string, string>, scope: string, headers: HeaderList): void {
  for (const [name, value] of headers) {
    const field = `${scope}.http.${name}`;
    const former = fields.get(field);
    fields.set(field, former === undefined ? value : `${former}, ${value}`);
  }
}

/** What is other than before. Values are compared whole, and shown only then. */
export function changesBetween(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
  show: ShowText,
): TraceChange[] {
  const changes: TraceChange[] = [];
  const add = (name: string, former: string | undefined, value: string | undefined): void => {
    const text = (raw: string | undefined): string | null =>
      raw === undefined ? null : headerText(name.replace(/^[a-z]+\.http\./, ""), raw, show);
    changes.push({ name: show(name), before: text(former), after: text(value) });
  };
  for (const [name, value] of after) if (before.get(name) !== value) add(name, before.get(name), value);
  for (const [name, value] of before) if (!after.has(name)) add(name, value, undefined);
  return changes;
}
