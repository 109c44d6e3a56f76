import { z } from "zod";
import { problemSchema } from "./answer.ts";
import type { Route } from "./route.ts";
import { DIGEST_HEADER, SIGNATURE_HEADER } from "./signature.ts";

type Json = Record<string, unknown>;

/**
 * The description of the endpoint (OpenAPI 3.1, spec.openapis.org/oas/v3.1.1), made of the very routes and schemas that
 * serve and check.
 */
export function openApiDocument(routes: readonly Route[], environment: string): Json {
  const schemas = new Map<string, Json>();
  const paths = new Map<string, Json>();
  for (const route of routes) {
    const operations = paths.get(route.path) ?? {};
    paths.set(route.path, { ...operations, [route.method.toLowerCase()]: operationOf(route, schemas) });
  }
  return {
    openapi: "3.1.1",
    info: {
      title: "sitefleet webhooks",
      version: "1",
      description: `Publishes sites, adds domains and purges in the server environment "${environment}". Signatures: docs/hooks.md.`,
    },
    servers: [{ url: "/" }],
    paths: Object.fromEntries(paths),
    components: {
      schemas: Object.fromEntries(schemas),
      securitySchemes: {
        signature: {
          type: "apiKey",
          in: "header",
          name: SIGNATURE_HEADER,
          description: "k=<key id>,t=<seconds>,n=<nonce>,v1=<hex HMAC-SHA-256>",
        },
      },
    },
  };
}

function operationOf(route: Route, schemas: Map<string, Json>): Json {
  const { operationId, summary, description, signed, body } = route;
  return {
    operationId,
    summary,
    ...(description === undefined ? {} : { description }),
    security: signed ? [{ signature: [] }] : [],
    parameters: [
      ...parametersOf(route.params, "path", schemas),
      ...parametersOf(route.query, "query", schemas),
      ...(signed ? [digestParameter(body !== undefined)] : []),
      ...(route.job ? [PREFER] : []),
    ],
    ...(body === undefined ? {} : { requestBody: bodyOf(body, schemas) }),
    responses: Object.fromEntries(
      Object.entries(route.answers).map(([status, answer]) => [
        status,
        {
          description: answer.description,
          ...headersOf(Number(status), route),
          content: contentOf(Number(status), answer.schema, schemas),
        },
      ]),
    ),
  };
}

const PREFER = {
  name: "prefer",
  in: "header",
  required: false,
  description: "wait=N: answer when the job has ended, after N seconds at the latest (RFC 7240)",
  schema: { type: "string", examples: ["wait=60"] },
};

function digestParameter(hasBody: boolean): Json {
  return {
    name: DIGEST_HEADER,
    in: "header",
    required: false,
    description: `hex SHA-256 of the body${hasBody ? "" : ", which is empty"}; needed with a body`,
    schema: { type: "string", pattern: "^[0-9a-f]{64}$" },
  };
}

function parametersOf(
  schema: z.ZodObject,
  where: "path" | "query",
  schemas: Map<string, Json>,
): readonly Json[] {
  return Object.entries(schema.shape).map(([name, field]) => {
    const json = jsonSchemaOf(field, schemas);
    const isRequired = where === "path" || !(field instanceof z.ZodOptional);
    return { name, in: where, required: isRequired, schema: json };
  });
}

function bodyOf(body: NonNullable<Route["body"]>, schemas: Map<string, Json>): Json {
  const content = Object.entries(body.content).map(([type, schema]) => [
    type,
    schema === undefined ? {} : { schema: jsonSchemaOf(schema, schemas) },
  ]);
  return { required: body.required, content: Object.fromEntries(content) };
}

function headersOf(status: number, { job }: Route): Json {
  const text = { type: "string" };
  if (status === 429 || status === 503) {
    return { headers: { "Retry-After": { description: "seconds", schema: { type: "integer" } } } };
  }
  if (job && (status === 200 || status === 202)) {
    return { headers: { Location: { description: "where to ask for the job", schema: text } } };
  }
  return {};
}

function contentOf(status: number, schema: z.ZodType | undefined, schemas: Map<string, Json>): Json {
  if (status >= 400) return { "application/problem+json": { schema: jsonSchemaOf(problemSchema, schemas) } };
  return {
    "application/json": { schema: schema === undefined ? { type: "object" } : jsonSchemaOf(schema, schemas) },
  };
}

/** The JSON Schema of a schema (2020-12, the dialect of OpenAPI 3.1); one with an id becomes a component. */
function jsonSchemaOf(schema: z.ZodType, schemas: Map<string, Json>): Json {
  const { $schema: _, id, ...json } = z.toJSONSchema(schema, { target: "draft-2020-12", io: "input" });
  if (typeof id !== "string") return json;
  schemas.set(id, json);
  return { $ref: `#/components/schemas/${id}` };
}
