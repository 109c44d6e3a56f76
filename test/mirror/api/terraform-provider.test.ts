import { describe, expect, test } from "vitest";
import { LOGGING_NAMES } from "../../../src/mirror/api/logging-names.ts";
import { field } from "./api-fixture.ts";
import type { Answer } from "./api-fixture.ts";
import { AFTER_LOGGING, BEFORE_LOGGING, formOf, LOGGING_FORMS, PRODUCT_IDS } from "./terraform-forms.ts";
import type { Form } from "./terraform-forms.ts";
import { startWhole } from "./whole-fixture.ts";
import type { WholeService } from "./whole-fixture.ts";

/** Braces of VCL have backslashes in a format. */
const FORMAT =
  '{"time": "%{strftime(\\{"%Y"\\}, time.start)}V", "path": "%{json.escape(req.url.path)}V", "is": %>s}';

/** Fields that go back otherwise than they came: dynamic content has its own endpoint, headers are sorted. */
const KEPT_OTHERWISE: ReadonlySet<string> = new Set(["content", "headers", "content_types", "extensions"]);

const SETTINGS = {
  ServiceVersion: "1",
  "general.default_host": "",
  "general.default_ttl": "120",
  "general.stale_if_error": "true",
  "general.stale_if_error_ttl": "60",
};

interface Applied {
  readonly path: string;
  readonly form: Form;
}

/** A service as the provider's `apply` makes it. */
interface Terraform extends WholeService {
  readonly service: string;
  readonly applied: readonly Applied[];
  /** A call that must succeed, below version `version` of the service. */
  readonly at: (version: number) => (...call: Parameters<WholeService["call"]>) => Promise<Answer>;
}

async function applied(): Promise<Terraform> {
  const whole = await startWhole();
  const about = { name: "terraform", comment: "Managed by Terraform" };
  const made = await succeeded(whole.call("POST", "/service", { form: { ...about, type: "vcl" } }));
  const service = String(field(made.json, "id"));
  const at: Terraform["at"] = (version) => (method, path, options) =>
    succeeded(whole.call(method, `/service/${service}/version/${version}${path}`, options));
  const blocks = planned(new URL(whole.origin.url).port);
  await whole.call("PUT", `/service/${service}`, { form: { ServiceID: service, ...about } });
  await at(1)("PUT", "", { form: { comment: "v one" } });
  await at(1)("PUT", "/settings", { form: SETTINGS });
  await at(1)("DELETE", "/http3");
  for (const { path, form } of blocks) await at(1)("POST", `/${path}`, { form });
  for (const product of ["brotli_compression", "websockets"]) {
    await succeeded(whole.call("PUT", `/enabled-products/v1/${product}/services/${service}`, { json: {} }));
  }
  await at(1)("POST", "/director/pool/backend/origin", { form: { Backend: "origin", Director: "pool" } });
  expect((await at(1)("GET", "/validate")).json).toMatchObject({ status: "ok" });
  await at(1)("PUT", "/activate");
  return { ...whole, service, applied: blocks, at };
}

/** The answer of a call that must succeed. */
async function succeeded(call: Promise<Answer>): Promise<Answer> {
  const answer = await call;
  if (answer.status > 299) throw new Error(`${answer.status} ${answer.text}`);
  return answer;
}

/** Every block's form in the order in which the provider sends them. */
function planned(port: string): readonly Applied[] {
  const rows = (list: typeof BEFORE_LOGGING): Applied[] =>
    list.map(([path, text]) => ({ path, form: formOf(text.replace("$PORT", port)) }));
  const logging = LOGGING_NAMES.map((kind): Applied => {
    const own = formOf(LOGGING_FORMS[kind]);
    return { path: `logging/${kind}`, form: [["format", FORMAT], ["name", kind], ...own] };
  });
  return [...rows(BEFORE_LOGGING), ...logging, ...rows(AFTER_LOGGING)];
}

/** How the provider reads a value: `null` is "" and truth is 1 or 0. */
function read(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "boolean") return value ? "1" : "0";
  if (typeof value === "string" || typeof value === "number") return String(value);
  return JSON.stringify(value);
}

/** The object of a list that has this name. */
function named(list: unknown, name: string): unknown {
  const found = Array.isArray(list) ? list.find((one: unknown) => field(one, "name") === name) : undefined;
  if (found === undefined) throw new Error(`no ${name} in ${JSON.stringify(list)}`);
  return found;
}

/** What one form sent and what its list says now, field by field, where both say it with the same name. */
function compared({ form }: Applied, record: unknown): readonly [sent: unknown, found: unknown] {
  const flat = new Map(form.filter(([name]) => !KEPT_OTHERWISE.has(name) && !name.includes("[")));
  return [
    Object.fromEntries(flat),
    Object.fromEntries([...flat.keys()].map((name) => [name, read(field(record, name))])),
  ];
}

/** Every list and object that the provider reads after an import, in its order; the statuses that are not 200. */
async function readAll({ call, service, applied: blocks }: Terraform, version: number): Promise<object> {
  const below = `/service/${service}/version/${version}`;
  const kinds = new Set(blocks.map(({ path }) => path));
  const paths = [
    `/service/${service}/details`,
    ...["settings", "http3", ...kinds, "image_optimizer_default_settings"].map((path) => `${below}/${path}`),
    ...PRODUCT_IDS.map((product) => `/enabled-products/v1/${product}/services/${service}`),
  ];
  const statuses: [string, number][] = [];
  for (const path of paths) {
    const { status } = await call("GET", path);
    if (status !== 200) statuses.push([path.split("/services/")[0]?.split("/").at(-1) ?? "", status]);
  }
  return Object.fromEntries(statuses);
}

describe("Terraform's provider for Fastly", () => {
  test(
    "makes a service with every block, finds what it sent, and each of them is at work",
    { timeout: 60_000 },
    async () => {
      const made = await applied();
      for (const block of made.applied) {
        const { json } = await made.at(1)("GET", `/${block.path}`);
        const name = block.form.find(([key]) => key === "name")?.[1] ?? "";
        const [sent, found] = compared(block, named(json, name));
        expect(found, `${block.path} ${name}`).toEqual(sent);
      }
      const page = await made.visit("/a.txt", { "accept-encoding": "gzip", "x-cut": "1" });
      expect(page.headers).toMatchObject({
        "x-made": "by one",
        "x-word": "none",
        "content-encoding": "gzip",
      });
      const tea = await made.visit("/tea");
      expect([tea.status, tea.text, tea.headers["x-dynamic"]]).toEqual([418, "short one", "one"]);
      const asked = made.origin.seen.find(({ url }) => url === "/a.txt");
      expect(asked?.headers).toMatchObject({ "x-forwarded-for": "127.0.0.1" });
      const lines = made.logged.map(({ line }) => line);
      for (const kind of LOGGING_NAMES) {
        const head = `syslog ${made.service} ${kind} :: `;
        const line = lines.find((one) => one.startsWith(head));
        expect(JSON.parse(line?.slice(head.length) ?? ""), kind).toMatchObject({ path: "/a.txt", is: 200 });
      }
      expect(lines).toHaveLength(2 * LOGGING_NAMES.length - 1);
    },
  );

  test(
    "imports it: what is not switched on says so with the statuses that it knows",
    { timeout: 60_000 },
    async () => {
      const off = PRODUCT_IDS.filter((product) => !["brotli_compression", "websockets"].includes(product));
      expect(await readAll(await applied(), 1)).toEqual({
        http3: 404,
        image_optimizer_default_settings: 404,
        ...Object.fromEntries(off.map((product) => [product, 400])),
      });
    },
  );

  test(
    "changes a clone with the fields that changed, and takes blocks out of it",
    { timeout: 60_000 },
    async () => {
      const made = await applied();
      const { call, service } = made;
      expect((await made.at(1)("GET", "")).json).toMatchObject({ locked: true });
      expect((await made.at(1)("PUT", "/clone")).json).toMatchObject({ number: 2 });
      const second = made.at(2);
      await second("PUT", "", { form: { comment: "v two" } });
      await second("POST", "/http3", { form: { feature_revision: "1" } });
      await second("PUT", "/condition/is%20tea", { form: { statement: 'req.url == "/coffee"' } });
      await second("PUT", "/domain/www.example.com", { form: { comment: "c two" } });
      const flags = { auto_loadbalance: "0", prefer_ipv6: "0", ssl_check_cert: "1", use_ssl: "0" };
      await second("PUT", "/backend/origin", { form: { ...flags, connect_timeout: "2000" } });
      await succeeded(call("DELETE", `/enabled-products/v1/websockets/services/${service}`));
      await second("PUT", "/director/pool");
      await second("POST", "/director/pool/backend/second", {
        form: { Backend: "second", Director: "pool" },
      });
      await second("PUT", "/header/made", { form: { ignore_if_set: "0", src: '"by two"' } });
      for (const kind of LOGGING_NAMES) {
        const changed = await second("PUT", `/logging/${kind}/${kind}`, {
          json: { format: `${kind} %>s`, placement: null },
        });
        expect(changed.json).toMatchObject({
          format: `${kind} %>s`,
          response_condition: kind === "s3" ? "is ok" : "",
        });
      }
      const limiter = named((await second("GET", "/rate-limiters")).json, "slow");
      const limited = await succeeded(
        call("PUT", `/rate-limiters/${String(field(limiter, "id"))}`, { form: { rps_limit: "20" } }),
      );
      expect(limited.json).toMatchObject({ rps_limit: 20, version: 2 });
      await second("PUT", "/response_object/teapot", { form: { content: "short two" } });
      await second("PUT", "/gzip/text", { form: { content_types: "", extensions: "" } });
      for (const path of [
        "header/cut",
        "cache_settings/long",
        "request_settings/xff",
        "dictionary/secrets",
        "snippet/empty",
      ]) {
        await second("DELETE", `/${path}`);
      }
      expect((await second("GET", "/validate")).json).toMatchObject({ status: "ok" });
      await second("PUT", "/activate");
      expect((await made.visit("/a.txt")).headers).toMatchObject({ "x-made": "by two" });
      expect((await made.visit("/tea")).status).toBe(200);
      expect((await made.visit("/coffee")).text).toBe("short two");
      expect(made.logged.map(({ line }) => line)).toContain(`syslog ${service} kafka :: kafka 418`);
      expect(field(named((await second("GET", "/gzip")).json, "text"), "extensions")).toContain("css");
    },
  );

  test(
    "keeps items, entries and dynamic content as its resources of their own",
    { timeout: 60_000 },
    async () => {
      const made = await applied();
      const { call, service } = made;
      const idOf = async (path: string, name: string): Promise<string> =>
        String(field(named((await made.at(1)("GET", `/${path}`)).json, name), "id"));
      const items = `/service/${service}/dictionary/${await idOf("dictionary", "words")}/items`;
      const item = (op: string, key: string, value: string | null): object => ({
        op,
        item_key: key,
        item_value: value,
      });
      const change = async (path: string, json: object): Promise<Answer> =>
        succeeded(call("PATCH", path, { json }));
      await change(items, { items: [item("create", "greeting", "hello"), item("create", "other", "x")] });
      expect((await made.visit("/word")).headers["x-word"]).toBe("hello");
      await change(items, { items: [item("delete", "other", null), item("update", "greeting", "hi")] });
      expect((await call("GET", `${items}?page=1&per_page=100`)).json).toMatchObject([
        { item_key: "greeting", item_value: "hi" },
      ]);
      const entries = `/service/${service}/acl/${await idOf("acl", "blocked")}/entries`;
      const entry = { op: "create", id: "", comment: "", ip: "198.51.100.0", negated: "1", subnet: 24 };
      await change(entries, { entries: [entry] });
      const [listed] = [(await call("GET", `${entries}?page=1&per_page=100`)).json].flat();
      expect(listed).toMatchObject({ ip: "198.51.100.0", subnet: 24, negated: "1" });
      await change(entries, { entries: [{ op: "delete", id: field(listed, "id") }] });
      expect((await call("GET", entries)).json).toEqual([]);
      const snippet = `/service/${service}/snippet/${await idOf("snippet", "empty")}`;
      await succeeded(call("PUT", snippet, { form: { content: 'set req.http.X-Terraform = "1";' } }));
      await made.visit("/after");
      expect(made.origin.seen.find(({ url }) => url === "/after")?.headers).toMatchObject({
        "x-terraform": "1",
      });
      await succeeded(call("PUT", snippet, { form: { content: "" } }));
      expect((await call("GET", snippet)).json).toMatchObject({ content: "" });
    },
  );

  test(
    "destroys it: looks for what is active, stops that, and deletes the service",
    { timeout: 60_000 },
    async () => {
      const { call, service, at, visit } = await applied();
      const details = await call("GET", `/service/${service}/details`);
      expect(field(field(details.json, "active_version"), "number")).toBe(1);
      await at(1)("PUT", "/deactivate");
      expect((await call("DELETE", `/service/${service}`)).json).toEqual({ status: "ok" });
      expect((await visit("/a")).status).toBe(500);
      expect((await call("GET", "/service")).text).not.toContain(service);
    },
  );
});
