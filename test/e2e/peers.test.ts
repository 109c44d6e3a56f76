import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HeadObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { request } from "undici";
import { afterAll, describe, expect, test } from "vitest";
import { publishFolder } from "../../src/publish/publish.ts";
import { MIRROR_BUCKETS } from "../../src/settings/local.ts";
import { hasFastlyCli, runFastlyCli } from "../support/fastly-cli.ts";
import { startFleet } from "../support/fleet.ts";

const home = await mkdtemp(join(tmpdir(), "sitefleet-peers-"));
afterAll(() => rm(home, { recursive: true, force: true }));

const available = await hasFastlyCli();

describe.skipIf(!available)("official clients through the whole", () => {
  test("what the AWS SDK puts shows once the Fastly CLI purges it by surrogate key", async () => {
    const fleet = await startFleet();
    try {
      await fleet.deploy();
      await writeFile(join(home, "index.html"), "from sitefleet");
      const ref = { site: "peer", siteEnv: "production" };
      await publishFolder(fleet.deps, { ...ref, dir: home, domains: ["peer.localhost"], dryRun: false });
      const { edge, api, s3 } = fleet.mirror.file;
      const visit = async (): Promise<string> =>
        (await request(edge.http, { headers: { host: "peer.localhost" } })).body.text();
      expect(await visit()).toBe("from sitefleet");

      const { url, region, accessKeyId, secretAccessKey } = s3;
      const credentials = { accessKeyId, secretAccessKey };
      const client = new S3Client({ endpoint: url, region, forcePathStyle: true, credentials });
      const Bucket = MIRROR_BUCKETS.hosting;
      const { Contents = [] } = await client.send(
        new ListObjectsV2Command({ Bucket, Prefix: "local/production/peer/" }),
      );
      const Key = Contents.find((row) => row.Key?.endsWith("/index.html"))?.Key;
      const { Metadata, ContentType } = await client.send(new HeadObjectCommand({ Bucket, Key }));
      await client.send(
        new PutObjectCommand({ Bucket, Key, Metadata, ContentType, Body: "from the AWS SDK" }),
      );
      client.destroy();
      expect(await visit()).toBe("from sitefleet");

      const place = { home, endpoint: api.url, token: api.token };
      const service = ["--service-id", await fleet.deps.serviceId()];
      const other = await runFastlyCli(place, ["service", "purge", ...service, "--key", "s:other"]);
      expect(other.out).toContain("Status: ok");
      expect(await visit()).toBe("from sitefleet");
      const purge = await runFastlyCli(place, ["service", "purge", ...service, "--key", "s:peer"]);
      expect(purge.out).toContain("Status: ok");
      expect(await visit()).toBe("from the AWS SDK");
    } finally {
      await fleet.close();
    }
  });
});
