import { describe, expect, test } from "vitest";
import { startApi, TOKEN } from "../../mirror/api/api-fixture.ts";
import { hasFastlyCli, runFastlyCli } from "../../support/fastly-cli.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { deployerAt } from "../deploy-fixture.ts";
import { computeEnvironment, packageWith, wantedCompute } from "./compute-fixture.ts";

describe.skipIf(!(await hasFastlyCli()))("the official CLI", () => {
  test("sees what was deployed: versions, package, links and stores", { timeout: 120_000 }, async () => {
    const api = await startApi();
    const deployer = deployerAt(api.api.url);
    const file = await packageWith("cli");
    await deployer.deploy(await wantedCompute(undefined, file));
    const { serviceId } = await deployer.deploy(
      await wantedCompute(computeEnvironment({ ttl: { page: 600 } }), file),
    );
    const place = { home: await tempDir(), endpoint: api.api.url, token: TOKEN };
    const run = async (...args: string[]): Promise<string> => {
      const { code, out } = await runFastlyCli(place, args);
      if (code !== 0) throw new Error(`fastly ${args.join(" ")}: exit ${code}\n${out}`);
      return out;
    };
    const id = ["--service-id", serviceId ?? ""];
    const versions = await run("service", "version", "list", ...id);
    expect(versions).toMatch(/^1\s+false\s/m);
    expect(versions).toMatch(/^2\s+true\s/m);
    const links = await run("service", "resource-link", "list", ...id, "--version", "2");
    expect(links).toContain("sitefleet_settings");
    expect(links).toContain("sitefleet_private");
    expect(await run("config-store", "list")).toContain("sitefleet_fleet-test_settings");
    expect(await run("secret-store", "list")).toContain("sitefleet_fleet-test_private");
    const packagePath = ["compute", "validate", "--package", file.path];
    expect(await run(...packagePath)).toContain("Validated");
    expect(await run("compute", "hash-files", "--package", file.path)).toContain(file.filesHash);
  });
});
