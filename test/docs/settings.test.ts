import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { environmentOf } from "../../src/settings/environment.ts";
import { loadSettings } from "../../src/settings/load.ts";
import { settingsSchema } from "../../src/settings/schema.ts";
import { tempDir } from "../support/temp-dir.ts";
import { PROJECT, codeBlocks, readPage } from "./page.ts";

const page = await readPage("settings.md");

const objectSchema = z.object({ properties: z.record(z.string(), z.unknown()) });

/** Dotted paths of the fields below a JSON schema; a second location has the fields of the first. */
function fieldsOf(schema: unknown, path = ""): readonly string[] {
  const parsed = objectSchema.safeParse(schema);
  if (!parsed.success || path === "s3.second") return [path];
  return Object.entries(parsed.data.properties).flatMap(([name, child]) =>
    fieldsOf(child, path === "" ? name : `${path}.${name}`),
  );
}

/** First cells of a table's rows, by its heading row. */
function tableFields(heading: string): readonly string[] {
  const lines = page.slice(page.indexOf(`| ${heading}`)).split("\n");
  const rows = lines.slice(
    2,
    lines.findIndex((line) => !line.startsWith("|")),
  );
  return rows.flatMap((row) =>
    [...(row.split("|")[1] ?? "").matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name),
  );
}

describe("docs/settings.md", () => {
  it("has an example that loads and describes an environment", async () => {
    const [example = ""] = codeBlocks(page, "ts");
    const path = join(await tempDir(), "sitefleet.config.ts");
    const schema = pathToFileURL(join(PROJECT, "src", "settings", "schema.ts")).pathname;
    await writeFile(path, example.replace('"sitefleet"', JSON.stringify(schema)));
    const settings = await loadSettings(path);
    const { s3, hostSuffixes } = environmentOf(settings, "test", {});
    expect(s3.second?.region).toBe("us-west-2");
    expect(hostSuffixes).toEqual([{ suffix: ".staging.test.example-sites.com", siteEnv: "staging" }]);
  });

  it("lists exactly the fields that there are", () => {
    const shape = z
      .object({ properties: z.object({ environments: z.object({ additionalProperties: z.unknown() }) }) })
      .parse(z.toJSONSchema(settingsSchema, { io: "input" }));
    const fields = fieldsOf(shape.properties.environments.additionalProperties);
    expect([...tableFields("field of an environment")].sort()).toEqual([...fields].sort());
  });

  it("lists exactly the variables that are read", () => {
    const read: string[] = [];
    const variables = new Proxy<Record<string, string>>(
      {},
      {
        get(_, name) {
          if (typeof name === "string" && !name.endsWith("_NONE")) read.push(name);
          return name === "SITEFLEET_EDGE_S3_KEY" ? "x:x" : "x";
        },
      },
    );
    const settings = settingsSchema.parse({
      environments: {
        none: {
          fastly: { domains: ["*.example.com"] },
          s3: { region: "us-east-1", configBucket: "config", hostingBucket: "hosting" },
        },
      },
    });
    const unset = { get: (name: string) => (name.endsWith("_NONE") ? undefined : variables[name]) };
    const { secrets } = environmentOf(
      settings,
      "none",
      new Proxy<Record<string, string>>({}, { get: (_, name) => unset.get(String(name)) }),
    );
    secrets.apiToken();
    secrets.storeKeys();
    secrets.edgeStoreKey();
    secrets.configSegment();
    expect(
      tableFields("variable")
        .filter((name) => /^[A-Z_0-9]+$/.test(name))
        .sort(),
    ).toEqual(read.sort());
  });
});
