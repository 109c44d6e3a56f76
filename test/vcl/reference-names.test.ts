import { describe, expect, test } from "vitest";
import { findFunction, findVariable, listFunctions } from "../../src/vcl/catalog.ts";
import { isInScope } from "../../src/vcl/catalog-rows.ts";
import type { Scopes } from "../../src/vcl/catalog-rows.ts";
import { VCL_STATES } from "../../src/vcl/states.ts";
import { REFERENCE_FUNCTIONS, REFERENCE_VARIABLES } from "./reference-names.ts";

function rowsOf(table: string): string[][] {
  return table
    .trim()
    .split("\n")
    .map((line) => line.split(" "));
}

/** `all`, or the states in their order. */
function listScopes(...scopes: readonly Scopes[]): string {
  const states = VCL_STATES.filter((state) => scopes.some((scope) => isInScope(scope, state)));
  return states.length === VCL_STATES.length ? "all" : states.join(",");
}

/** A name of an open family, as a program would write it. */
function written(name: string): string {
  return name.replace("{NAME}", "x").replace("{N}", "1");
}

describe("the reference's names", () => {
  const variables = rowsOf(REFERENCE_VARIABLES);
  const functions = rowsOf(REFERENCE_FUNCTIONS);

  test("every variable is known", () => {
    expect(variables.length).toBeGreaterThan(470);
    const unknown = variables.filter(([name = ""]) => findVariable(written(name)) === undefined);
    expect(unknown.map(([name]) => name)).toEqual([]);
  });

  test("every function is known, and the catalog has no others", () => {
    expect(functions.length).toBeGreaterThan(195);
    expect(
      listFunctions()
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual(functions.map(([name]) => name));
  });

  test("variables have the reference's type, access and subroutines", () => {
    const ours = variables.map(([name = ""]) => {
      const row = findVariable(written(name));
      if (row === undefined) return name;
      const { type, read, write, unset } = row;
      const access = [listScopes(read) && "R", listScopes(write) && "W", listScopes(unset) && "U"].join("");
      return `${name} ${type} ${access} ${listScopes(read, write)}`;
    });
    expect(ours).toEqual(variables.map((row) => row.join(" ")));
  });

  test("functions have the reference's result and subroutines", () => {
    const ours = functions.map(([name = ""]) => {
      const row = findFunction(name);
      return row === undefined ? name : `${name} ${row.result} ${listScopes(row.scopes)}`;
    });
    expect(ours).toEqual(functions.map((row) => row.join(" ")));
  });
});
