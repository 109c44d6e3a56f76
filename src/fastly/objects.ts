import type { z } from "zod";
import type { FormValue } from "./transport.ts";
import { backend, dictionary, domain, healthcheck, vclFile } from "./wire.ts";
import type { Backend, Dictionary, Domain, Healthcheck, VclFile } from "./wire.ts";

/** A kind of named object inside a version: where it lives and how it is read and written. */
export interface ObjectKind<
  Read extends { readonly name: string },
  Write extends { readonly name: string } = Read,
> {
  /** Segment of the path: `/service/{id}/version/{n}/<path>[/<name>]`. */
  readonly path: string;
  readonly answer: z.ZodType<Read>;
  /** What is sent to create or replace it; booleans become 1 and 0. */
  toForm(object: Write): Readonly<Record<string, FormValue>>;
}

/** reference/api/vcl-services/vcl; which file is the main one is a call of its own (`setMainVcl`). */
export const VCL: ObjectKind<VclFile, Pick<VclFile, "name" | "content">> = {
  path: "vcl",
  answer: vclFile,
  toForm: ({ name, content }) => ({ name, content }),
};

/** reference/api/services/domain */
export const DOMAIN: ObjectKind<Domain> = {
  path: "domain",
  answer: domain,
  toForm: (object) => ({ ...object }),
};

/** reference/api/services/backend; an empty text unsets the field. */
export const BACKEND: ObjectKind<Backend> = {
  path: "backend",
  answer: backend,
  toForm: (object) => ({ ...object }),
};

/** reference/api/services/healthcheck */
export const HEALTHCHECK: ObjectKind<Healthcheck> = {
  path: "healthcheck",
  answer: healthcheck,
  toForm: (object) => ({ ...object }),
};

/** reference/api/dictionaries/dictionary */
export const DICTIONARY: ObjectKind<Dictionary, Omit<Dictionary, "id">> = {
  path: "dictionary",
  answer: dictionary,
  toForm: ({ name, write_only }) => ({ name, write_only }),
};
