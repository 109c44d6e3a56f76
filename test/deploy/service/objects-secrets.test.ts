import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { readLive } from "../../../src/deploy/live/live.ts";
import { formatPlanFile, parsePlanFile } from "../../../src/deploy/plan/plan-file.ts";
import { formatPlan } from "../../../src/deploy/plan/plan-text.ts";
import { startFaultProxy } from "../../support/fault-proxy.ts";
import {
  SECRET_VALUES,
  VALID_ENVIRONMENT,
  deployerAt,
  desiredWith,
  environmentWith,
  sealFor,
} from "../deploy-fixture.ts";
import { LOG_SECRET, RICH, SECRETS, TOKEN_VALUE, deployed, richly } from "./rich-service.ts";

describe("secrets of dictionaries and endpoints", () => {
  it("appear in no plan, plan file, text, line, error or readable object", async () => {
    const { api, deployer, id } = await deployed();
    const desired = richly();
    const proxy = await startFaultProxy(api.api.url, (call) =>
      call.url.includes("/logging/s3") && call.method !== "GET"
        ? { status: 400, body: { msg: "bad", detail: decodeURIComponent(call.body.replaceAll("+", " ")) } }
        : "pass",
    );
    const refused = deployerAt(proxy.url);
    const fresh = richly({ serviceName: "another", domains: ["*.another.example.net"] });
    const plan = await refused.plan(fresh);
    const error: unknown = await refused.apply(plan, fresh).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "fastly/refused" });
    const live = await readLive(deployer.client, desired.service, desired);
    const state = live?.active?.dictionaries.find(({ name }) => name === "sitefleet_state");
    const items = await deployer.client.listItems({ serviceId: id, dictionaryId: state?.id ?? "" });
    const shown = [
      formatPlanFile(plan, sealFor(fresh)),
      formatPlan(plan),
      JSON.stringify(desired),
      inspect(desired, { depth: 9 }),
      JSON.stringify(live),
      inspect(live, { depth: 9 }),
      inspect(error, { depth: 9, showHidden: true }),
      JSON.stringify(items),
      ...refused.lines,
      ...deployer.lines,
    ].join("\n");
    for (const value of [...SECRET_VALUES, LOG_SECRET, TOKEN_VALUE]) expect(shown).not.toContain(value);
  });

  it("that somebody put into live VCL are hidden in the difference", async () => {
    const { api, deployer, id } = await deployed();
    await api.call("PUT", `/service/${id}/version/1/clone`);
    await api.call("PUT", `/service/${id}/version/2/vcl/recv`, {
      form: { content: `# ${LOG_SECRET}\n# hidden-config-segment\n` },
    });
    await api.call("PUT", `/service/${id}/version/2/activate`);
    const plan = await deployer.plan(richly(), "overwrite");
    expect(plan.diffs[0]?.patch).toContain("-# [secret]\n-# [secret]\n");
    const text = formatPlanFile(plan, sealFor(richly()));
    expect(parsePlanFile(text, { file: "p", ...sealFor(richly()) })).toEqual(plan);
    for (const value of [...SECRET_VALUES, LOG_SECRET]) expect(text).not.toContain(value);
  });

  it.each([
    ["a snippet", { snippets: [{ name: "s", type: "recv", content: `# ${LOG_SECRET}` }] }, 'snippet "s"'],
    ["a public item", { dictionaries: { open: { items: { a: LOG_SECRET } } } }, 'dictionary "open"'],
    [
      "a plain field of an endpoint",
      {
        logging: {
          kind: "s3",
          fields: { bucket_name: "logs", path: `/${LOG_SECRET}/`, secret_key: { env: "LOG_SECRET" } },
        },
      },
      'logging endpoint "sitefleet"',
    ],
  ] as const)("are refused in %s", (_, change, where) => {
    const fastly = { ...VALID_ENVIRONMENT.fastly, logging: RICH.logging, ...change };
    const settings = { ...fastly, snippets: "snippets" in change ? [...change.snippets] : [] };
    expect(() => desiredWith("# one", environmentWith({ fastly: settings }, SECRETS))).toThrow(
      `${where} contains the value of LOG_SECRET`,
    );
  });
});
