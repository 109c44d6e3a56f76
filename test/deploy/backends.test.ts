import { describe, expect, it } from "vitest";
import { addressOf, backendsOf } from "../../src/deploy/backends.ts";
import type { Location } from "../../src/settings/environment.ts";
import { environmentWith } from "./deploy-fixture.ts";

function location(change: Partial<Location>): Location {
  return { region: "us-east-1", configBucket: "c", hostingBucket: "h", pathStyle: false, ...change };
}

describe("addressOf", () => {
  it.each([
    ["AWS", {}, "fleet", "fleet.s3.us-east-1.amazonaws.com", 443, true, "/"],
    [
      "AWS in China",
      { region: "cn-north-1" },
      "fleet",
      "fleet.s3.cn-north-1.amazonaws.com.cn",
      443,
      true,
      "/",
    ],
    ["AWS, path style", { pathStyle: true }, "fleet", "s3.us-east-1.amazonaws.com", 443, true, "/fleet/"],
    [
      "plain HTTP",
      { endpoint: "http://127.0.0.1:8082", pathStyle: true },
      "b",
      "127.0.0.1",
      8082,
      false,
      "/b/",
    ],
    ["plain HTTP, port 80", { endpoint: "http://minio", pathStyle: true }, "b", "minio", 80, false, "/b/"],
    ["another store", { endpoint: "https://s3.example.com" }, "b", "b.s3.example.com", 443, true, "/"],
    [
      "a store with a port",
      { endpoint: "https://s3.example.com:9443/" },
      "b",
      "b.s3.example.com",
      9443,
      true,
      "/",
    ],
    ["IPv6", { endpoint: "http://[::1]:8082", pathStyle: true }, "b", "::1", 8082, false, "/b/"],
  ] as const)("%s", (_, change, bucket, host, port, tls, probePath) => {
    expect(addressOf(location(change), bucket)).toMatchObject({ host, port, tls, probePath });
  });

  it("checks the certificate of a bucket with dots against the region's name", () => {
    const address = addressOf(location({}), "fleet.example.com");
    expect(address.host).toBe("fleet.example.com.s3.us-east-1.amazonaws.com");
    expect(address.certificateHost).toBe("s3.us-east-1.amazonaws.com");
  });
});

describe("backendsOf", () => {
  it("gives one region two shielded backends without health checks", () => {
    const { backends, healthchecks } = backendsOf(environmentWith());
    expect(healthchecks).toEqual([]);
    expect(backends.map(({ name }) => name)).toEqual(["config", "hosting"]);
    expect(backends[1]).toMatchObject({
      address: "fleet-hosting.s3.us-east-1.amazonaws.com",
      port: 443,
      use_ssl: true,
      ssl_check_cert: true,
      ssl_cert_hostname: "fleet-hosting.s3.us-east-1.amazonaws.com",
      ssl_sni_hostname: "fleet-hosting.s3.us-east-1.amazonaws.com",
      min_tls_version: "1.2",
      shield: "iad-va-us",
      override_host: "",
      healthcheck: "",
    });
  });

  it("gives two regions four backends, each with a check that expects an unsigned probe's 403", () => {
    const second = {
      region: "eu-west-1",
      configBucket: "fleet-config-eu",
      hostingBucket: "fleet-hosting-eu",
    };
    const { backends, healthchecks } = backendsOf(environmentWith({ s3: { second } }));
    expect(backends.map(({ name, healthcheck }) => [name, healthcheck])).toEqual([
      ["config", "config_up"],
      ["hosting", "hosting_up"],
      ["config_second", "config_second_up"],
      ["hosting_second", "hosting_second_up"],
    ]);
    for (const check of healthchecks) {
      expect(check).toMatchObject({ method: "HEAD", path: "/", expected_response: 403 });
      expect(check.initial).toBe(check.threshold);
    }
    expect(healthchecks[2]?.host).toBe("fleet-config-eu.s3.eu-west-1.amazonaws.com");
  });

  it("leaves TLS fields unset for a plain store and probes it with its port", () => {
    const endpoint = "http://127.0.0.1:8082";
    const second = {
      region: "x",
      endpoint: "http://127.0.0.1:9092",
      configBucket: "c-two",
      hostingBucket: "h-two",
    };
    const { backends, healthchecks } = backendsOf(environmentWith({ s3: { endpoint, second } }));
    expect(backends[0]).toMatchObject({
      address: "127.0.0.1",
      port: 8082,
      use_ssl: false,
      ssl_sni_hostname: "",
      ssl_cert_hostname: "",
      min_tls_version: "",
    });
    expect(healthchecks[0]).toMatchObject({ host: "127.0.0.1:8082", path: "/fleet-config/" });
  });
});
