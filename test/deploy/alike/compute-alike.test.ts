import { expect, test } from "vitest";
import { proveAlike } from "../../../src/deploy/alike/alike.ts";
import { computeContentOf } from "../../../src/deploy/service/desired-compute.ts";
import { environmentOf } from "../../../src/settings/environment.ts";
import { settingsSchema } from "../../../src/settings/schema.ts";
import { VALID_ENVIRONMENT, VARIABLES } from "../deploy-fixture.ts";

const PACKAGE = { filesHash: "0".repeat(128), size: 1 };

test("Two stages on Compute differ in what their settings say, and each difference names them", () => {
  const one = { ...VALID_ENVIRONMENT, target: "compute" as const };
  const settings = settingsSchema.parse({
    environments: { test: { ...one, ttl: { page: 600 } }, production: one },
  });
  const sideOf = (name: "test" | "production") => {
    const own = settings.environments[name];
    if (!own) throw new Error(`no ${name}`);
    const environment = environmentOf(settings, name, VARIABLES);
    return { settings: own, environment, desired: computeContentOf(environment, PACKAGE) };
  };
  const report = proveAlike([sideOf("test"), sideOf("production")], (environment) =>
    computeContentOf(environment, PACKAGE),
  );
  expect(
    report.differences.map(({ where, settings: said, unexplained }) => [where, said, unexplained]),
  ).toEqual([
    ["app environment", ["environments.test"], false],
    ["app ttl.page", ["environments.test.ttl.page"], false],
  ]);
});
