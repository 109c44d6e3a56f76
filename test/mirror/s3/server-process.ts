/** Run in a process of its own by tests that kill it: an S3 server on the folder named, which tells its port. */
import { systemClock } from "../../../src/lib/clock.ts";
import { startS3Server } from "../../../src/mirror/s3/server.ts";

const [dir = "", accessKeyId = "", secretAccessKey = "", region = "", bucket = ""] = process.argv.slice(2);
const server = await startS3Server({
  dir,
  port: 0,
  region,
  credentials: [{ accessKeyId, secretAccessKey, access: "full" }],
  clock: systemClock,
  buckets: [bucket],
});
process.send?.(server.port);
