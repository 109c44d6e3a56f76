import { join } from "node:path";
import { expect, test } from "vitest";
import { mirrorPackage, packageFor } from "../../../src/deploy/compute/own-package.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { failureOf } from "../deploy-fixture.ts";
import { computeEnvironment, packageWith } from "./compute-fixture.ts";

function environmentAt(apiUrl: string) {
  return computeEnvironment({ fastly: { apiUrl, domains: ["*.sites.example.net"] } });
}

test("A mirror on this machine gets a package without a program where none was built, the same bytes each time", async () => {
  const absent = join(await tempDir(), "absent.tar.gz");
  for (const url of ["http://127.0.0.1:8081", "http://[::1]:8081", "http://localhost:8081"]) {
    const file = await packageFor(environmentAt(url), absent);
    expect(file).toEqual(await mirrorPackage());
  }
});

test("Fastly gets none: the error says how it is built", async () => {
  const absent = join(await tempDir(), "absent.tar.gz");
  const error = await failureOf(packageFor(environmentAt("https://api.fastly.com"), absent));
  expect(error.code).toBe("compute/not-built");
  expect(error.hint).toContain("npm run build:compute");
});

test("What was built is sent to both", async () => {
  const built = await packageWith("built");
  for (const url of ["http://127.0.0.1:8081", "https://api.fastly.com"]) {
    expect((await packageFor(environmentAt(url), built.path)).filesHash).toBe(built.filesHash);
  }
});

test("The package of another project is sent to nobody, and its name is told without control characters", async () => {
  const { path } = await packageWith("foreign", "another\u001b[31m");
  for (const url of ["http://127.0.0.1:8081", "https://api.fastly.com"]) {
    const error = await failureOf(packageFor(environmentAt(url), path));
    expect(error.code).toBe("deploy/invalid-package");
    expect(error.message).toContain(String.raw`is that of "another\u001b[31m", not sitefleet's`);
  }
});
