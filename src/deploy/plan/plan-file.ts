import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import { SitefleetError } from "../../lib/errors.ts";
import type { Secret } from "../../lib/secret.ts";
import { secretsIn } from "../service/desired.ts";
import type { DesiredService } from "../service/desired.ts";
import type { DeployPlan } from "./deploy-plan.ts";
import { planSchema } from "./plan-schema.ts";
import { digestedItems } from "./plan-tables.ts";
import { PRIVATE_DICTIONARY } from "../../render/constants.ts";
import { SecretTexts } from "../service/secret-texts.ts";

/** What a plan file is sealed with and must not hold: only who deploys the environment has both. */
export interface PlanSeal {
  readonly desired: Pick<DesiredService, "environment" | "service" | "privateItems" | "variables">;
  /** Further secrets, such as the API token. */
  readonly secrets: readonly Secret[];
}

const HINT = "make a new one with `sitefleet deploy plan --out FILE`";

/**
 * The plan as a file: JSON with two spaces and a final newline, sealed so that a changed one is known.
 * @throws SitefleetError `deploy/invalid-plan` when it would hold a secret
 */
export function formatPlanFile(plan: DeployPlan, seal: PlanSeal): string {
  const text = `${JSON.stringify({ ...plan, seal: sealOf(plan, seal) }, null, 2)}\n`;
  if (secretsOf(seal).isIn(text)) {
    throw new SitefleetError("deploy/invalid-plan", "the plan would hold the value of a secret", {
      hint: "look for it in the settings and in objects made by hand; nothing was written",
    });
  }
  return text;
}

const sealed = z.looseObject({ seal: z.string() });

/**
 * Reads a plan file back.
 * @throws SitefleetError `deploy/invalid-plan`
 */
export function parsePlanFile(text: string, from: PlanSeal & { readonly file: string }): DeployPlan {
  const { file } = from;
  const value = parseJson(text, file);
  if (secretsOf(from).isIn(text)) {
    throw new SitefleetError("deploy/invalid-plan", `"${file}" holds the value of a secret`, { hint: HINT });
  }
  const { seal, ...plan } = sealed.safeParse(value).data ?? { seal: undefined };
  const parsed = planSchema.safeParse(plan);
  if (!parsed.success || seal === undefined) {
    throw new SitefleetError("deploy/invalid-plan", `"${file}" is not a deploy plan of format 2`, {
      hint: HINT,
      details: (parsed.error?.issues ?? [])
        .slice(0, 20)
        .map((issue) => `${issue.path.join(".") || "plan"}: ${issue.message}`),
    });
  }
  // Before the seal: another environment has other secrets, and "made with other secrets" would hide what is wrong.
  refuseElsewhere(parsed.data, from);
  if (!isEqual(seal, sealOf(plan, from))) {
    throw new SitefleetError(
      "deploy/invalid-plan",
      `"${file}" was changed after it was made, or made with other secrets`,
      { hint: HINT },
    );
  }
  return parsed.data;
}

function refuseElsewhere(plan: DeployPlan, { file, desired }: PlanSeal & { readonly file: string }): void {
  const { environment } = desired;
  const { id, name } = desired.service;
  if (plan.environment !== environment) {
    throw new SitefleetError(
      "deploy/invalid-plan",
      `"${file}" is for environment "${plan.environment}", not for "${environment}"`,
      { hint: `apply it with --env ${plan.environment}, or ${HINT}` },
    );
  }
  if (id === undefined ? plan.service.name === name : plan.service.id === id) return;
  const planned = `"${plan.service.name}"${plan.service.id === null ? "" : ` (${plan.service.id})`}`;
  throw new SitefleetError(
    "deploy/invalid-plan",
    `"${file}" is for service ${planned}, and the settings of "${environment}" name service "${id ?? name}"`,
    { hint: `apply it with the settings that it was made with, or ${HINT}` },
  );
}

function secretsOf({ desired, secrets }: PlanSeal): SecretTexts {
  return new SecretTexts([...secretsIn(desired), ...secrets]);
}

/**
 * Keyed with all private items at once: whoever has a plan file and guesses has to guess the S3 secret too. White space
 * does not count, so that a formatter does not break the seal.
 */
function sealOf(plan: object, { desired }: PlanSeal): string {
  const pairs = digestedItems(desired.privateItems, PRIVATE_DICTIONARY).map(({ key, value }) => [
    key,
    value.reveal(),
  ]);
  const key = createHash("sha256")
    .update(`sitefleet plan ${JSON.stringify(pairs)}`)
    .digest();
  const text = JSON.stringify(JSON.parse(JSON.stringify(plan)));
  return createHmac("sha256", key).update(text).digest("hex");
}

function isEqual(found: string, expected: string): boolean {
  const [a, b] = [Buffer.from(found), Buffer.from(expected)];
  return a.byteLength === b.byteLength && timingSafeEqual(a, b);
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new SitefleetError("deploy/invalid-plan", `"${file}" is not JSON`, { hint: HINT, cause });
  }
}
