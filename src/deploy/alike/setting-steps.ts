import { z } from "zod";
import { settingsSchema } from "../../settings/schema.ts";
import type { ServerEnvironmentSettings } from "../../settings/schema.ts";

/** One step on the way from one environment's settings to another's. */
export interface SettingStep {
  /** Settings that change with it; several where one alone would not be valid settings. */
  readonly changes: readonly ChangedSetting[];
  /** The settings after it. */
  readonly settings: ServerEnvironmentSettings;
}

export interface ChangedSetting {
  /** Dotted below the environment: `s3.configBucket`. */
  readonly path: string;
  /** Whether only the second environment has it. */
  readonly isNew: boolean;
}

/** A field with another value in the second environment; without `to` it is not there. */
interface FieldDifference {
  readonly path: readonly string[];
  readonly from: unknown;
  readonly to: unknown;
}

/**
 * The way from `from` to `to`, one setting after the other, every step of it valid settings; empty when nothing differs.
 * Lists count as one setting.
 */
export function settingSteps(
  from: ServerEnvironmentSettings,
  to: ServerEnvironmentSettings,
): readonly SettingStep[] {
  const steps: SettingStep[] = [];
  let tree: unknown = from;
  let pending: readonly ChangedSetting[] = [];
  for (const found of differences(from, to, [])) {
    tree = withField(tree, found.path, found.to);
    pending = [...pending, { path: found.path.join("."), isNew: found.from === undefined }];
    const parsed = settingsSchema.safeParse({ environments: { either: tree } });
    const settings = parsed.success ? parsed.data.environments["either"] : undefined;
    if (!settings) continue; // goes with the next one: at the end it is the second environment, which is valid
    steps.push({ changes: pending, settings });
    pending = [];
  }
  return steps;
}

function differences(from: unknown, to: unknown, path: readonly string[]): readonly FieldDifference[] {
  const [before, after] = [fieldsOf(from), fieldsOf(to)];
  if (!before || !after) return JSON.stringify(from) === JSON.stringify(to) ? [] : [{ path, from, to }];
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return names.flatMap((name) => differences(before[name], after[name], [...path, name]));
}

const record = z.record(z.string(), z.unknown());

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return Array.isArray(value) ? undefined : record.safeParse(value).data;
}

function withField(tree: unknown, path: readonly string[], value: unknown): unknown {
  const [name, ...rest] = path;
  if (name === undefined) return value;
  const { [name]: inner, ...others } = fieldsOf(tree) ?? {};
  const changed = withField(inner, rest, value);
  return changed === undefined ? others : { ...others, [name]: changed };
}
