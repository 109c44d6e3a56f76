import { describe, expect, test } from "vitest";
import { LOGGING_NAMES } from "../../../src/mirror/api/logging-names.ts";
import { keysOf, startApi } from "./api-fixture.ts";

type Form = Readonly<Record<string, string>>;

/** What a client sent, and what the real API answered beside `service_id`, `deleted_at` and times. */
const CREATED: readonly (readonly [kind: string, form: Form, answer: Readonly<Record<string, unknown>>])[] = [
  [
    "condition",
    { name: "test/condition", priority: "1", statement: 'req.url~+"index.html"', type: "REQUEST" },
    {
      name: "test/condition",
      priority: "1",
      statement: 'req.url~+"index.html"',
      type: "REQUEST",
      version: "1",
      comment: "",
    },
  ],
  [
    "header",
    {
      action: "set",
      dst: "http.foo",
      ignore_if_set: "0",
      name: "h",
      priority: "50",
      regex: "foobar",
      src: "client.ip",
      substitution: "123",
      type: "request",
    },
    {
      action: "set",
      dst: "http.foo",
      ignore_if_set: "0",
      name: "h",
      priority: "50",
      regex: "foobar",
      src: "client.ip",
      substitution: "123",
      type: "request",
      version: "1",
      request_condition: null,
      cache_condition: null,
      response_condition: null,
    },
  ],
  [
    "request_settings",
    {
      action: "lookup",
      bypass_busy_wait: "1",
      default_host: "example.com",
      force_miss: "1",
      force_ssl: "1",
      geo_headers: "1",
      hash_keys: "a,b,c",
      max_stale_age: "30",
      name: "r",
      timer_support: "1",
      xff: "leave",
    },
    {
      action: "lookup",
      bypass_busy_wait: "1",
      default_host: "example.com",
      force_miss: "1",
      force_ssl: "1",
      geo_headers: "1",
      hash_keys: "a,b,c",
      max_stale_age: "30",
      name: "r",
      timer_support: "1",
      xff: "leave",
      version: "1",
      request_condition: "",
    },
  ],
  [
    "cache_settings",
    { action: "cache", name: "c", stale_ttl: "1500", ttl: "1234" },
    { action: "cache", name: "c", stale_ttl: "1500", ttl: "1234", version: "1", cache_condition: "" },
  ],
  [
    "gzip",
    { content_types: "text/html text/css", extensions: "html css", name: "g" },
    {
      content_types: "text/html text/css",
      extensions: "html css",
      name: "g",
      version: "1",
      cache_condition: "",
    },
  ],
  [
    "response_object",
    { content: "abcd", content_type: "text/plain", name: "o", response: "Ok", status: "200" },
    {
      content: "abcd",
      content_type: "text/plain",
      name: "o",
      response: "Ok",
      status: "200",
      version: "1",
      request_condition: "",
      cache_condition: "",
    },
  ],
  [
    "director",
    { name: "d", quorum: "50", retries: "5", type: "1" },
    {
      name: "d",
      quorum: 50,
      retries: 5,
      type: 1,
      version: 1,
      capacity: 100,
      shield: null,
      backends: [],
      comment: "",
    },
  ],
];

describe("objects as recorded", () => {
  test.each(CREATED)("%s: create, read, list, rename, delete", async (kind, form, answer) => {
    const { call, service } = await startApi();
    const id = await service();
    const path = `/service/${id}/version/1/${kind}`;
    const created = await call("POST", path, { form });
    expect(created.status).toBe(200);
    expect(created.json).toMatchObject({ ...answer, service_id: id, deleted_at: null });
    const times = ["created_at", "deleted_at", "service_id", "updated_at"];
    expect(keysOf(created.json)).toEqual([...Object.keys(answer), ...times].sort());
    const one = `${path}/${encodeURIComponent(form["name"] ?? "")}`;
    expect((await call("GET", one)).json).toEqual(created.json);
    expect((await call("GET", path)).json).toEqual([created.json]);
    const again = await call("POST", path, { form });
    expect(again.json).toEqual({
      msg: "Duplicate record",
      detail: `Duplicate ${kind}: '${form["name"] ?? ""}'`,
    });
    const renamed = await call("PUT", one, { form: { name: "other" } });
    // Recorded: a director keeps its name.
    const name = kind === "director" ? "d" : "other";
    expect(renamed.json).toMatchObject({ ...answer, name });
    const last = `${path}/${name}`;
    expect((await call("DELETE", last)).json).toEqual({ status: "ok" });
    const gone = (await call("DELETE", last)).json;
    const search = `{ deleted => 0000-00-00 00:00:00, name => ${name}, service => ${id}, version => 1 }`;
    expect(gone).toMatchObject({ msg: "Record not found", detail: expect.stringContaining(`'${search}'`) });
    await call("PUT", `/service/${id}/version/1/lock`);
    const locked = { msg: "Version locked", detail: `Version '1' for service '${id}' is locked` };
    expect((await call("POST", path, { form })).json).toEqual(locked);
  });

  test("of wrong fields are refused, each with a sentence that names it", async () => {
    const { call, service } = await startApi();
    const id = await service();
    const refusals: readonly (readonly [kind: string, form: Form, words: string])[] = [
      ["condition", { name: "c", type: "REQUEST" }, "Statement can't be blank"],
      ["condition", { name: "c", statement: "req.url", type: "SOMETIMES" }, "Type 'SOMETIMES' is not one of"],
      ["condition", { statement: "req.url", type: "REQUEST" }, "Name can't be blank"],
      [
        "condition",
        { name: "c", statement: "x", type: "CACHE", priority: "soon" },
        "'priority' must be an integer",
      ],
      ["header", { name: "h", action: "add", type: "request", dst: "http.X" }, "Action 'add' is not one of"],
      ["header", { name: "h", action: "set", type: "request", dst: "http.X" }, "Source can't be blank"],
      [
        "header",
        { name: "h", action: "set", type: "log", dst: "http.X", src: "1" },
        "Type 'log' is not one of",
      ],
      [
        "header",
        { name: "h", action: "delete", type: "request", dst: "x; y" },
        "Destination 'x; y' is not a variable",
      ],
      [
        "header",
        { name: "h", action: "regex", type: "request", dst: "url", src: "req.url" },
        "Regex can't be blank",
      ],
      ["request_settings", { name: "r", action: "jump" }, "Action 'jump' is not one of"],
      ["request_settings", { name: "r", hash_keys: "req.url; x" }, "Hash key 'req.url; x' is not a variable"],
      ["cache_settings", { name: "c", ttl: "-1" }, "ttl can't be negative"],
      ["response_object", { name: "o", status: "99" }, "Status '99' is not an HTTP status"],
      ["director", { name: "d", type: "2" }, "Type '2' is not 1 (random), 3 (hash) or 4 (client)"],
      ["director", { name: "d", quorum: "101" }, "Quorum '101' is not between 0 and 100"],
      ["logging/newrelic", { name: "n", token: "t", region: "abc" }, "unrecognized region abc"],
      [
        "logging/s3",
        { name: "s", compression_codec: "snappy", gzip_level: "8" },
        "'compression_codec' and 'gzip_level' cannot be set simultaneously",
      ],
      [
        "logging/kinesis",
        { name: "k", iam_role: "badarn" },
        "invalid IAM Role ARN badarn: ARNs must have six colon-separated components",
      ],
    ];
    for (const [kind, form, words] of refusals) {
      const answer = await call("POST", `/service/${id}/version/1/${kind}`, { form });
      expect(answer.status, kind).toBe(400);
      expect(answer.text).toContain(words);
    }
  });
});

describe("logging endpoints", () => {
  test("of all kinds are kept with what Fastly adds, and share their names", async () => {
    const { call, service } = await startApi();
    const id = await service();
    for (const name of LOGGING_NAMES) {
      const path = `/service/${id}/version/1/logging/${name}`;
      const made = await call("POST", path, { form: { name: `my ${name}`, format: "%h", token: "t" } });
      expect(made.json, name).toMatchObject({
        name: `my ${name}`,
        format: "%h",
        format_version: "2",
        placement: null,
        response_condition: "",
        log_processing_region: "none",
        version: "1",
      });
      expect((await call("GET", `${path}/my%20${name}`)).json).toEqual(made.json);
    }
    const taken = await call("POST", `/service/${id}/version/1/logging/s3`, { form: { name: "my syslog" } });
    expect(taken.json).toEqual({ msg: "Duplicate record", detail: "Duplicate logging_syslog: 'my syslog'" });
    const clone = await call("PUT", `/service/${id}/version/1/clone`);
    expect(clone.status).toBe(200);
    expect((await call("GET", `/service/${id}/version/2/logging/gcs`)).json).toMatchObject([
      { name: "my gcs", version: "2" },
    ]);
    const details = await call("GET", `/service/${id}/details`);
    expect(details.text).not.toContain("my gcs");
  });

  test("an address is printed as what it is", async () => {
    const { call, service } = await startApi();
    const id = await service();
    const path = `/service/${id}/version/1/logging/syslog`;
    const ip = await call("POST", path, {
      form: { name: "a", address: "192.0.2.1", use_tls: "1", port: "6514" },
    });
    expect(ip.json).toMatchObject({ ipv4: "192.0.2.1", hostname: null, use_tls: "1", port: "6514" });
    const host = await call("POST", path, { form: { name: "b", address: "example.com" } });
    expect(host.json).toMatchObject({ ipv4: null, hostname: "example.com", use_tls: "0", port: "514" });
  });
});
