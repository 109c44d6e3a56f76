import { readFileSync, readdirSync } from "node:fs";
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { request } from "undici";
import { expect, test } from "vitest";
import { startCli, startMirrorProcess } from "../support/cli-process.ts";
import { startFaultProxy } from "../support/fault-proxy.ts";
import type { ProxiedCall } from "../support/fault-proxy.ts";

const OTHERS = {
  SITEFLEET_CONFIG_SEGMENT: "hidden-segment-0123456789",
  PARTNER_KEY: "partner+key/with=signs",
  LOG_TOKEN: "log-token-0123456789",
};

/** Every spelling in which a value may turn up: as it is, in a URL or form, in base64. */
function spellings(value: string): readonly string[] {
  return [value, encodeURIComponent(value), Buffer.from(value).toString("base64").replace(/=+$/, "")];
}

/** Arguments of every process that descends from one. */
function argumentsBelow(pid: number): readonly string[] {
  const parents = new Map<number, number>();
  const lines = new Map<number, string>();
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, "utf8");
      const parent = /^\d+ \(.*\) \S (\d+)/s.exec(stat)?.[1];
      parents.set(Number(entry), Number(parent));
      lines.set(Number(entry), readFileSync(`/proc/${entry}/cmdline`, "utf8"));
    } catch {
      // It ended while it was looked at.
    }
  }
  const isBelow = (one: number): boolean =>
    one === pid || (parents.has(one) && isBelow(parents.get(one) ?? 0));
  return [...lines].filter(([one]) => isBelow(one)).map(([, line]) => line);
}

// The list of processes is read where Linux keeps it.
test.runIf(process.platform === "linux")(
  "no secret is in what a deploy says, writes, asks for, starts, or leaves readable at Fastly",
  { timeout: 90_000 },
  async ({ onTestFinished }) => {
    const root = await mkdtemp(join(tmpdir(), "sitefleet-secrets-"));
    onTestFinished(() => rm(root, { recursive: true, force: true }));
    const project = join(root, "project");
    const bin = join(root, "bin");
    await Promise.all([mkdir(project), mkdir(bin)]);
    const mirror = await startMirrorProcess({ cwd: root, env: { SITEFLEET_STATE: join(root, "state") } });
    onTestFinished(() => mirror.stop().then(() => undefined));
    const { api, s3 } = mirror.file;
    const variables = {
      FASTLY_API_TOKEN: api.token,
      AWS_ACCESS_KEY_ID: s3.accessKeyId,
      AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
      SITEFLEET_EDGE_S3_KEY: s3.edgeKey,
      ...OTHERS,
    };
    const edgeSecret = s3.edgeKey.split(":")[1] ?? "";
    const secrets = [api.token, s3.secretAccessKey, edgeSecret, ...Object.values(OTHERS)];

    const seen: string[] = [];
    let pid = 0;
    const proxy = await startFaultProxy(api.url, () => {
      seen.push(...argumentsBelow(pid));
      return "pass";
    });
    await writeFile(
      join(project, "sitefleet.config.json"),
      JSON.stringify({ environments: { test: environment(proxy.url, s3) } }),
    );
    // In git's place a program that tells what it was given.
    const git = `#!/bin/sh\n{ echo "$@"; tr '\\0' '\\n' < /proc/self/environ; } >> ${join(root, "git.txt")}\nexit 1\n`;
    await writeFile(join(bin, "git"), git, { mode: 0o755 });
    const run = async (...args: readonly string[]): Promise<void> => {
      const path = `${bin}:${process.env["PATH"] ?? ""}`;
      const { child, end } = startCli([...args, "--env", "test"], {
        cwd: project,
        env: { ...variables, PATH: path },
      });
      pid = child.pid ?? 0;
      const { code, out, err } = await end;
      expect([args, code, code === 0 ? "" : err]).toEqual([args, 0, ""]);
      seen.push(out, err);
    };
    await run("deploy", "plan", "--out", "plan.json");
    await run("deploy", "apply", "plan.json", "--create");
    await run("deploy", "plan", "--json");
    await run("deploy", "status", "--json");

    const asked = proxy.calls.filter((call) => !mayCarrySecrets(call)).map(textOf);
    const left = await readBack(api);
    const entries = await readdir(project, { recursive: true, withFileTypes: true });
    const written = entries.filter((entry) => entry.isFile());
    const files = await Promise.all(
      written.map(({ parentPath, name }) => readFile(join(parentPath, name), "utf8")),
    );
    const started = await readFile(join(root, "git.txt"), "utf8");
    // What is looked through is what it is meant to be.
    expect(seen.join("\n")).toContain("deploy\0apply");
    expect(asked.join("\n")).toContain("journal");
    expect(left).toContain('\\"state\\":\\"verified\\"');
    expect(left).toContain("sub vcl_recv");
    expect(JSON.parse(await readFile(join(project, "plan.json"), "utf8"))).toMatchObject({ format: 2 });
    expect(started).toContain("PATH=");
    const all = [...seen, ...asked, left, ...files, started].join("\n");
    expect(secrets.flatMap(spellings).filter((spelling) => all.includes(spelling))).toEqual([]);
    // They arrived nonetheless.
    const carried = proxy.calls.filter(mayCarrySecrets).map(textOf).join("\n");
    const arrived = [edgeSecret, ...Object.values(OTHERS)].filter((value) =>
      spellings(value).some((one) => carried.includes(one)),
    );
    expect(arrived).toHaveLength(4);
  },
);

/** The two kinds of calls that bring a secret to where it is used: items of private dictionaries, logging endpoints. */
function mayCarrySecrets({ url, body }: ProxiedCall): boolean {
  const isPrivate = /\/dictionary\/[^/]+\/items$/.test(url) && /config_segment|partner/.test(body);
  return isPrivate || url.includes("/logging/");
}

function textOf({ method, url, body }: ProxiedCall): string {
  return `${method} ${url} ${body}`;
}

function environment(apiUrl: string, s3: { readonly url: string; readonly region: string }): object {
  return {
    fastly: {
      serviceName: "secrets",
      apiUrl,
      shield: "iad-va-us",
      domains: ["*.secrets.example.net"],
      dictionaries: {
        partners: { private: true, items: { partner: { env: "PARTNER_KEY" } } },
        words: { items: { hello: "world" } },
      },
      logging: {
        kind: "https",
        fields: {
          url: "https://logs.example.net/",
          header_name: "Authorization",
          header_value: { env: "LOG_TOKEN" },
        },
      },
    },
    s3: {
      region: s3.region,
      endpoint: s3.url,
      configBucket: "sitefleet-config",
      hostingBucket: "sitefleet-hosting",
    },
  };
}

/** What everybody with a token may read of the service, besides the logging endpoint itself. */
async function readBack({ url, token }: { readonly url: string; readonly token: string }): Promise<string> {
  const get = async (path: string): Promise<string> => {
    const answer = await request(url + path, { headers: { "fastly-key": token } });
    return answer.body.text();
  };
  const idIn = (text: string): string => /"id":"(\w+)"/.exec(text)?.[1] ?? "";
  const service = `/service/${idIn(await get("/service/search?name=secrets"))}`;
  const dictionaries = await get(`${service}/version/1/dictionary`);
  const ids = [...dictionaries.matchAll(/"id":"(\w+)"/g)].map(([, id = ""]) => id);
  return [
    dictionaries,
    await get(`${service}/version`),
    await get(`${service}/version/1/vcl`),
    await get(`${service}/version/1/generated_vcl`),
    await get(`${service}/version/1/backend`),
    ...(await Promise.all(ids.map((id) => get(`${service}/dictionary/${id}/items`)))),
  ].join("\n");
}
