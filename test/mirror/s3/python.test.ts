import { execFile, execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, readFile, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import type { S3Server } from "../../../src/mirror/s3/server.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { BUCKET, FULL, REGION, send, startServer } from "./s3-fixture.ts";

const run = promisify(execFile);

/** Why a program cannot be used here, or `undefined` when it can. */
function whyNot(file: string, args: readonly string[]): string | undefined {
  try {
    execFileSync(file, args, { stdio: "pipe", timeout: 20_000 });
    return undefined;
  } catch (error) {
    return error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
  }
}

const noBoto3 = whyNot("python3", ["-c", "import boto3"]);
const noAwsCli = whyNot("aws", ["--version"]);
const titled = (name: string, reason: string | undefined): string =>
  reason === undefined ? name : `${name} (skipped: ${reason})`;

function environment(server: S3Server): NodeJS.ProcessEnv {
  return {
    PATH: process.env["PATH"],
    HOME: "/nonexistent",
    AWS_ACCESS_KEY_ID: FULL.accessKeyId,
    AWS_SECRET_ACCESS_KEY: FULL.secretAccessKey,
    AWS_DEFAULT_REGION: REGION,
    AWS_ENDPOINT_URL_S3: server.url,
    AWS_MAX_ATTEMPTS: "1",
    AWS_EC2_METADATA_DISABLED: "true",
    PYTHONWARNINGS: "ignore",
  };
}

/** Ends with a traceback and status 1 at the first thing that is not as it should be. */
const BOTO3 = `
import boto3, hashlib, io, os, sys, urllib.request
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError
bucket = sys.argv[1]
s3 = boto3.client("s3")

def code(call):
    try:
        call()
    except ClientError as error:
        return error.response["Error"]["Code"]
    raise AssertionError("the call succeeded")

body = os.urandom(20 * 1024 * 1024 + 7)
config = TransferConfig(multipart_threshold=8 << 20, multipart_chunksize=8 << 20, max_concurrency=4)
s3.upload_fileobj(io.BytesIO(body), bucket, "big", Config=config, ExtraArgs={"Metadata": {"a": "1"}, "ContentType": "x/y"})
out = io.BytesIO()
s3.download_fileobj(bucket, "big", out, Config=config)
assert out.getvalue() == body
head = s3.head_object(Bucket=bucket, Key="big")
assert head["Metadata"] == {"a": "1"} and head["ContentType"] == "x/y" and head["ETag"].endswith('-3"'), head
s3.copy({"Bucket": bucket, "Key": "big"}, bucket, "copied", Config=config)
assert s3.get_object(Bucket=bucket, Key="copied")["Body"].read() == body

for algorithm in ["CRC32", "SHA1", "SHA256"]:
    put = s3.put_object(Bucket=bucket, Key="sum", Body=b"hello", ChecksumAlgorithm=algorithm)
    got = s3.get_object(Bucket=bucket, Key="sum", ChecksumMode="ENABLED")
    assert got["Body"].read() == b"hello" and got["Checksum" + algorithm] == put["Checksum" + algorithm]

etag = s3.put_object(Bucket=bucket, Key="cas", Body=b"1", IfNoneMatch="*")["ETag"]
assert code(lambda: s3.put_object(Bucket=bucket, Key="cas", Body=b"2", IfNoneMatch="*")) == "PreconditionFailed"
s3.put_object(Bucket=bucket, Key="cas", Body=b"2", IfMatch=etag)
assert code(lambda: s3.put_object(Bucket=bucket, Key="cas", Body=b"3", IfMatch=etag)) == "PreconditionFailed"
assert code(lambda: s3.get_object(Bucket=bucket, Key="none")) == "NoSuchKey"

keys = ["list/a b", "list/a+b", "list/ä/1", "list/ä/2", "list/x\\u0001y", "list/\\U0001F600"]
for key in keys:
    s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode()
pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="list/", PaginationConfig={"PageSize": 2})
listed = [item["Key"] for page in pages for item in page["Contents"]]
assert listed == sorted(keys, key=lambda key: key.encode()), listed
folders = s3.list_objects_v2(Bucket=bucket, Prefix="list/", Delimiter="/")["CommonPrefixes"]
assert folders == [{"Prefix": "list/ä/"}], folders
# XML 1.0 cannot hold U+0001 and boto3 writes it all the same: S3 refuses the document, so this key goes alone.
s3.delete_object(Bucket=bucket, Key="list/x\\u0001y")
rest = [key for key in keys if "\\u0001" not in key]
assert code(lambda: s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in keys]})) == "MalformedXML"
deleted = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in rest]})
assert len(deleted["Deleted"]) == len(rest) and "Errors" not in deleted
assert "Contents" not in s3.list_objects_v2(Bucket=bucket, Prefix="list/")

signed = boto3.client("s3", config=Config(signature_version="s3v4", s3={"addressing_style": "path"}))
url = signed.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "cas", "ResponseContentType": "text/x y"}, ExpiresIn=60)
with urllib.request.urlopen(url) as response:
    assert response.read() == b"2" and response.headers["Content-Type"] == "text/x y"

chunked = boto3.client("s3", config=Config(request_checksum_calculation="when_required"))
chunked.upload_fileobj(io.BytesIO(b"plain"), bucket, "plain")
assert code(lambda: boto3.client("s3", aws_secret_access_key="wrong", aws_access_key_id="AKIDFULL").list_buckets()) == "SignatureDoesNotMatch"
`;

it.skipIf(noBoto3 !== undefined)(
  titled("serves boto3: multipart, checksums, conditions, listings, presigned URLs", noBoto3),
  async () => {
    const server = await startServer();
    await run("python3", ["-c", BOTO3, BUCKET], { env: environment(server) });
    expect(server.requests.get("UploadPartCopy")).toBe(3);
  },
  60_000,
);

it.skipIf(noAwsCli !== undefined)(
  titled("serves aws s3 cp, sync, ls and rm", noAwsCli),
  async () => {
    const server = await startServer();
    const dir = await tempDir();
    const aws = async (...args: readonly string[]): Promise<string> =>
      (await run("aws", ["s3", ...args], { env: environment(server), cwd: dir })).stdout;
    const large = randomBytes(9 * 1024 * 1024);
    await mkdir(join(dir, "site/sub dir"), { recursive: true });
    await writeFile(join(dir, "site/index.html"), "<p>hello");
    await writeFile(join(dir, "site/sub dir/ä+%.txt"), "text");
    await writeFile(join(dir, "site/large.bin"), large);
    // S3's LastModified has whole seconds: files of this second would look newer than their uploads.
    const past = new Date(Date.now() - 3_600_000);
    for (const name of ["index.html", "sub dir/ä+%.txt", "large.bin"]) {
      await utimes(join(dir, "site", name), past, past);
    }
    await aws("sync", "site", `s3://${BUCKET}/copy`);
    expect(await aws("ls", `s3://${BUCKET}/copy/`, "--recursive")).toMatch(
      / 8 copy\/index\.html\n.* 9437184 copy\/large\.bin\n.* 4 copy\/sub dir\/ä\+%\.txt\n/,
    );
    await aws("cp", `s3://${BUCKET}/copy/large.bin`, "back.bin");
    expect((await readFile(join(dir, "back.bin"))).equals(large)).toBe(true);
    await aws("sync", `s3://${BUCKET}/copy`, "again");
    expect(await readFile(join(dir, "again/sub dir/ä+%.txt"), "utf8")).toBe("text");
    expect(await aws("sync", "site", `s3://${BUCKET}/copy`)).toBe("");
    await aws("rm", `s3://${BUCKET}/copy`, "--recursive");
    expect((await send(server, { path: `/${BUCKET}?list-type=2` })).body.toString()).toContain(
      "<KeyCount>0</KeyCount>",
    );
  },
  60_000,
);
