import { mkdir, readFile, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { syncFolder, writeFileAtomic } from "../lib/atomic-write.ts";
import { SitefleetError } from "../lib/errors.ts";
import { jobSchema } from "./job.ts";
import type { Job } from "./job.ts";

/**
 * Jobs on disk: `<id>.json` says what is to be done, `<id>.body` is the tarball that it is done with. A job exists from
 * the moment its JSON is there, so the body is written first.
 */
export class JobFiles {
  readonly #dir: string;

  private constructor(dir: string) {
    this.#dir = dir;
  }

  static async open(dir: string): Promise<JobFiles> {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    return new JobFiles(dir);
  }

  bodyPath(id: string): string {
    return join(this.#dir, `${id}.body`);
  }

  /** Writes a job; when this resolves it survives a crash. */
  write(job: Job): Promise<void> {
    return writeFileAtomic(join(this.#dir, `${job.id}.json`), JSON.stringify(job), 0o600);
  }

  async deleteBody(id: string): Promise<void> {
    await rm(this.bodyPath(id), { force: true });
  }

  async delete(id: string): Promise<void> {
    await rm(join(this.#dir, `${id}.json`), { force: true });
    await this.deleteBody(id);
  }

  /**
   * Reads every job, oldest first, and removes what a crash left of bodies that never became one.
   * @throws SitefleetError `hook/state-damaged`
   */
  async readAll(): Promise<readonly Job[]> {
    const names = await readdir(this.#dir);
    const jobs: Job[] = [];
    for (const name of names.filter((name) => name.endsWith(".json") && !name.startsWith("."))) {
      jobs.push(await this.#read(join(this.#dir, name)));
    }
    const wanted = new Set(jobs.flatMap(({ id }) => [`${id}.json`, `${id}.body`]));
    const stray = names.filter((name) => !wanted.has(name));
    for (const name of stray) await rm(join(this.#dir, name), { force: true });
    if (stray.length > 0) await syncFolder(this.#dir);
    return jobs.sort((a, b) => (a.createdAt < b.createdAt ? -1 : a.createdAt > b.createdAt ? 1 : 0));
  }

  async #read(path: string): Promise<Job> {
    const text = await readFile(path, "utf8");
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
    const parsed = jobSchema.safeParse(json);
    if (parsed.success) return parsed.data;
    throw new SitefleetError("hook/state-damaged", `${path} is not a job that this version can read`, {
      hint: "it was written by another version or damaged: delete it, then send its request again",
      details: parsed.error.issues.map(({ path: at, message }) => `${at.join(".")}: ${message}`),
    });
  }
}
