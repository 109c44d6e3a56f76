import { createHash } from "node:crypto";
import { mkdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";

const FILE_BYTES = 8_192;

/** A built website of so many pages, and what happens to it between two publishes. */
export class BenchFolder {
  readonly dir: string;
  readonly files: number;

  constructor(dir: string, files: number) {
    this.dir = dir;
    this.files = files;
  }

  /** Path of a page in the folder. */
  pathOf(index: number): string {
    return `part-${index % Math.max(20, Math.ceil(this.files / 100))}/${index}.html`;
  }

  async create(): Promise<void> {
    for (let index = 0; index < this.files; index += 1) await this.#write(index, "");
  }

  /** One page of a hundred gets other content of another length, and one of a hundred goes. */
  async changeSome(): Promise<void> {
    const step = Math.min(100, this.files);
    for (let index = 0; index < this.files; index += step) {
      await this.#write(index, `changed ${index} `);
      await rm(join(this.dir, this.pathOf(index + 1)), { force: true });
    }
  }

  /** The same bytes with the time of now, as a build writes them. */
  async rebuild(): Promise<void> {
    const now = performance.timeOrigin / 1_000 + performance.now() / 1_000;
    for (let index = 0; index < this.files; index += 1) {
      await utimes(join(this.dir, this.pathOf(index)), now, now).catch(ignoreMissing);
    }
  }

  /** Other bytes with the same length and time; resolves with the page and its hash. */
  async changeInSilence(): Promise<{ readonly path: string; readonly sha256: string }> {
    const path = this.pathOf(2);
    const { atime, mtime, size } = await stat(join(this.dir, path));
    const body = "silent ".repeat(size).slice(0, size);
    await writeFile(join(this.dir, path), body);
    await utimes(join(this.dir, path), atime, mtime);
    return { path, sha256: createHash("sha256").update(body).digest("hex") };
  }

  async #write(index: number, extra: string): Promise<void> {
    const path = join(this.dir, this.pathOf(index));
    await mkdir(join(path, ".."), { recursive: true });
    await writeFile(path, `<p>${extra}${index}</p>`.padEnd(FILE_BYTES + extra.length, "words "));
  }
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
}
