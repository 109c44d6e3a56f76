import { CONFIGURATION_HANDLERS } from "./bucket-configurations.ts";
import {
  createBucket,
  deleteBucket,
  getBucketLocation,
  getBucketVersioning,
  headBucket,
  listBuckets,
  listObjects,
  listObjectsV2,
} from "./buckets.ts";
import {
  abortMultipartUpload,
  completeMultipartUpload,
  createMultipartUpload,
  uploadPart,
  uploadPartCopy,
} from "./multipart.ts";
import { listMultipartUploads, listParts } from "./multipart-listing.ts";
import { copyObject } from "./object-copy.ts";
import { getObject, headObject } from "./object-reads.ts";
import { deleteObject, deleteObjects, putObject } from "./object-writes.ts";
import type { OperationHandler } from "./operation-context.ts";

/** An operation that is built. */
interface HandlerRow {
  readonly handle: OperationHandler;
  /** Whether the operation reads the request's body itself; for the others it is read away first. */
  readonly takesBody: boolean;
}

const withBody = (handle: OperationHandler): HandlerRow => ({ handle, takesBody: true });
const withoutBody = (handle: OperationHandler): HandlerRow => ({ handle, takesBody: false });

/** Every operation this server has, by the name AWS gives it; any other answers 501 with its name. */
export const OPERATION_HANDLERS: ReadonlyMap<string, HandlerRow> = new Map([
  ["AbortMultipartUpload", withoutBody(abortMultipartUpload)],
  ["CompleteMultipartUpload", withBody(completeMultipartUpload)],
  ["CopyObject", withoutBody(copyObject)],
  ["CreateBucket", withBody(createBucket)],
  ["CreateMultipartUpload", withoutBody(createMultipartUpload)],
  ["DeleteBucket", withoutBody(deleteBucket)],
  ["DeleteObject", withoutBody(deleteObject)],
  ["DeleteObjects", withBody(deleteObjects)],
  ["GetBucketLocation", withoutBody(getBucketLocation)],
  ["GetBucketVersioning", withoutBody(getBucketVersioning)],
  ["GetObject", withoutBody(getObject)],
  ["HeadBucket", withoutBody(headBucket)],
  ["HeadObject", withoutBody(headObject)],
  ["ListBuckets", withoutBody(listBuckets)],
  ["ListMultipartUploads", withoutBody(listMultipartUploads)],
  ["ListObjects", withoutBody(listObjects)],
  ["ListObjectsV2", withoutBody(listObjectsV2)],
  ["ListParts", withoutBody(listParts)],
  ["PutObject", withBody(putObject)],
  ["UploadPart", withBody(uploadPart)],
  ["UploadPartCopy", withoutBody(uploadPartCopy)],
  ...CONFIGURATION_HANDLERS.map(([operation, takesBody, handle]): readonly [string, HandlerRow] => [
    operation,
    { handle, takesBody },
  ]),
]);
