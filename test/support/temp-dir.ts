import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** A new empty folder that is removed when the test (or, called in a hook, the test it runs for) ends. */
export async function tempDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "sitefleet-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}
