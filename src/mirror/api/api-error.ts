/**
 * A refusal in Fastly's own form: the HTTP status and the `{"msg", "detail"}` body of the classic endpoints
 * (reference/api, "Error responses").
 */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly msg: string;
  readonly detail: string | undefined;

  constructor(status: number, msg: string, detail?: string) {
    super(detail === undefined ? msg : `${msg}: ${detail}`);
    this.status = status;
    this.msg = msg;
    this.detail = detail;
  }

  /** The JSON body that goes on the wire. */
  get body(): { readonly msg: string; readonly detail?: string } {
    return this.detail === undefined ? { msg: this.msg } : { msg: this.msg, detail: this.detail };
  }
}

/** 400: the request cannot be carried out as it is. */
export function badRequest(detail: string): ApiError {
  return new ApiError(400, "Bad request", detail);
}

/**
 * 404 with the search that found nothing, as Fastly prints it:
 * `Couldn't find Backend '{ deleted => 0000-00-00 00:00:00, name => x, service => S, version => 3 }'`.
 */
export function recordNotFound(label: string, search: Readonly<Record<string, string | number>>): ApiError {
  const pairs = Object.entries(search).map(([key, value]) => `${key} => ${value}`);
  return new ApiError(404, "Record not found", `Couldn't find ${label} '{ ${pairs.join(", ")} }'`);
}

/** The part of a search that means "not deleted". */
export const NOT_DELETED = { deleted: "0000-00-00 00:00:00" } as const;

/** 409: something with this name is there already. */
export function duplicateRecord(label: string, name: string): ApiError {
  return new ApiError(409, "Duplicate record", `Duplicate ${label}: '${name}'`);
}

/** 422: a version that was activated or locked never changes again. */
export function versionLocked(serviceId: string, version: number): ApiError {
  return new ApiError(422, "Version locked", `Version '${version}' for service '${serviceId}' is locked`);
}

/** 501: Fastly has this endpoint, the mirror does not (yet). */
export function notImplemented(operation: string): ApiError {
  return new ApiError(501, "Not implemented", `${operation} is not part of the mirror's Fastly API`);
}
