import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../src/lib/clock.ts";
import { runHere } from "../support/command-line.ts";
import type { CommandEnd } from "../support/command-line.ts";
import { tempDir } from "../support/temp-dir.ts";
import { startTlsEdge } from "../support/tls-edge.ts";

const SUFFIX = "conformance.example.net";

/** Says its site's name, which is all that the case asks of it. */
const CASE = "host/serves-its-site";

async function startEdge() {
  const cwd = await tempDir();
  const edge = await startTlsEdge(SUFFIX, (request, response) => {
    const [site = ""] = (request.headers.host ?? "").split(".");
    response.end(`${site.charAt(0).toUpperCase()}${site.slice(1)} home`);
  });
  await copyFile(edge.ca, join(cwd, "authority.pem"));
  const verify = (...more: readonly string[]): Promise<CommandEnd> =>
    runHere(["verify", "--case", CASE, "--json", ...more], { cwd, clock: systemClock });
  return { edge, verify, target: ["--target", edge.url, "--host-suffix", SUFFIX] };
}

describe("verify --target", () => {
  it("trusts the authority of --ca, and nobody that only it vouches for without", async () => {
    const { edge, verify, target } = await startEdge();
    const refused = await verify(...target);
    expect(refused.code).toBe(5);
    expect(JSON.parse(refused.out)).toMatchObject({
      failed: 1,
      results: [{ reasons: [expect.stringContaining("certificate")] }],
    });
    expect(edge.hosts).toEqual([]);
    const trusted = await verify(...target, "--ca", "authority.pem");
    expect(JSON.parse(trusted.out)).toMatchObject({ passed: 1, failed: 0, skipped: 0 });
    expect(trusted.code).toBe(0);
  });

  it("says which flag named a file that holds no certificate, before anything is asked", async () => {
    const { edge, verify, target } = await startEdge();
    const { code, err } = await verify(...target, "--ca", "nothing.pem");
    expect(code).toBe(2);
    expect(err).toMatch(/error: --ca: .*nothing\.pem cannot be read: .* \[settings\/invalid-ca\]/);
    expect(edge.hosts).toEqual([]);
  });

  it.each(["--ca", "--host-suffix"])("is what %s goes with", async (flag) => {
    const { verify } = await startEdge();
    const { code, err } = await verify(flag, "authority.pem");
    expect(code).toBe(2);
    expect(err).toContain(`error: ${flag} goes with --target [cli/usage]`);
    expect(err).toContain("`verify.ca`");
  });
});
