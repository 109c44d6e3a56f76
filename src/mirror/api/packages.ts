import { MAX_PACKAGE_BYTES } from "../../lib/package-files.ts";
import { ApiError, badRequest, NOT_DELETED, recordNotFound } from "./api-error.ts";
import { json } from "./exchange.ts";
import type { ApiContext, ApiRequest, ApiResponse, Route } from "./exchange.ts";
import { newId } from "./ids.ts";
import { PackageProblem, readPackage } from "./package-archive.ts";
import type { PackageFacts } from "./package-archive.ts";
import { packageOf } from "./package-record.ts";
import { readUploadedFile } from "./uploaded-file.ts";
import { textOf, timestamp } from "./state.ts";
import type { ResourceRecord } from "./state.ts";
import { changeVersion, param, readVersion, requireService } from "./versions-access.ts";
import type { OpenVersion } from "./versions-access.ts";

const PATH = "/service/{service}/version/{version}/package";
/** What a form adds around its file. */
const FORM_BYTES = 64 * 1024;
const METADATA_FIELDS = [
  "name",
  "description",
  "authors",
  "language",
  "size",
  "hashsum",
  "files_hash",
  "cloned_from",
] as const;

/** The package of a Compute service's version (reference/api/services/package). */
export const PACKAGE_ROUTES: readonly Route[] = [
  { method: "GET", path: PATH, operation: "get-package", handler: get },
  {
    method: "PUT",
    path: PATH,
    operation: "put-package",
    handler: put,
    bytes: MAX_PACKAGE_BYTES + FORM_BYTES,
  },
];

async function get(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const open = await readVersion(context, request);
  const record = packageOf(open.objects);
  if (record === undefined) {
    const place = { service: open.service.id, version: open.meta.number };
    throw recordNotFound("Package", { ...NOT_DELETED, ...place });
  }
  return json(present(open, record));
}

async function put(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const service = requireService(context, param(request, "service"));
  if (service.type !== "wasm") throw badRequest("Packages are only supported for services of type 'wasm'");
  const archive = await readUploadedFile(request, "package");
  if (archive === null) throw badRequest("No value for required field 'package'");
  if (archive.length > MAX_PACKAGE_BYTES)
    throw badRequest(`Package is larger than the limit of ${MAX_PACKAGE_BYTES} bytes`);
  // One at a time: an archive may be a hundred times larger in memory.
  const facts = await context.store.exclusive("package-archives", () => readFacts(archive));
  return context.packages.put(facts.hashsum, archive, () => store(context, request, facts));
}

async function readFacts(archive: Uint8Array): Promise<PackageFacts> {
  try {
    return await readPackage(archive);
  } catch (error) {
    if (!(error instanceof PackageProblem)) throw error;
    // Fastly's words (recorded); beside them, what they leave unsaid.
    const more = { reason: error.message };
    throw new ApiError(400, "Bad request", "Failed to extract metadata from package", { more });
  }
}

function store(context: ApiContext, request: ApiRequest, facts: PackageFacts): Promise<ApiResponse> {
  return changeVersion(context, request, (open) => {
    const now = timestamp(context.clock.now());
    const before = packageOf(open.objects);
    const record: ResourceRecord = {
      id: before?.["id"] ?? newId(),
      created_at: before?.["created_at"] ?? now,
      updated_at: now,
      ...recordOf(facts),
    };
    const resources = { ...open.objects.resources, package: [record] };
    const objects = { ...open.objects, resources };
    return Promise.resolve({ objects, result: json(present({ ...open, objects }, record)) });
  });
}

function recordOf(facts: PackageFacts): ResourceRecord {
  return {
    name: facts.name,
    description: facts.description,
    authors: facts.authors,
    language: facts.language,
    size: facts.size,
    hashsum: facts.hashsum,
    files_hash: facts.filesHash,
    cloned_from: facts.clonedFrom,
    mirror_only: facts.mirrorOnly,
  };
}

function present(open: OpenVersion, record: ResourceRecord): Readonly<Record<string, unknown>> {
  return {
    id: textOf(record, "id"),
    service_id: open.service.id,
    version: open.meta.number,
    metadata: Object.fromEntries(METADATA_FIELDS.map((field) => [field, record[field]])),
    created_at: record["created_at"],
    updated_at: record["updated_at"],
    deleted_at: null,
  };
}
