import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EdgeChecks } from "../../src/deploy/apply/activation.ts";
import { applyDeploy } from "../../src/deploy/apply/apply.ts";
import type { ApplyOptions, DeployResult } from "../../src/deploy/apply/apply.ts";
import type { DesiredService } from "../../src/deploy/service/desired.ts";
import { readLive } from "../../src/deploy/live/live.ts";
import type { LiveService } from "../../src/deploy/live/live.ts";
import { planDeploy } from "../../src/deploy/plan/plan.ts";
import { applyRollback, planRollback } from "../../src/deploy/apply/rollback.ts";
import { describeService } from "../../src/fleet/deploy-session.ts";
import { FastlyClient } from "../../src/fastly/client.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { Secret } from "../../src/lib/secret.ts";
import { environmentOf } from "../../src/settings/environment.ts";
import type { MirrorFile } from "../../src/settings/local.ts";
import { settingsSchema } from "../../src/settings/schema.ts";
import type { SettingsInput } from "../../src/settings/schema.ts";
import { startCli, startMirrorProcess } from "../support/cli-process.ts";
import type { MirrorProcess } from "../support/cli-process.ts";
import { runHere } from "../support/command-line.ts";
import { openKillGate } from "../support/kill-gate.ts";

let root = "";
let mirror: MirrorProcess | undefined;

function mirrorFile(): MirrorFile {
  if (!mirror) throw new Error("no mirror");
  return mirror.file;
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "sitefleet-deploy-kill-"));
  mirror = await startMirrorProcess({ cwd: root, env: { SITEFLEET_STATE: join(root, "state") } });
});

afterAll(async () => {
  await mirror?.stop();
  await rm(root, { recursive: true, force: true });
});

type Edition = "old" | "new";

/** A service of its own for each moment, with what its deploys read. */
class Project {
  readonly #name: string;
  readonly #target: "vcl" | "compute";
  readonly #dir: string;
  readonly #client: FastlyClient;

  constructor(name: string, target: "vcl" | "compute") {
    this.#name = name;
    this.#target = target;
    this.#dir = join(root, name);
    const { api } = mirrorFile();
    this.#client = new FastlyClient({ apiUrl: api.url, token: new Secret(api.token), clock: systemClock });
  }

  /** What the program gets of its surroundings. */
  get variables(): Readonly<Record<string, string>> {
    const { api, s3, configSegment } = mirrorFile();
    return {
      FASTLY_API_TOKEN: api.token,
      AWS_ACCESS_KEY_ID: s3.accessKeyId,
      AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
      SITEFLEET_EDGE_S3_KEY: s3.edgeKey,
      SITEFLEET_CONFIG_SEGMENT: configSegment,
      SITEFLEET_STATE: join(root, "state"),
    };
  }

  get dir(): string {
    return this.#dir;
  }

  /** What differs between two editions is one number in the VCL, or in the app's settings. */
  #settings(
    edition: Edition,
    through: { readonly api?: string; readonly edge?: string } = {},
  ): SettingsInput {
    const { api, s3 } = mirrorFile();
    const hostSuffix = `${this.#name}.example.net`;
    const test = {
      target: this.#target,
      fastly: {
        serviceName: this.#name,
        apiUrl: through.api ?? api.url,
        ...(this.#target === "vcl" ? { shield: "iad-va-us" } : {}),
        domains: [`*.${hostSuffix}`],
      },
      s3: {
        region: s3.region,
        endpoint: s3.url,
        configBucket: "sitefleet-config",
        hostingBucket: "sitefleet-hosting",
      },
      ttl: { page: edition === "old" ? 1_000 : 2_000 },
      ...(through.edge === undefined ? {} : { verify: { url: through.edge, hostSuffix } }),
    };
    return { environments: { test } };
  }

  /** Writes the settings of the new edition for the program. */
  async write(through: { readonly api?: string; readonly edge?: string } = {}): Promise<void> {
    await mkdir(this.#dir, { recursive: true });
    const text = JSON.stringify(this.#settings("new", through));
    await writeFile(join(this.#dir, "sitefleet.config.json"), text);
  }

  /** As the program makes it, of the same package. */
  wanted(edition: Edition): Promise<DesiredService> {
    const settings = settingsSchema.parse(this.#settings(edition));
    return describeService(environmentOf(settings, "test", this.variables), { commit: null });
  }

  async deployHere(edition: Edition): Promise<void> {
    const desired = await this.wanted(edition);
    await applyDeploy(planDeploy(desired, await this.live()), {
      ...this.#effects,
      privateItems: desired.privateItems,
      variables: desired.variables,
      package: desired.package,
      by: null,
      create: true,
    });
  }

  async rollBack(): Promise<DeployResult> {
    const { service } = await this.wanted("new");
    return applyRollback(await planRollback(this.#client, { service, to: undefined }), this.#effects);
  }

  get #effects(): Pick<ApplyOptions, "client" | "clock" | "checks" | "signal" | "progress"> {
    const checks: EdgeChecks = {
      probe: () => Promise.resolve(true),
      verify: () => Promise.resolve({ ok: true }),
    };
    const { signal } = new AbortController();
    return { client: this.#client, clock: systemClock, checks, signal, progress: () => undefined };
  }

  /** Deploys with the program, in this process, and gives what it says. */
  async apply(): Promise<unknown> {
    await this.write();
    const { code, out, err } = await runHere(["deploy", "apply", "--create", "--env", "test", "--json"], {
      cwd: this.#dir,
      clock: systemClock,
      variables: this.variables,
    });
    if (code !== 0) throw new Error(`exit ${code}\n${out}${err}`);
    return JSON.parse(out);
  }

  async live(): Promise<LiveService | undefined> {
    const { service } = await this.wanted("new");
    return readLive(this.#client, service);
  }

  /** Names of this service's stores in the account, and how often each link of a version is there. */
  async stores(version: number): Promise<readonly string[]> {
    const live = await this.live();
    const links = await this.#client.compute.listLinks({ serviceId: live?.id ?? "", version });
    const named = links.map(({ name, storeId }) => {
      const store = live?.stores.find(({ id }) => id === storeId);
      return `${name} -> ${store?.role ?? "unknown"}`;
    });
    const configs = (await this.#client.stores.listConfigStores()).map(({ name }) => name);
    return [...named, ...configs.filter((name) => name.startsWith(`sitefleet_${this.#name}_`))].sort();
  }

  close(): Promise<void> {
    return this.#client.close();
  }
}

/** A moment at which a deploy is killed. */
interface KillRow {
  readonly name: string;
  readonly moment: string;
  /** Whether nothing was live before. */
  readonly first?: boolean;
  /** Default: VCL. */
  readonly target?: "compute";
  /** What the gate stands in front of; default: the API. */
  readonly gate?: "edge";
  readonly isMeant: (call: string) => boolean;
  readonly when: "before" | "after";
  readonly live: "none" | "old" | "new";
  readonly next: "deployed" | "verified";
}

const isClone = (call: string): boolean => /^PUT .*\/clone$/.test(call);
const isVcl = (call: string): boolean => /^PUT .*\/vcl\/main\.vcl$/.test(call);
const isValidate = (call: string): boolean => /^GET .*\/validate$/.test(call);
const isActivate = (call: string): boolean => /^PUT .*\/activate$/.test(call);
const isBackend = (call: string): boolean => /^POST .*\/backend$/.test(call);
/** The items that are written the `count`th time. */
const isItems = (count: number): ((call: string) => boolean) => {
  let seen = 0;
  return (call) => /^PATCH .*\/items(\?|$)/.test(call) && ++seen === count;
};

const ROWS: readonly KillRow[] = [
  { name: "k1", moment: "once it cloned", isMeant: isClone, when: "after", live: "old", next: "deployed" },
  {
    name: "k2",
    moment: "while it writes VCL",
    isMeant: isVcl,
    when: "before",
    live: "old",
    next: "deployed",
  },
  {
    name: "k3",
    moment: "while Fastly validates",
    isMeant: isValidate,
    when: "before",
    live: "old",
    next: "deployed",
  },
  {
    name: "k4",
    moment: "once the journal says that it activates",
    isMeant: isItems(1),
    when: "after",
    live: "old",
    next: "deployed",
  },
  {
    name: "k5",
    moment: "once it activated",
    isMeant: isActivate,
    when: "after",
    live: "new",
    next: "verified",
  },
  {
    name: "k6",
    moment: "while it looks at the edge",
    gate: "edge",
    isMeant: () => true,
    when: "before",
    live: "new",
    next: "verified",
  },
  {
    name: "k7",
    moment: "before the journal says that it is verified",
    isMeant: isItems(2),
    when: "before",
    live: "new",
    next: "verified",
  },
  {
    name: "k8",
    moment: "in the middle of its first version",
    first: true,
    isMeant: isBackend,
    when: "after",
    live: "none",
    next: "deployed",
  },
  {
    name: "k9",
    moment: "of a Compute service once a store is made",
    first: true,
    target: "compute",
    isMeant: (call) => call === "POST /resources/stores/config",
    when: "after",
    live: "none",
    next: "deployed",
  },
  {
    name: "k10",
    moment: "of a Compute service while it sends the package of its first version",
    first: true,
    target: "compute",
    isMeant: (call) => /^PUT .*\/package$/.test(call),
    when: "before",
    live: "none",
    next: "deployed",
  },
  {
    name: "k11",
    moment: "of a Compute service between its links",
    first: true,
    target: "compute",
    isMeant: (call) => /^POST .*\/resource$/.test(call),
    when: "after",
    live: "none",
    next: "deployed",
  },
  {
    name: "k12",
    moment: "of a Compute service once the next version's settings are there",
    target: "compute",
    isMeant: isItems(1),
    when: "after",
    live: "old",
    next: "deployed",
  },
  {
    name: "k13",
    moment: "of a Compute service once it activated",
    target: "compute",
    isMeant: isActivate,
    when: "after",
    live: "new",
    next: "verified",
  },
];

describe("a deploy that is killed", () => {
  test.for(ROWS)(
    "$moment leaves live what is whole, and the next run ends right",
    { timeout: 90_000 },
    async (row, { onTestFinished }) => {
      const { name, first = false, live, next, target = "vcl" } = row;
      const project = new Project(name, target);
      onTestFinished(() => project.close());
      if (!first) await project.deployHere("old");
      await killAt(project, row);

      const [old, wanted] = [(await project.wanted("old")).content, (await project.wanted("new")).content];
      const between = await project.live();
      expect(between?.active?.content).toEqual({ none: undefined, old, new: wanted }[live]);
      expect(await project.apply()).toMatchObject({ outcome: next, version: first ? 1 : 2 });
      const after = await project.live();
      expect(after?.active?.content).toEqual(wanted);
      // No version too many, and none lost.
      expect(after?.versions.map(({ locked }) => locked)).toEqual(first ? [true] : [true, true]);
      expect(after?.state.journal).toMatchObject({ state: "verified", former: first ? null : 1 });
      if (target === "compute") {
        expect(await project.stores(first ? 1 : 2)).toEqual([
          `sitefleet_${name}_settings`,
          `sitefleet_${name}_state`,
          "sitefleet_private -> private",
          "sitefleet_settings -> settings",
        ]);
      }
      if (!first) expect(await project.rollBack()).toMatchObject({ version: 1, former: 2 });
    },
  );
});

/** Starts a deploy of the new edition as a process of its own and kills it, as `kill -9` does, at one call. */
async function killAt(project: Project, row: KillRow): Promise<void> {
  const { api, edge } = mirrorFile();
  const isEdge = row.gate === "edge";
  const gate = await openKillGate(isEdge ? edge.http : api.url, row.isMeant, row.when);
  try {
    await project.write(isEdge ? { edge: gate.url } : { api: gate.url });
    const args = ["deploy", "apply", "--env", "test", ...(row.first ? ["--create"] : [])];
    const { child, end } = startCli(args, { cwd: project.dir, env: project.variables });
    const call = await Promise.race([gate.reached, end]);
    if (typeof call !== "string") throw new Error(`not stopped: exit ${call.code}\n${call.err}`);
    child.kill("SIGKILL");
    expect((await end).code).toBe("SIGKILL");
  } finally {
    await gate.close();
  }
}
