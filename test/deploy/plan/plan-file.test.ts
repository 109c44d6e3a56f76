import { describe, expect, it } from "vitest";
import { formatPlanFile, parsePlanFile } from "../../../src/deploy/plan/plan-file.ts";
import { planDeploy } from "../../../src/deploy/plan/plan.ts";
import { VARIABLES, desiredWith, environmentWith, sealFor } from "../deploy-fixture.ts";

/** What whoever applies the file has: other secrets always, as another environment does. */
function elsewhere(service: { readonly id?: string; readonly name: string }, environment = "test") {
  const variables = { ...VARIABLES, SITEFLEET_CONFIG_SEGMENT: "other-segment" };
  const { desired, secrets } = sealFor(desiredWith("# one", environmentWith({}, variables)));
  const named = { ...desired.service, id: undefined, ...service };
  return { file: "p.json", desired: { ...desired, environment, service: named }, secrets };
}

describe("a plan file that is applied elsewhere", () => {
  const plan = planDeploy(desiredWith(), undefined);
  const text = formatPlanFile(plan, sealFor());

  it("is refused with both environments, and says where it belongs", () => {
    expect(() => parsePlanFile(text, elsewhere({ name: "fleet-test" }, "production"))).toThrow(
      expect.objectContaining({
        code: "deploy/invalid-plan",
        message: '"p.json" is for environment "test", not for "production"',
        hint: expect.stringContaining("apply it with --env test") as unknown,
      }) as Error,
    );
  });

  it("is refused with both services where the settings name another of the same environment", () => {
    expect(() => parsePlanFile(text, elsewhere({ name: "other-shop" }))).toThrow(
      '"p.json" is for service "fleet-test", and the settings of "test" name service "other-shop"',
    );
    expect(() => parsePlanFile(text, elsewhere({ name: "fleet-test", id: "other-id" }))).toThrow(
      'the settings of "test" name service "other-id"',
    );
  });

  it("names other secrets only where all else fits", () => {
    expect(() => parsePlanFile(text, elsewhere({ name: plan.service.name }))).toThrow("other secrets");
  });
});
