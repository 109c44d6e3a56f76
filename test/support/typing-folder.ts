import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import { CHECKOUT, startProcess } from "./cli-process.ts";
import type { TypedLine } from "./typed-page.ts";

/** A new folder in which a reader types the lines of a page; it goes with the tests around it. */
export interface TypingFolder {
  /** Its path, once the tests have begun. */
  readonly root: string;
  /** Types a line, and expects the exit code and the words that the page tells. */
  readonly type: (line: TypedLine, as?: TypedAs) => Promise<void>;
}

/** How a line is typed: the page's ports and folders are the default ones, and those of a test are free ones. */
export interface TypedAs {
  readonly here?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** For a `describe`, before the hooks that use the folder: makes it, with the built `sitefleet` on the path. */
export function typingFolder(page: string): TypingFolder {
  let root = "";
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), `sitefleet-${page}-`));
    const program = join(root, "bin", "sitefleet");
    await mkdir(join(root, "bin"));
    const cli = join(CHECKOUT, "dist", "cli.js");
    await writeFile(program, `#!/bin/sh\nexec "${process.execPath}" "${cli}" "$@"\n`);
    await chmod(program, 0o755);
  });
  afterAll(() => rm(root, { recursive: true, force: true }));
  return {
    get root() {
      return root;
    },
    async type({ line, code, says }, { here = line, env = {} } = {}) {
      // As in a shell that has read `.env`; what a line sets for itself wins.
      const typed = `PATH="${root}/bin:$PATH"; [ ! -f .env ] || { set -a; . ./.env; set +a; }; ${here}`;
      const end = await startProcess("bash", ["-o", "pipefail", "-c", typed], { cwd: root, env }).end;
      const said = `${end.out}${end.err}`;
      expect({ line, code: end.code, said: end.code === code ? "" : said }).toEqual({ line, code, said: "" });
      for (const part of says) expect(said).toContain(part);
    },
  };
}
