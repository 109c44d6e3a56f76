import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  CLOSED,
  PUBLISH,
  endContract,
  folder,
  holds,
  lying,
  mirrorFile,
  run,
  settings,
  startContract,
  write,
} from "./bad-input-contract.ts";
import type { Row } from "./bad-input-contract.ts";

const remote: readonly Row[] = [
  {
    title: "no mirror",
    argv: [...PUBLISH, "--state", "none"],
    prepare: folder({ "index.html": "new" }),
    exit: 3,
    code: "mirror/not-running",
    names: ["mirror.json", "mirror up"],
  },
  {
    title: "a mirror.json that is none",
    argv: [...PUBLISH, "--state", "torn"],
    prepare: () => write("torn/mirror.json", '{"pid":'),
    exit: 1,
    code: "mirror/state-unreadable",
    names: ["torn"],
  },
  {
    title: "S3 that is down",
    argv: PUBLISH,
    prepare: lying((file) => ({ ...file, s3: { ...file.s3, url: CLOSED } })),
    exit: 3,
    code: "store/unreachable",
    names: [CLOSED, "ECONNREFUSED"],
  },
  {
    title: "S3 that refuses the keys",
    argv: PUBLISH,
    prepare: lying((file) => ({ ...file, s3: { ...file.s3, secretAccessKey: "wrong" } })),
    exit: 4,
    code: "store/not-authorised",
    names: ["mirror.json"],
  },
  {
    title: "S3 that does not know the keys",
    argv: PUBLISH,
    prepare: lying((file) => ({ ...file, s3: { ...file.s3, accessKeyId: "NOBODY" } })),
    exit: 4,
    code: "store/not-authorised",
    names: ["mirror.json"],
  },
  {
    title: "an S3 key that may only read",
    argv: PUBLISH,
    prepare: lying((file) => {
      const [accessKeyId = "", secretAccessKey = ""] = file.s3.edgeKey.split(":");
      return { ...file, s3: { ...file.s3, accessKeyId, secretAccessKey } };
    }),
    exit: 4,
    code: "store/not-authorised",
    names: ["AccessDenied"],
  },
  {
    title: "an API that is down",
    argv: ["deploy", "plan"],
    prepare: lying((file) => ({ ...file, api: { ...file.api, url: CLOSED } })),
    exit: 3,
    code: "fastly/unreachable",
    names: ["127.0.0.1:9"],
  },
  {
    title: "an API that refuses the token",
    argv: ["deploy", "apply"],
    prepare: lying((file) => ({ ...file, api: { ...file.api, token: "wrong" } })),
    exit: 4,
    code: "fastly/unauthorized",
    names: ["FASTLY_API_TOKEN"],
  },
  {
    title: "S3 where the API should be",
    argv: ["deploy", "apply"],
    prepare: lying((file) => ({ ...file, api: { ...file.api, url: file.s3.url } })),
    exit: 4,
    code: "fastly/unauthorized",
    names: ["AccessDenied", "FASTLY_API_TOKEN"],
  },
  {
    title: "a second mirror on the same folder",
    argv: ["mirror", "up", "--edge-port", "0", "--edge-tls-port", "0", "--api-port", "0", "--s3-port", "0"],
    exit: 1,
    code: "mirror/already-running",
    names: [String(process.pid), "--state"],
  },
  ...(["edge-port", "edge-tls-port", "api-port", "s3-port"] as const).map((flag): Row => ({
    title: `--${flag} of another program`,
    argv: ["mirror", "up", "--state", "second"],
    prepare: () => {
      const ports = {
        "edge-port": "0",
        "edge-tls-port": "0",
        "api-port": "0",
        "s3-port": "0",
        [flag]: new URL(mirrorFile().s3.url).port,
      };
      return Promise.resolve(Object.entries(ports).flatMap(([name, port]) => [`--${name}`, port]));
    },
    exit: 1,
    code: "mirror/port-in-use",
    names: ["in use", "choose another port"],
  })),
  {
    title: "a secret that is not set",
    argv: ["deploy", "plan", "--env", "test"],
    prepare: settings(
      JSON.stringify({
        environments: {
          test: {
            fastly: { serviceName: "x", domains: ["*.example.com"] },
            s3: { region: "us-east-1", configBucket: "config-bucket", hostingBucket: "hosting-bucket" },
          },
        },
      }),
    ),
    exit: 4,
    code: "settings/missing-secret",
    names: [/_TEST or /],
  },
];

beforeAll(startContract);

afterAll(endContract);

describe("bad input: what is remote", () => {
  test.for(remote)("$title", holds);
});

test("a publish whose purge is refused is committed, and what it owes is sent by the next run", async () => {
  const more = (await lying((file) => ({ ...file, api: { ...file.api, token: "wrong" } }))()) ?? [];
  const refused = await run([...PUBLISH, ...more]);
  expect(refused.code).toBe(4);
  expect(refused.err).toContain("[fastly/unauthorized]");
  const owed = await run(["purge", "--owed", "--json"]);
  expect(JSON.parse(owed.out)).toMatchObject([{ site: "victim", keys: ["c:victim"] }]);
  const next = await run([...PUBLISH]);
  expect(next.code).toBe(0);
  const left = await run(["purge", "--owed", "--json"]);
  expect(JSON.parse(left.out)).toEqual([]);
});
