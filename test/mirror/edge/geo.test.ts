import { networkInterfaces } from "node:os";
import { request as httpRequest } from "node:http";
import { expect, test } from "vitest";
import { findCountry, listCountries } from "../../../src/mirror/edge/countries.ts";
import { DEFAULT_GEO, geoOfCountry, isLoopback } from "../../../src/mirror/edge/geo.ts";
import type { EdgeOptions } from "../../../src/mirror/edge/edge.ts";
import { serviceOf, startOrigin, testEdge } from "./harness.ts";
import { compiledService } from "./service-vcl.ts";

async function geoEdge(more: Partial<EdgeOptions> = {}) {
  const origin = await startOrigin((_request, response) => response.writeHead(200).end("page"));
  const program = compiledService(origin.port, {
    deliver: `set resp.http.X-Geo = client.geo.country_code " " client.geo.country_code3 " " client.geo.country_name
      " " client.geo.country_name.utf8 " " client.geo.continent_code " " client.geo.city " " geoip.country_code;
      set resp.http.X-Seen = req.http.Fastly-Test-Country;`,
  });
  return { ...(await testEdge(serviceOf(program), more)), origin };
}

test("visitors are in Germany unless a test says otherwise", async () => {
  const { ask } = await geoEdge();
  expect((await ask("/")).headers.get("X-Geo")).toBe("DE DEU germany germany EU berlin DE");
});

test.each([
  ["FR", "FR FRA france france EU ? FR"],
  ["us", "US USA united states united states NA ? US"],
  ["CI", "CI CIV cote d'ivoire cote d'ivoire AF ? CI"],
  ["DE", "DE DEU germany germany EU berlin DE"],
])("the header %s moves the visitor, and neither VCL nor the origin sees it", async (code, geo) => {
  const { ask, origin } = await geoEdge();
  const answer = await ask("/", { headers: { "Fastly-Test-Country": code } });
  expect(answer.headers.get("X-Geo")).toBe(geo);
  expect(answer.headers.has("X-Seen")).toBe(false);
  expect(origin.seen[0]?.headers.has("Fastly-Test-Country")).toBe(false);
});

test.each(["XX", "Germany", "", "D E"])("%j is no country: the request is refused", async (code) => {
  const { ask } = await geoEdge();
  expect((await ask("/", { headers: { "Fastly-Test-Country": code } })).status).toBe(400);
});

test("the header's name can be set; the usual one is then a header like any other", async () => {
  const { ask } = await geoEdge({ countryHeader: "X-Where" });
  const answer = await ask("/", { headers: { "X-Where": "SE", "Fastly-Test-Country": "FR" } });
  expect(answer.headers.get("X-Geo")).toContain("SE SWE sweden");
  expect(answer.headers.get("X-Seen")).toBe("FR");
});

const elsewhere = Object.values(networkInterfaces())
  .flatMap((list) => list ?? [])
  .find((address) => address.family === "IPv4" && !address.internal)?.address;

test.skipIf(elsewhere === undefined)(
  "who comes over another address than loopback is not heard",
  async () => {
    const { edge } = await geoEdge({ host: "0.0.0.0" });
    const geo = await new Promise((resolve, reject) => {
      const request = httpRequest({
        host: elsewhere,
        localAddress: elsewhere,
        port: edge.httpPort,
        headers: { Host: "www.example.com", "Fastly-Test-Country": "FR" },
        agent: false,
      });
      request.on("error", reject);
      request.on("response", (response) => {
        response.resume();
        resolve([response.headers["x-geo"], response.headers["x-seen"]]);
      });
      request.end();
    });
    expect(geo).toEqual(["DE DEU germany germany EU berlin DE", undefined]);
  },
);

test("loopback is 127/8 and ::1, and nothing that only looks like it", () => {
  expect(["127.0.0.1", "127.9.9.9", "::1"].every(isLoopback)).toBe(true);
  expect(["128.0.0.1", "1127.0.0.1", "127.0.0.1.evil", "::10", "10.0.0.1", ""].some(isLoopback)).toBe(false);
});

test("every country has codes, a name and a continent of its own", () => {
  const countries = listCountries();
  expect(countries).toHaveLength(249);
  expect(new Set(countries.map(({ code3 }) => code3)).size).toBe(249);
  expect(new Set(countries.map(({ name }) => name)).size).toBe(249);
  for (const country of countries) {
    expect(country.code).toMatch(/^[A-Z]{2}$/);
    expect(country.code3).toMatch(/^[A-Z]{3}$/);
    expect(country.name).toMatch(/^[a-z][a-z .,()&'-]+$/);
    expect(findCountry(country.code.toLowerCase())).toBe(country);
    expect([...geoOfCountry(country, DEFAULT_GEO).keys()].sort()).toEqual([...DEFAULT_GEO.keys()].sort());
  }
});
