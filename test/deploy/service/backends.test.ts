import { describe, expect, it } from "vitest";
import { backendsOf } from "../../../src/deploy/service/backends.ts";
import { environmentWith } from "../deploy-fixture.ts";

const BUCKETS = { configBucket: "fleet", hostingBucket: "fleet-hosting" };

function configBackend(s3: NonNullable<Parameters<typeof environmentWith>[0]>["s3"]) {
  const [config] = backendsOf(environmentWith({ s3: { ...BUCKETS, ...s3 } })).backends;
  if (!config) throw new Error("no backend");
  return config;
}

describe("the address of a bucket", () => {
  it.each([
    ["on AWS", {}, "fleet.s3.us-east-1.amazonaws.com", 443, true],
    ["on AWS, path style", { pathStyle: true }, "s3.us-east-1.amazonaws.com", 443, true],
    ["in a plain store", { endpoint: "http://127.0.0.1:8082" }, "127.0.0.1", 8082, false],
    ["in a plain store on port 80", { endpoint: "http://minio" }, "minio", 80, false],
    [
      "in another store",
      { endpoint: "https://s3.example.com", pathStyle: false },
      "fleet.s3.example.com",
      443,
      true,
    ],
    ["behind a port", { endpoint: "https://s3.example.com:9443/" }, "s3.example.com", 9443, true],
    ["at an IPv6 address", { endpoint: "http://[::1]:8082" }, "::1", 8082, false],
  ] as const)("%s", (_, s3, address, port, use_ssl) => {
    expect(configBackend(s3)).toMatchObject({ address, port, use_ssl });
  });

  it("with dots is checked against the certificate name of its region", () => {
    expect(configBackend({ configBucket: "fleet.example.com" })).toMatchObject({
      address: "fleet.example.com.s3.us-east-1.amazonaws.com",
      ssl_cert_hostname: "s3.us-east-1.amazonaws.com",
      ssl_sni_hostname: "s3.us-east-1.amazonaws.com",
    });
  });

  it("at an IP address with TLS has no name to ask for", () => {
    expect(configBackend({ endpoint: "https://10.0.0.1" })).toMatchObject({
      use_ssl: true,
      ssl_sni_hostname: "",
    });
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
      region: "us-east-1",
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
