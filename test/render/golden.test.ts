import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { FEATURES } from "../../src/render/features.ts";
import { renderService } from "../../src/render/render.ts";
import type { Environment } from "../../src/settings/environment.ts";
import { exampleEnvironment, exampleLocal } from "../support/environments.ts";

const GOLDEN = join(import.meta.dirname, "..", "golden");
const environments: readonly Environment[] = [
  exampleLocal(),
  exampleEnvironment("test"),
  exampleEnvironment("production"),
];

describe("rendered VCL", () => {
  it.each(environments.map((environment) => [environment.name, environment] as const))(
    "of %s is the reviewed golden file",
    async (name, environment) => {
      const [file] = renderService(environment).files;
      const path = join(GOLDEN, `${name}.vcl`);
      if (process.env["UPDATE_GOLDEN"] === "1") {
        await mkdir(GOLDEN, { recursive: true });
        await writeFile(path, file?.content ?? "");
      }
      expect(file?.content).toBe(await readFile(path, "utf8"));
    },
  );

  it("is the same bytes each time", () => {
    const environment = exampleEnvironment("production");
    expect(renderService(environment)).toEqual(renderService(environment));
  });

  it("holds every feature by name", () => {
    const content = renderService(exampleEnvironment("production")).files[0]?.content ?? "";
    for (const feature of FEATURES) expect(content).toContain(`# ${feature}\n`);
  });

  it("has a revision that changes with any setting that is rendered", () => {
    const environment = exampleEnvironment("production");
    const other = { ...environment, ttl: { ...environment.ttl, notFound: 301 } };
    expect(renderService(other).revision).not.toBe(renderService(environment).revision);
  });

  it("holds no secret and asks for none", () => {
    const environment: Environment = {
      ...exampleEnvironment("production"),
      secrets: {
        apiToken: () => expect.unreachable(),
        storeKeys: () => expect.unreachable(),
        edgeStoreKey: () => expect.unreachable(),
        configSegment: () => expect.unreachable(),
        named: () => expect.unreachable(),
      },
    };
    expect(renderService(environment).files).toHaveLength(1);
  });
});
