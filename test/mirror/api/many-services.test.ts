import { expect, test } from "vitest";
import { field } from "./api-fixture.ts";
import { addressOf, startWhole } from "./whole-fixture.ts";

test("services run side by side, each found by its exact name, then by the longest wildcard", async () => {
  const { call, activate, visit, origin } = await startWhole();
  await activate();
  const domains = [["*.example.com"], ["*.shop.example.com", "one.example.com"], ["*.other.test"]];
  for (const [n, names] of domains.entries()) {
    const { json } = await call("POST", "/service", { form: { name: `service ${n}` } });
    const version = `/service/${String(field(json, "id"))}/version/1`;
    for (const name of names) await call("POST", `${version}/domain`, { form: { name } });
    await call("POST", `${version}/backend`, { form: { name: "origin", ...addressOf(origin) } });
    const header = { name: "who", type: "response", action: "set", dst: "http.X-Service", src: `"${n}"` };
    await call("POST", `${version}/header`, { form: header });
    expect((await call("PUT", `${version}/activate`)).status).toBe(200);
  }
  const answers: (string | undefined)[] = [];
  for (const host of [
    "www.example.com",
    "x.example.com",
    "a.b.example.com",
    "ONE.example.com:8080",
    "a.shop.example.com",
    "a.b.shop.example.com",
    "shop.example.com",
    "a.other.test",
  ]) {
    const { headers, status } = await visit("/", { host });
    expect(status, host).toBe(200);
    answers.push(headers["x-service"]?.toString());
  }
  expect(answers).toEqual([undefined, "0", "0", "1", "1", "1", "0", "2"]);
  expect((await visit("/", { host: "other.test" })).status).toBe(500);
});

test("ACL entries and dictionary items of a batch take effect at once, or not at all", async () => {
  const { add, activate, visit, call, id } = await startWhole();
  const acl = String(field((await add("acl", { name: "blocked" })).json, "id"));
  const words = String(field((await add("dictionary", { name: "words" })).json, "id"));
  const check = 'if (std.ip(req.http.X-Ip, "192.0.2.1") ~ blocked) { error 403; }';
  await add("snippet", { name: "check", type: "recv", content: check });
  const source = 'table.lookup(words, "a", "-") table.lookup(words, "b", "-")';
  await add("header", { name: "w", type: "response", action: "set", dst: "http.X-Words", src: source });
  await activate();
  const seen = async (): Promise<unknown> => (await visit("/")).headers["x-words"];
  const items = `/service/${id}/dictionary/${words}/items`;
  const create = (key: string): object => ({ op: "create", item_key: key, item_value: key.toUpperCase() });
  await call("PATCH", items, { json: { items: [create("a"), create("b")] } });
  expect(await seen()).toBe("AB");
  const broken = { items: [{ op: "delete", item_key: "a" }, create("b")] };
  expect((await call("PATCH", items, { json: broken })).status).toBe(409);
  expect(await seen()).toBe("AB");
  const entries = `/service/${id}/acl/${acl}/entries`;
  const batch = [
    { op: "create", ip: "198.51.100.0", subnet: "24" },
    { op: "create", ip: "198.51.100.7", negated: "1" },
  ];
  await call("PATCH", entries, { json: { entries: batch } });
  const status = async (ip: string): Promise<number> => (await visit("/", { "x-ip": ip })).status;
  expect([await status("198.51.100.6"), await status("198.51.100.7")]).toEqual([403, 200]);
  const [first] = [(await call("GET", entries)).json].flat();
  await call("PATCH", entries, { json: { entries: [{ op: "delete", id: String(field(first, "id")) }] } });
  expect(await status("198.51.100.6")).toBe(200);
});
