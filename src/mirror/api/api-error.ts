import { assertNever } from "../../lib/errors.ts";

/**
 * How a refusal is written: `{"msg","detail"}` by the classic endpoints, `{"errors":[{"title","detail"}]}` by those of
 * TLS and domains (JSON:API), RFC 9457's problem by those of products (recorded).
 */
export type ErrorForm = "classic" | "errors" | "problem";

/** How a refusal is written where it is not as the classic endpoints do. */
export interface ErrorShape {
  readonly form?: ErrorForm;
  /** Fields beside Fastly's own. */
  readonly more?: Readonly<Record<string, unknown>>;
}

/** A refusal in Fastly's own form: the HTTP status and a body (reference/api, "Error responses"). */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly msg: string;
  readonly detail: string | undefined;
  readonly form: ErrorForm;
  readonly #more: Readonly<Record<string, unknown>>;

  constructor(
    status: number,
    msg: string,
    detail?: string,
    { form = "classic", more = {} }: ErrorShape = {},
  ) {
    super(detail === undefined ? msg : `${msg}: ${detail}`);
    this.status = status;
    this.msg = msg;
    this.detail = detail;
    this.form = form;
    this.#more = more;
  }

  /** The JSON body that goes on the wire. */
  get body(): Readonly<Record<string, unknown>> {
    return { ...this.#own(), ...this.#more };
  }

  #own(): Readonly<Record<string, unknown>> {
    const { msg, detail } = this;
    switch (this.form) {
      case "classic":
        return detail === undefined ? { msg } : { msg, detail };
      case "errors":
        return { errors: [detail === undefined ? { title: msg } : { title: msg, detail }] };
      case "problem":
        return { type: "", title: msg, status: this.status, errors: null, detail: detail ?? "" };
      default:
        return assertNever(this.form);
    }
  }

  get contentType(): string {
    return this.form === "problem" ? "application/problem+json" : "application/json";
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
